//! The `vary` matrix: named lists of values, and their product.

use std::fmt;

use super::substitute::{Part, is_parameter_name, parts, scalar_of};
use crate::config::did_you_mean;
use crate::config::yaml::{MapView, NodeKind, Position, Problems, Scalar, Style, View};

/// More cases than this are refused.
pub const CASES_MAX: usize = 500;
/// More names than this are refused.
const NAMES_MAX: usize = 8;

/// One varied name with its values, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// The name that `${name}` refers to.
    pub name: String,
    /// Its values; they may refer to other names.
    pub values: Vec<Scalar>,
    pub(super) position: Position,
}

/// The values of one case, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Scalar)>);

impl Parameters {
    /// Values by name.
    pub const fn new(values: Vec<(String, Scalar)>) -> Self {
        Self(values)
    }

    /// Values by name, as a recorded run holds them; numbers and durations are told by their form.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let scalar = |text: &str| Scalar {
            text: text.to_owned(),
            style: Style::Plain,
            expanded: false,
        };
        Self(
            texts
                .into_iter()
                .map(|(name, text)| (name.to_owned(), scalar(text)))
                .collect(),
        )
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Scalar> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value)
    }

    /// Every name with the text of its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.text.as_str()))
    }

    /// Whether nothing is varied.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same with one value changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: Scalar) -> Self {
        self.0.retain(|(given, _)| given != name);
        self.0.push((name.to_owned(), value));
        self
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |(name, value): (&str, &str)| format!("{name}={value}");
        f.write_str(&self.iter().map(pair).collect::<Vec<_>>().join(" "))
    }
}

/// Reads `vary`; what is wrong is reported and left out.
pub(super) fn decode_vary(map: &MapView<'_>) -> Vec<Vary> {
    let Some(given) = map.optional_map("vary") else {
        return Vec::new();
    };
    if given.entries().count() > NAMES_MAX {
        given
            .view()
            .problem(format!("varies more than {NAMES_MAX} names"));
    }
    given
        .entries()
        .filter_map(|(name, position, view)| decode_one(name, position, &view))
        .collect()
}

fn decode_one(name: &str, position: Position, view: &View<'_>) -> Option<Vary> {
    if !is_parameter_name(name) {
        view.problem(
            "a varied name is a lower-case letter followed by letters, digits or `_`, at most 40 in all",
        );
        return None;
    }
    let items = view.as_list()?;
    if items.is_empty() {
        view.problem("is empty; give at least one value");
        return None;
    }
    if items.len() > CASES_MAX {
        view.problem(format!("has more than {CASES_MAX} values"));
        return None;
    }
    let values: Vec<Scalar> = items.iter().filter_map(decode_value).collect();
    for (index, item) in items.iter().enumerate() {
        if let Some(value) = values.get(index)
            && values[..index].contains(value)
        {
            item.problem(format!("the value {} is given twice", value.text));
        }
    }
    Some(Vary {
        name: name.to_owned(),
        values,
        position,
    })
}

fn decode_value(item: &View<'_>) -> Option<Scalar> {
    match &item.node().kind {
        NodeKind::Scalar(scalar) if scalar.is_null() => {
            item.problem("is empty; for empty text write \"\"");
            None
        }
        NodeKind::Scalar(scalar) if scalar.text.contains("$$") => {
            item.problem("holds `$$`; a varied value cannot hold a literal `$`");
            None
        }
        NodeKind::Scalar(scalar) => Some(scalar.clone()),
        NodeKind::Seq(_) | NodeKind::Map(_) => {
            let found = item.node().describe();
            item.problem(format!(
                "expected a number, a duration or a word, found {found}"
            ));
            None
        }
    }
}

/// Reports undefined and cyclic references among the values; `Err` when values cannot be put in.
pub(super) fn check_references(vary: &[Vary], map: &MapView<'_>) -> Result<(), ()> {
    let given = map.optional("vary").filter(is_map);
    let Some(given) = given.and_then(|view| view.as_map()) else {
        return Ok(());
    };
    let names = varied_names(map);
    let mut sound = Ok(());
    for (_, _, list) in given.entries() {
        for item in list
            .is_list()
            .then(|| list.as_list())
            .flatten()
            .unwrap_or_default()
        {
            if let NodeKind::Scalar(scalar) = &item.node().kind
                && let Err(message) = check_text(&scalar.text, &names)
            {
                item.problem(message);
                sound = Err(());
            }
        }
    }
    let mut told: Vec<&str> = Vec::new();
    for one in vary.iter().filter(|one| !one.values.is_empty()) {
        if told.contains(&one.name.as_str()) {
            continue;
        }
        if let Some(way) = cycle_from(one, vary) {
            told.extend(&way);
            let view = given.view();
            let message = format!("`{}` refers to itself: {}", one.name, way.join(" -> "));
            given.problem_at_key(&one.name, &format!("`{}`: {message}", view.path()));
            sound = Err(());
        }
    }
    sound
}

