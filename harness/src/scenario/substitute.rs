//! Putting varied values where `${name}` stands. `$$` is a literal `$`.

use super::vary::Parameters;
use crate::config::yaml::{Entry, Node, NodeKind, Position, Scalar, Style};

/// The parts of a text: what stands as it is, and names to put in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it stands.
    Text(&'a str),
    /// `${name}`.
    Reference(&'a str),
}

/// Cuts a text into its parts; the error is a reference that does not end or has no proper name.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        parts.push(Part::Text(before));
        if let Some(after) = dollar.strip_prefix("$$") {
            parts.push(Part::Text("$"));
            rest = after;
        } else if let Some(after) = dollar.strip_prefix("${") {
            let Some((name, after)) = after.split_once('}') else {
                return Err("`${` has no closing `}`; write `$$` for a literal `$`".to_owned());
            };
            if !is_parameter_name(name) {
                return Err(format!(
                    "`${{{name}}}` is not a reference; write `${{name}}` with a name from `vary`"
                ));
            }
            parts.push(Part::Reference(name));
            rest = after;
        } else {
            parts.push(Part::Text("$"));
            rest = &dollar[1..];
        }
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    Ok(parts)
}

/// Whether a name may be varied: a lower-case letter, then letters, digits or `_`.
pub(super) fn is_parameter_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 40
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A copy of the tree with every reference replaced; unknown ones stay.
pub(super) fn substitute(node: &Node, parameters: &Parameters) -> Node {
    let kind = match &node.kind {
        NodeKind::Seq(items) => NodeKind::Seq(
            items
                .iter()
                .map(|item| substitute(item, parameters))
                .collect(),
        ),
        NodeKind::Map(entries) => {
            let entry = |entry: &Entry| Entry {
                key: text_of(&entry.key, parameters),
                key_position: entry.key_position,
                value: substitute(&entry.value, parameters),
            };
            NodeKind::Map(entries.iter().map(entry).collect())
        }
        NodeKind::Scalar(scalar) => NodeKind::Scalar(scalar_of(scalar, parameters)),
    };
    Node {
        kind,
        position: node.position,
    }
}

/// A reference alone takes the value over as it was written; amid text the result is read as if unquoted.
pub(super) fn scalar_of(scalar: &Scalar, parameters: &Parameters) -> Scalar {
    if !scalar.text.contains('$') {
        return scalar.clone();
    }
    if let Ok([Part::Reference(name)]) = parts(&scalar.text).as_deref()
        && let Some(value) = parameters.get(name)
    {
        return value.clone();
    }
    let referring = parts(&scalar.text)
        .is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Reference(_))));
    Scalar {
        text: text_of(&scalar.text, parameters),
        style: if referring {
            Style::Plain
        } else {
            scalar.style
        },
        expanded: scalar.expanded,
    }
}

fn text_of(text: &str, parameters: &Parameters) -> String {
    let Ok(parts) = parts(text) else {
        return text.to_owned();
    };
    let part = |part: &Part<'_>| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Reference(name) => parameters
            .get(name)
            .map_or_else(|| format!("${{{name}}}"), |value| value.text.clone()),
    };
    parts.iter().map(part).collect()
}

/// Calls `found` with every scalar and key of the tree and its place.
pub(super) fn each_text<'n>(node: &'n Node, found: &mut impl FnMut(&'n str, Position)) {
    match &node.kind {
        NodeKind::Seq(items) => items.iter().for_each(|item| each_text(item, found)),
        NodeKind::Map(entries) => {
            for entry in entries {
                found(&entry.key, entry.key_position);
                each_text(&entry.value, found);
            }
        }
        NodeKind::Scalar(scalar) => found(&scalar.text, node.position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_references_and_escapes() {
        assert_eq!(
            parts("${n} in flight").unwrap(),
            [Part::Reference("n"), Part::Text(" in flight")]
        );
        assert_eq!(
            parts("$5 $${n}").unwrap(),
            [
                Part::Text("$"),
                Part::Text("5 "),
                Part::Text("$"),
                Part::Text("{n}")
            ]
        );
        assert!(parts("${n").unwrap_err().contains("closing"));
        assert!(parts("${N}").unwrap_err().contains("not a reference"));
        assert!(parts("${a:-b}").unwrap_err().contains("not a reference"));
    }

    #[test]
    fn a_lone_reference_keeps_how_the_value_was_written() {
        let scalar = |text: &str, style| Scalar {
            text: text.to_owned(),
            style,
            expanded: false,
        };
        let parameters = Parameters::new(vec![
            ("n".to_owned(), scalar("10", Style::Plain)),
            ("w".to_owned(), scalar("10", Style::Quoted)),
        ]);
        let put = |text| scalar_of(&scalar(text, Style::Quoted), &parameters);
        assert_eq!(put("${n}"), scalar("10", Style::Plain));
        assert_eq!(put("${w}"), scalar("10", Style::Quoted));
        assert_eq!(put("${n} of ${w}").text, "10 of 10");
        assert_eq!(put("$$n"), scalar("$n", Style::Quoted));
    }
}
