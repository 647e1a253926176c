//! Writing the file.

use std::fmt::Write as _;

use super::{Entry, Expectations};

const HEAD: &str = "\
# Findings that are known and accepted for now. A run fails for any other one.
# check: id of a check (x402-assay list) or invariant (I1 to I10), or a scenario's name.
# Optional: version (v1, v2) and route narrow it; issue says where it is followed up; expires is its last day (YYYY-MM-DD).
# `x402-assay run --update-expectations` rewrites this file and keeps the reasons of what is still found.
";

/// The file's text; [`parse`](super::parse) reads it back.
pub fn text(expectations: &Expectations) -> String {
    let mut text = HEAD.to_owned();
    if expectations.entries.is_empty() {
        text.push_str("[]\n");
    }
    for entry in &expectations.entries {
        text.push_str(&one(entry));
    }
    text
}

fn one(entry: &Entry) -> String {
    let version = entry.version.map(|version| version.to_string());
    let expires = entry.expires.map(|day| day.to_string());
    let rows = [
        ("version", version),
        ("route", entry.route.as_deref().map(quoted)),
        ("reason", Some(quoted(&entry.reason))),
        ("issue", entry.issue.as_deref().map(quoted)),
        ("expires", expires),
    ];
    let mut text = format!("- check: {}\n", quoted(&entry.check));
    for (key, value) in rows {
        if let Some(value) = value {
            writeln!(text, "  {key}: {value}").expect("a string takes all that is written");
        }
    }
    text
}

/// Plain where that is safe, else in double quotes: JSON's are YAML's.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let starts_plain = value.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts_plain && value.contains('-') && value.chars().all(is_plain) {
        return value.to_owned();
    }
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use x402_assay_protocol::Version;

    use super::*;
    use crate::expectations::{Day, parse};

    fn some_text() -> impl Strategy<Value = String> {
        let nasty = r##"[ a-zA-Z0-9:#'"\\{}\[\]&*!|>%@`,?~\n\t/é-]{1,40}"##;
        nasty.prop_filter("empty reasons are refused", |text: &String| {
            !text.trim().is_empty()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            reason in some_text(),
            route in proptest::option::of(some_text()),
            issue in proptest::option::of(some_text()),
            version in proptest::option::of(prop_oneof![Just(Version::V1), Just(Version::V2)]),
            at_us in proptest::option::of(0..4_000_000_000_000_000_u64),
        ) {
            let entry = |check: &str| Entry {
                check: check.to_owned(),
                route: route.clone(),
                version,
                reason: reason.clone(),
                issue: issue.clone(),
                expires: at_us.map(Day::of_unix_us),
            };
            let written = Expectations {
                file: "x.yaml".to_owned(),
                entries: vec![entry("SRV-HDR-001"), entry("I1")],
            };
            let text = text(&written);
            let read = parse(&text, "x.yaml", &[]).map_err(|list| list.to_string());
            prop_assert_eq!(read, Ok(written), "{}", text);
        }
    }

    #[test]
    fn a_file_without_entries_is_read_back() {
        let none = Expectations {
            file: "x.yaml".to_owned(),
            entries: Vec::new(),
        };
        assert_eq!(parse(&text(&none), "x.yaml", &[]), Ok(none));
    }
}
