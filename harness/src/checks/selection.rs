//! Which checks are wanted: globs of ids, and tags.

use wildmatch::WildMatch;

use super::check::Check;
use super::registry::CHECKS;

/// The checks that match one of `check` (all when empty), none of `skip`, and one of `tags` (all when empty).
///
/// `*` stands for any text and `?` for one character; letter case does not count.
pub fn select(check: &[String], skip: &[String], tags: &[String]) -> Vec<&'static Check> {
    let matches = |patterns: &[String], id: &str| {
        let id = id.to_ascii_uppercase();
        patterns
            .iter()
            .any(|pattern| WildMatch::new(&pattern.to_ascii_uppercase()).matches(&id))
    };
    let tagged = |found: &Check| {
        tags.is_empty()
            || tags
                .iter()
                .any(|tag| found.tags.iter().any(|has| has.eq_ignore_ascii_case(tag)))
    };
    CHECKS
        .iter()
        .filter(|found| check.is_empty() || matches(check, found.id))
        .filter(|found| !matches(skip, found.id) && tagged(found))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(check: &[&str], skip: &[&str], tags: &[&str]) -> Vec<&'static str> {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        select(&owned(check), &owned(skip), &owned(tags))
            .iter()
            .map(|found| found.id)
            .collect()
    }

    #[test]
    fn globs_choose_and_skip() {
        assert_eq!(ids(&[], &[], &[]).len(), CHECKS.len());
        let replays = ids(&["srv-repl-*"], &[], &[]);
        assert!(replays.contains(&"SRV-REPL-001"), "{replays:?}");
        assert!(
            replays.iter().all(|id| id.starts_with("SRV-REPL-")),
            "{replays:?}"
        );
        assert!(ids(&["SRV-HDR-00?"], &["*-001"], &[]).contains(&"SRV-HDR-002"));
        assert!(!ids(&["SRV-HDR-00?"], &["*-001"], &[]).contains(&"SRV-HDR-001"));
        assert_eq!(ids(&["SRV-NOPE-*"], &[], &[]), Vec::<&str>::new());
        assert_eq!(ids(&[], &["*"], &[]), Vec::<&str>::new());
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        let matches = |pattern: &str, text: &str| WildMatch::new(pattern).matches(text);
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a*c*e", "aXcYcZe"),
            ("**b", "aab"),
            ("?", "x"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a*c", "ab"),
            ("a?", "a"),
            ("ab", "abc"),
            ("*b", "ba"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn tags_narrow() {
        let tagged = ids(&[], &[], &["cwe-294"]);
        assert!(
            tagged.contains(&"SRV-REPL-001") && tagged.len() < CHECKS.len(),
            "{tagged:?}"
        );
        assert_eq!(ids(&[], &[], &["no-such-tag"]), Vec::<&str>::new());
    }
}
