//! A personality file: YAML in which faults are written as the control API takes them.

use x402_assay_yaml::{
    MapView, Node, NodeKind, Position, ProblemList, Problems, View, as_json, parse,
};

use super::model::{ACCOUNTS_MAX, Personality};
use crate::defects::Defect;
use crate::faults::{FaultSpec, check_name};
use crate::nearest::read_json;

const KEYS: [&str; 6] = [
    "personality",
    "about",
    "measured",
    "accounts",
    "defects",
    "faults",
];

impl Personality {
    /// Reads a file's text; `file` is how problems name it.
    ///
    /// # Errors
    /// Every problem, with line and column.
    pub fn parse(text: &str, file: &str) -> Result<Self, ProblemList> {
        let problems = Problems::new(file);
        let node = parse(text, &problems);
        let map = node
            .as_ref()
            .and_then(|node| View::root(node, &problems).as_map());
        let read = map.and_then(|map| decode(&map, &problems));
        problems.finish(read)
    }
}

/// Looks at everything, also after a problem.
fn decode(map: &MapView<'_>, problems: &Problems) -> Option<Personality> {
    map.unknown_keys(&KEYS);
    let name = map.required("personality").and_then(|view| {
        let name = view.as_non_empty_str()?;
        view.check(check_name(name))?;
        Some(name.to_owned())
    });
    let about = map.required_str("about");
    let measured = map.required_str("measured");
    let accounts = map
        .optional_u64("accounts", 1..=ACCOUNTS_MAX)
        .and_then(|count| u32::try_from(count).ok());
    let defects = map.list("defects");
    let defects = defects
        .iter()
        .filter_map(|view| view.check(view.as_str()?.parse::<Defect>()))
        .collect();
    let faults = map.list("faults");
    let faults = faults
        .iter()
        .filter_map(|view| fault(view, problems))
        .collect();
    let personality = Personality {
        name: name?,
        about: about?.to_owned(),
        measured: measured?.to_owned(),
        accounts,
        defects,
        faults,
    };
    let plain = personality.accounts.is_none()
        && personality.defects.is_empty()
        && personality.faults.is_empty();
    if plain && problems.is_empty() {
        map.view()
            .problem("changes nothing; give accounts, defects or faults");
    }
    Some(personality)
}

fn fault(view: &View<'_>, problems: &Problems) -> Option<FaultSpec> {
    view.as_map()?;
    let json = as_json(view.node()).to_string();
    let read =
        read_json::<FaultSpec>(json.as_bytes()).and_then(|spec| spec.validate().map(|()| spec));
    match read {
        Ok(spec) => Some(spec),
        Err(message) => {
            // The message says where it is in JSON that nobody wrote, and then what was probably meant.
            let (message, rest) = message.split_once(" at line ").unwrap_or((&message, ""));
            let hint = rest.find(';').map_or("", |at| &rest[at..]);
            let named = message.split('`').nth(1).unwrap_or_default();
            let at = key_position(view.node(), named).unwrap_or_else(|| view.position());
            problems.at(at, format!("`{}`: {message}{hint}", view.path()));
            None
        }
    }
}

/// Where a key of this name stands.
fn key_position(node: &Node, key: &str) -> Option<Position> {
    match &node.kind {
        NodeKind::Scalar(_) => None,
        NodeKind::Seq(items) => items.iter().find_map(|item| key_position(item, key)),
        NodeKind::Map(entries) => entries.iter().find_map(|entry| {
            (entry.key == key)
                .then_some(entry.key_position)
                .or_else(|| key_position(&entry.value, key))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_with_its_line() {
        let text = "personality: a/b\nabout: x\nacounts: 1\naccounts: 9\ndefects: [coliding-nonces]\nfaults:\n  - match: { endpoint: settle }\n    fault: { latency: { delay: 5 } }\n  - fault:\n      status: { status: 99 }\n  - 5\n";
        let problems = Personality::parse(text, "p.yaml").unwrap_err().lines();
        let said: Vec<&str> = problems
            .iter()
            .map(|line| line.strip_prefix("p.yaml:").unwrap())
            .collect();
        let begins = [
            "1:1: the file: the key `measured` is missing",
            "1:14: `personality`: name must be",
            "3:1: unknown key `acounts`",
            "4:11: `accounts`: expected a whole number from 1 to 4",
            "5:11: `defects[0]`: there is no facilitator defect `coliding-nonces`; did you mean `colliding-nonces`?",
            "8:25: `faults[0]`: unknown field `delay`",
            "9:5: `faults[1]`: status.status is 99",
            "11:5: `faults[2]`: expected a map",
        ];
        assert_eq!(said.len(), begins.len(), "{said:#?}");
        for (line, begin) in said.iter().zip(begins) {
            assert!(line.starts_with(begin), "{line}\n{begin}");
        }
        assert!(said[5].ends_with("did you mean `delay_ms`?"), "{}", said[5]);
    }

    #[test]
    fn one_that_changes_nothing_is_refused() {
        let text = "personality: nobody\nabout: x\nmeasured: y\n";
        let problem = Personality::parse(text, "p.yaml").unwrap_err().to_string();
        assert!(problem.contains("changes nothing"), "{problem}");
    }
}
