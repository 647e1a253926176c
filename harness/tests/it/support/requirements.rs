//! What a test needs from the machine, and what happens when it is not there.

use std::fmt::Display;

/// The thing, or `None` after a printed skip; with `ASSAY_REQUIRE=all` a missing thing fails.
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
pub(crate) fn require<T, E: Display>(what: &str, found: Result<T, E>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(why) => {
            let strict = std::env::var_os("ASSAY_REQUIRE").is_some_and(|value| value == "all");
            assert!(!strict, "ASSAY_REQUIRE=all, but {what} is missing: {why}");
            eprintln!("SKIPPED: {what} is missing: {why}");
            None
        }
    }
}
