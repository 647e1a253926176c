//! File descriptors: every connection is one.

use crate::os;

/// Descriptors for everything that is no connection of the load.
const OTHERS: u64 = 128;

/// Makes room for so many connections, raising the soft limit as far as is allowed.
///
/// # Errors
/// When the hard limit is too low: says both numbers and what to do.
pub(crate) fn make_room(connections: usize, own_target: bool) -> Result<(), String> {
    // A target and a facilitator of our own have the other ends, and calls between them.
    let ends = if own_target { 4 } else { 1 };
    let needed = (connections as u64).saturating_mul(ends) + OTHERS;
    let (soft, hard) = os::descriptors();
    let Some(soft) = soft.filter(|soft| *soft < needed) else {
        return Ok(());
    };
    if hard.is_some_and(|hard| hard < needed) {
        return Err(format!(
            "{connections} connections need {needed} file descriptors, and this process may open {soft} (at most {}): raise the limit (ulimit -n {needed}) or lower --connections",
            hard.unwrap_or_default()
        ));
    }
    os::allow_descriptors(needed).map_err(|error| {
        format!(
            "{connections} connections need {needed} file descriptors, this process may open {soft}, and raising that failed: {error}; use ulimit -n {needed} or lower --connections"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_told_with_numbers() {
        assert_eq!(make_room(1, false), Ok(()));
        let (_, hard) = os::descriptors();
        if let Some(hard) = hard {
            let error = make_room(usize::try_from(hard).unwrap(), false).unwrap_err();
            assert!(
                error.contains("ulimit -n") && error.contains("--connections"),
                "{error}"
            );
        }
    }
}
