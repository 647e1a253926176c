//! What the bench tells a guard, as environment variables.
//!
//! The environment and not the command line, because whoever starts Anvil for us decides the
//! arguments: the guard passes its own arguments on unchanged.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

const PROGRAM: &str = "X402_ASSAY_GUARD_PROGRAM";
const LIFELINE: &str = "X402_ASSAY_GUARD_LIFELINE";
const GRACE_MS: &str = "X402_ASSAY_GUARD_GRACE_MS";
const LAST_WORDS: &str = "X402_ASSAY_GUARD_LAST_WORDS";
const STDIN: &str = "X402_ASSAY_GUARD_STDIN";
const RAW_ARG: &str = "X402_ASSAY_GUARD_RAW_ARG";

/// Every variable of ours, taken out of the program's environment again.
pub(super) const ALL: [&str; 6] = [PROGRAM, LIFELINE, GRACE_MS, LAST_WORDS, STDIN, RAW_ARG];

/// How long a group may take to end before it is killed, unless said otherwise.
const DEFAULT_GRACE: Duration = Duration::from_secs(2);

/// The orders of one guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardOrders {
    /// The program to run, with the guard's own arguments.
    pub program: PathBuf,
    /// Where the lifeline is held: `127.0.0.1:port/token`.
    pub lifeline: String,
    /// Time between the request to end and the kill.
    pub grace: Duration,
    /// `Some`: pump the program's output instead of letting it inherit ours. Its stdout is
    /// passed on for as long as somebody reads and swallowed after that, its stderr goes over
    /// the lifeline, and when it ends this text is written to stdout as the last line.
    pub last_words: Option<String>,
    /// The program reads the guard's own standard input; nothing otherwise.
    pub stdin: bool,
    /// What stands behind the arguments without being quoted as one.
    pub raw_arg: Option<String>,
}

impl GuardOrders {
    /// Plain orders: output inherited, 2 s of grace.
    pub fn new(program: impl Into<PathBuf>, lifeline: &super::Lifeline) -> Self {
        Self {
            program: program.into(),
            lifeline: lifeline.address().to_owned(),
            grace: DEFAULT_GRACE,
            last_words: None,
            stdin: false,
            raw_arg: None,
        }
    }

    /// The variables to start the guard with.
    pub fn to_env(&self) -> Vec<(&'static str, OsString)> {
        let mut vars = vec![
            (PROGRAM, self.program.clone().into_os_string()),
            (LIFELINE, self.lifeline.clone().into()),
            (GRACE_MS, self.grace.as_millis().to_string().into()),
        ];
        if let Some(words) = &self.last_words {
            vars.push((LAST_WORDS, words.clone().into()));
        }
        if let Some(text) = &self.raw_arg {
            vars.push((RAW_ARG, text.into()));
        }
        if self.stdin {
            vars.push((STDIN, "1".into()));
        }
        vars
    }

    /// Reads the orders back; `None` when this process is not a guard.
    pub(super) fn from_env(var: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let text = |name| var(name).map(|value| value.to_string_lossy().into_owned());
        Some(Self {
            program: var(PROGRAM)?.into(),
            lifeline: text(LIFELINE).unwrap_or_default(),
            grace: text(GRACE_MS)
                .and_then(|ms| ms.parse().ok())
                .map_or(DEFAULT_GRACE, Duration::from_millis),
            last_words: text(LAST_WORDS),
            stdin: var(STDIN).is_some(),
            raw_arg: text(RAW_ARG),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survive_the_environment() {
        let orders = GuardOrders {
            program: "/bin/some program".into(),
            lifeline: "127.0.0.1:1/abc".to_owned(),
            grace: Duration::from_millis(1500),
            last_words: Some("Listening on".to_owned()),
            stdin: true,
            raw_arg: Some("\"a b\"".to_owned()),
        };
        let vars = orders.to_env();
        assert!(vars.iter().all(|(name, _)| ALL.contains(name)));
        let read = GuardOrders::from_env(|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        });
        assert_eq!(read, Some(orders));
    }

    #[test]
    fn no_program_means_no_guard() {
        assert_eq!(GuardOrders::from_env(|_| None), None);
    }
}
