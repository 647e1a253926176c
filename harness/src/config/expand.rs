//! `${VAR}` and `${VAR:-default}` in the values of a file; `$$` is a literal `$`.

use super::yaml::{Node, NodeKind, Problems};

/// Looks a variable up; `None` is "not set".
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process's environment.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Expands every scalar of the tree (keys stay as they are); problems name the variable.
pub fn expand(node: &mut Node, lookup: Lookup<'_>, problems: &Problems) {
    match &mut node.kind {
        NodeKind::Seq(items) => items
            .iter_mut()
            .for_each(|item| expand(item, lookup, problems)),
        NodeKind::Map(entries) => {
            entries
                .iter_mut()
                .for_each(|entry| expand(&mut entry.value, lookup, problems));
        }
        NodeKind::Scalar(scalar) => match expand_text(&scalar.text, lookup) {
            Ok(Some(text)) => {
                scalar.expanded |= has_variable(&scalar.text);
                scalar.text = text;
            }
            Ok(None) => {}
            Err(messages) => {
                messages
                    .into_iter()
                    .for_each(|message| problems.at(node.position, message));
            }
        },
    }
}

/// The expanded text; `None` if there was nothing to expand.
fn expand_text(text: &str, lookup: Lookup<'_>) -> Result<Option<String>, Vec<String>> {
    if !text.contains("${") && !text.contains("$$") {
        return Ok(None);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut messages = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = after.find('}') else {
                messages.push("`${` has no closing `}`; write `$$` for a literal `$`".into());
                return Err(messages);
            };
            match variable(&after[..end], lookup) {
                Ok(value) => expanded.push_str(&value),
                Err(message) => messages.push(message),
            }
            rest = &after[end + 1..];
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    if messages.is_empty() {
        Ok(Some(expanded))
    } else {
        Err(messages)
    }
}

/// The value of what stands between `${` and `}`.
fn variable(inner: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`${{{inner}}}` is not a variable; write `${{NAME}}` or `${{NAME:-default}}`"
        ));
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(format!(
            "the default of `${{{name}}}` holds another variable, which is not supported"
        ));
    }
    match (lookup(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.into()),
        (None, None) => Err(format!(
            "the variable `{name}` is not set; set it or write `${{{name}:-default}}`"
        )),
    }
}

/// Whether a `${` stands in the text that is not part of an escaped `$$`.
fn has_variable(text: &str) -> bool {
    text.replace("$$", "").contains("${")
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "TOKEN" => Some("abc".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn text(input: &str) -> Result<String, Vec<String>> {
        Ok(expand_text(input, &lookup)?.unwrap_or_else(|| input.into()))
    }

    #[test]
    fn variables_defaults_and_escapes() {
        for (input, expected) in [
            ("Bearer ${TOKEN}", "Bearer abc"),
            ("${TOKEN}-${TOKEN}", "abc-abc"),
            ("${UNSET:-x y}", "x y"),
            ("${UNSET:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-d}", "d"),
            ("${TOKEN:-d}", "abc"),
            ("$0.05", "$0.05"),
            ("$$", "$"),
            ("$${TOKEN}", "${TOKEN}"),
            ("cost: 5$", "cost: 5$"),
            ("{port}", "{port}"),
        ] {
            assert_eq!(text(input).unwrap(), expected, "{input}");
        }
    }

    #[test]
    fn problems_name_the_variable_and_its_place() {
        let problems = Problems::new("t.yaml");
        let yaml = "a: ${ONE} ${TWO}\nb:\n  - \"${open\"\n  - \"${1x}\"\n  - \"${A:-${B}}\"\n";
        let mut node = parse(yaml, &problems).unwrap();
        expand(&mut node, &lookup, &problems);
        insta::assert_snapshot!(problems.into_list());
    }

    #[test]
    fn a_value_is_never_expanded_twice() {
        let tricky = |_: &str| Some("${TOKEN}".to_owned());
        assert_eq!(expand_text("${X}", &tricky).unwrap().unwrap(), "${TOKEN}");
    }

    #[test]
    fn only_real_variables_mark_a_value_as_expanded() {
        let problems = Problems::new("t.yaml");
        let mut node = parse("[\"${TOKEN}\", \"$${TOKEN}\"]", &problems).unwrap();
        expand(&mut node, &lookup, &problems);
        let NodeKind::Seq(items) = node.kind else {
            panic!("not a list")
        };
        let marks = items
            .iter()
            .map(|item| matches!(&item.kind, NodeKind::Scalar(s) if s.expanded));
        assert_eq!(marks.collect::<Vec<_>>(), [true, false]);
    }
}
