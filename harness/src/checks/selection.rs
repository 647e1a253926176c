//! Which checks are wanted: globs of ids, and tags.

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
            .any(|pattern| matches_glob(pattern.to_ascii_uppercase().as_bytes(), id.as_bytes()))
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

/// Matches a whole text; on a mismatch the last `*` takes one byte more.
fn matches_glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                place = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
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
        assert_eq!(ids(&["srv-repl-*"], &[], &[]), ["SRV-REPL-001"]);
        assert!(ids(&["SRV-HDR-00?"], &["*-001"], &[]).contains(&"SRV-HDR-002"));
        assert!(!ids(&["SRV-HDR-00?"], &["*-001"], &[]).contains(&"SRV-HDR-001"));
        assert_eq!(ids(&["SRV-NOPE-*"], &[], &[]), Vec::<&str>::new());
        assert_eq!(ids(&[], &["*"], &[]), Vec::<&str>::new());
    }

    #[test]
    fn a_glob_matches_the_whole_text() {
        let matches = |pattern: &str, text: &str| matches_glob(pattern.as_bytes(), text.as_bytes());
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
