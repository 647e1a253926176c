//! Reading the file: every problem at once, with line and column.

use std::collections::HashMap;

use x402_assay_protocol::Version;

use super::{Entry, Expectations};
use crate::audit::invariants::INVARIANTS;
use crate::checks::CHECKS;
use crate::config::did_you_mean;
use crate::config::yaml::{self, MapView, ProblemList, Problems, View};
use crate::scenario::{BUILTIN, LOAD_BUILTIN};

/// The file that is read when none is named and it is there.
pub const FILE: &str = "x402-assay.expectations.yaml";

const KEYS: [&str; 6] = ["check", "route", "version", "reason", "issue", "expires"];
const VERSIONS: [(&str, Version); 4] = [
    ("v1", Version::V1),
    ("v2", Version::V2),
    ("1", Version::V1),
    ("2", Version::V2),
];

/// Checks the text of the file; `shown` is how messages name it, `scenarios` are the run's own beside the library's.
///
/// # Errors
/// With everything that is wrong with it.
pub fn parse(text: &str, shown: &str, scenarios: &[String]) -> Result<Expectations, ProblemList> {
    let problems = Problems::new(shown);
    // A file of comments alone is a file without entries.
    let is_empty = text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let entries = match is_empty {
        true => Some(Vec::new()),
        false => yaml::parse(text, &problems)
            .and_then(|root| decode(&View::root(&root, &problems), scenarios)),
    };
    let expectations = entries.map(|entries| Expectations {
        file: shown.to_owned(),
        entries,
    });
    problems.finish(expectations)
}

fn decode(root: &View<'_>, scenarios: &[String]) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut lines: HashMap<(String, Option<Version>, Option<String>), usize> = HashMap::new();
    for view in root.as_list()? {
        let Some(entry) = view.as_map().and_then(|map| entry(&map, scenarios)) else {
            continue;
        };
        let (check, version, route) = entry.key();
        let key = (check.to_owned(), version, route.map(str::to_owned));
        if let Some(line) = lines.get(&key) {
            view.problem(format!(
                "says the same as the entry in line {line}; keep one of them"
            ));
        } else {
            lines.insert(key, view.position().line);
        }
        entries.push(entry);
    }
    Some(entries)
}

fn entry(map: &MapView<'_>, scenarios: &[String]) -> Option<Entry> {
    map.unknown_keys(&KEYS);
    let check = map
        .required("check")
        .and_then(|view| known(&view, scenarios));
    let reason = map.required_str("reason");
    let version = map.optional("version").map(|view| version(&view));
    let expires = map.optional("expires").map(|view| {
        let text = view.as_text()?;
        view.check(text.parse())
    });
    let route = map.optional("route").map(|view| non_empty(&view));
    let issue = map.optional("issue").map(|view| non_empty(&view));
    Some(Entry {
        check: check?,
        route: all_right(route)?,
        version: all_right(version)?,
        reason: reason?.to_owned(),
        issue: all_right(issue)?,
        expires: all_right(expires)?,
    })
}

fn non_empty(view: &View<'_>) -> Option<String> {
    view.as_non_empty_str().map(str::to_owned)
}

/// `Some(None)` for what was not given, `None` for what is wrong.
fn all_right<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    match given {
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
        None => Some(None),
    }
}

/// The id as it is registered, whatever its letter case.
fn known(view: &View<'_>, scenarios: &[String]) -> Option<String> {
    let text = view.as_non_empty_str()?;
    let ids = || {
        let checks = CHECKS.iter().map(|check| check.id);
        let invariants = INVARIANTS.iter().map(|invariant| invariant.id);
        let library = BUILTIN.iter().chain(LOAD_BUILTIN).map(|(name, _)| *name);
        let own = scenarios.iter().map(String::as_str);
        checks.chain(invariants).chain(library).chain(own)
    };
    let found = ids().find(|id| id.eq_ignore_ascii_case(text));
    if found.is_none() {
        let hint = match did_you_mean(text, ids()) {
            hint if hint.is_empty() => "; x402-assay list shows the checks, list --scenarios the scenarios; name scenario files of your own on the command line".to_owned(),
            hint => hint,
        };
        view.problem(format!(
            "there is no check, invariant or scenario `{text}`{hint}"
        ));
    }
    found.map(str::to_owned)
}

/// `1`, `2`, `v1` or `v2`.
fn version(view: &View<'_>) -> Option<Version> {
    let text = view.as_text()?;
    let found = VERSIONS.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        view.problem(format!("`{text}` is no x402 version; write v1 or v2"));
    }
    found.map(|(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expectations, String> {
        parse(text, "x.yaml", &["my-race".to_owned()]).map_err(|list| list.to_string())
    }

    #[test]
    fn entries_of_each_kind_are_read() {
        let text = "\
# Known trouble.
- check: srv-hdr-001
  reason: known
- { check: I1, version: 2, route: /paid, reason: r, issue: \"#7\", expires: 2026-12-31 }
- { check: I1, version: v1, reason: r }
- { check: my-race, reason: r }
";
        let read = read(text).unwrap();
        assert_eq!((read.file.as_str(), read.entries.len()), ("x.yaml", 4));
        assert_eq!(read.entries[0].check, "SRV-HDR-001");
        let narrow = &read.entries[1];
        assert_eq!(
            (narrow.version, narrow.route.as_deref()),
            (Some(Version::V2), Some("/paid"))
        );
        assert_eq!(narrow.expires.unwrap().to_string(), "2026-12-31");
        assert_eq!(narrow.issue.as_deref(), Some("#7"));
        assert_eq!(read.entries[2].version, Some(Version::V1));
        for empty in ["", "# nothing yet\n\n", "[]\n"] {
            assert_eq!(self::read(empty).unwrap().entries, [], "{empty:?}");
        }
    }

    #[test]
    fn every_problem_is_told_at_its_place() {
        let text = "\
- check: SRV-HDR-999
  reason: r
- check: nothing-like-it-at-all
  reason: r
- check: I1
  reson: r
- check: I2
  reason: \" \"
  expires: 2026-02-30
  version: 3
- check: I3
  reason: once
- check: i3
  reason: twice
- just text
- check: I4
  reason: 7
  route:
";
        let told = read(text).unwrap_err();
        insta::assert_snapshot!(told);
        for bad in ["check: I1\nreason: r\n", "- [\n"] {
            assert!(read(bad).unwrap_err().starts_with("x.yaml:"), "{bad}");
        }
    }
}