/// Every name the file gives under `vary`, whether its values can be used or not.
pub(super) fn varied_names<'a>(map: &MapView<'a>) -> Vec<&'a str> {
    let given = map.optional("vary").filter(is_map);
    given
        .and_then(|view| view.as_map())
        .map(|given| given.entries().map(|(name, _, _)| name).collect())
        .unwrap_or_default()
}

fn is_map(view: &View<'_>) -> bool {
    matches!(view.node().kind, NodeKind::Map(_))
}

/// Checks that a text refers only to varied names.
pub(super) fn check_text(text: &str, names: &[&str]) -> Result<(), String> {
    for part in parts(text)? {
        if let Part::Reference(name) = part
            && !names.contains(&name)
        {
            let hint = match did_you_mean(name, names.iter().copied()) {
                hint if !hint.is_empty() => hint,
                _ if names.is_empty() => "; the scenario has no `vary`".to_owned(),
                _ => format!("; varied are: {}", names.join(", ")),
            };
            return Err(format!("`${{{name}}}` is not in `vary`{hint}"));
        }
    }
    Ok(())
}

/// The names a varied name's values refer to.
fn references<'a>(one: &'a Vary) -> Vec<&'a str> {
    let of_value = |value: &'a Scalar| parts(&value.text).unwrap_or_default();
    one.values
        .iter()
        .flat_map(of_value)
        .filter_map(|part| match part {
            Part::Reference(name) => Some(name),
            Part::Text(_) => None,
        })
        .collect()
}

/// The way from a name back to itself, if there is one.
fn cycle_from<'a>(start: &'a Vary, vary: &'a [Vary]) -> Option<Vec<&'a str>> {
    let mut open = vec![vec![start.name.as_str()]];
    let mut seen = Vec::new();
    while let Some(way) = open.pop() {
        let last = way.last().copied()?;
        let Some(one) = vary.iter().find(|one| one.name == last) else {
            continue;
        };
        for next in references(one) {
            let longer = [way.as_slice(), &[next]].concat();
            if next == start.name {
                return Some(longer);
            }
            if !seen.contains(&next) {
                seen.push(next);
                open.push(longer);
            }
        }
    }
    None
}

/// Every combination of the values, first name slowest; an empty matrix gives one empty combination.
pub(super) fn product(vary: &[Vary], problems: &Problems) -> Vec<Parameters> {
    let count = vary
        .iter()
        .try_fold(1_usize, |count, one| count.checked_mul(one.values.len()));
    if let (Some(first), true) = (vary.first(), count.is_none_or(|count| count > CASES_MAX)) {
        let sizes: Vec<String> = vary
            .iter()
            .map(|one| format!("{} {}", one.values.len(), one.name))
            .collect();
        problems.at(
            first.position,
            format!(
                "`vary` gives more than {CASES_MAX} cases ({}); take values away or split the scenario",
                sizes.join(" x ")
            ),
        );
    }
    let mut cases = vec![Vec::new()];
    for one in vary {
        let room = if cases.len() * one.values.len() > CASES_MAX {
            1
        } else {
            one.values.len()
        };
        cases = cases
            .iter()
            .flat_map(|case: &Vec<(String, Scalar)>| {
                one.values.iter().take(room).map(|value| {
                    let mut longer = case.clone();
                    longer.push((one.name.clone(), value.clone()));
                    longer
                })
            })
            .collect();
    }
    cases.into_iter().map(resolve).collect()
}

/// Puts values into values that refer to them; there is no cycle, so as many rounds as names are enough.
fn resolve(case: Vec<(String, Scalar)>) -> Parameters {
    let mut parameters = Parameters(case);
    for _ in 0..parameters.0.len() {
        let before = parameters.clone();
        for (_, value) in &mut parameters.0 {
            *value = scalar_of(value, &before);
        }
    }
    parameters
}
