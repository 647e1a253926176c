//! Names that are not known: what was probably meant.

use serde::de::DeserializeOwned;

/// Least likeness (0 to 1) of a name that is offered.
const LIKENESS_MIN: f64 = 0.6;
/// Longest unknown name that is compared, in characters.
const NAME_MAX_CHARS: usize = 80;

/// `; did you mean `x`?`, or nothing when no known name is near.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let name: String = name
        .chars()
        .take(NAME_MAX_CHARS)
        .collect::<String>()
        .to_lowercase();
    known
        .into_iter()
        .map(|known| (likeness(&name, known), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// A known name that begins with what was written counts as near: `delay` for `delay_ms`.
fn likeness(name: &str, known: &str) -> f64 {
    let begins = name.len() >= 3 && (known.starts_with(name) || name.starts_with(known));
    let floor = if begins { LIKENESS_MIN } else { 0.0 };
    strsim::jaro_winkler(name, known).max(floor)
}

/// Reads JSON; the message names line, column, cause, and the nearest name for one that is not known.
///
/// # Errors
/// When it is no JSON, or not of this shape.
pub(crate) fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| explain(&error.to_string()))
}

/// Adds the nearest name to serde's "unknown field `x`, expected one of `a`, `b`".
fn explain(message: &str) -> String {
    let unknown = ["unknown field `", "unknown variant `"]
        .into_iter()
        .find_map(|begin| message.strip_prefix(begin));
    let Some((name, expected)) = unknown.and_then(|rest| rest.split_once("`, expected ")) else {
        return message.to_owned();
    };
    let known = expected.split('`').skip(1).step_by(2);
    format!("{message}{}", hint(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its reader is tested")]
    enum Shape {
        Latency { delay_ms: u64, jitter_ms: u64 },
        Hang { max_ms: u64 },
    }

    fn error(text: &str) -> String {
        read_json::<Shape>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_nearest_field_is_named_with_its_place() {
        let message = error(r#"{"latency":{"dlay_ms":1,"jitter_ms":2}}"#);
        assert!(message.contains("unknown field `dlay_ms`"), "{message}");
        assert!(message.contains("line 1 column"), "{message}");
        assert!(message.ends_with("; did you mean `delay_ms`?"), "{message}");
        assert!(error(r#"{"hang":{"max":1}}"#).ends_with("; did you mean `max_ms`?"));
    }

    #[test]
    fn the_nearest_variant_is_named() {
        assert!(error(r#"{"latncy":{}}"#).ends_with("; did you mean `latency`?"));
    }

    #[test]
    fn what_is_like_nothing_gets_no_hint() {
        let message = error(r#"{"zzz":{}}"#);
        assert!(message.contains("unknown variant `zzz`"), "{message}");
        assert!(!message.contains("did you mean"), "{message}");
        assert!(!error(r#"{"hang":{"max_ms":"x"}}"#).contains("did you mean"));
        assert!(!error("{").contains("did you mean"));
    }

    #[test]
    fn odd_names_do_no_harm() {
        let long = "x".repeat(100_000);
        assert!(error(&format!(r#"{{"{long}":1}}"#)).contains("unknown variant"));
        assert!(error(r#"{"a`, expected `b":1}"#).contains("unknown variant"));
    }
}
