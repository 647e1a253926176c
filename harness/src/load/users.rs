//! The closed model: users who each do one journey after the other.

use std::time::Duration;

use super::mix::Shares;
use super::words::Wrong;

/// Most users of one run.
pub const USERS_MAX: u64 = 10_000;

/// What one user does in one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Journey {
    /// Asks for the free pages only.
    Browse,
    /// Asks for terms and goes away.
    Quote,
    /// Asks for terms, pays, takes the content.
    Pay,
    /// Pays, and sends the same payment again when the answer has come.
    Retry,
    /// Pays and hangs up before the answer.
    Abandon,
}

impl Journey {
    /// Every journey, by the word a file says it with.
    pub const ALL: [(&'static str, Self); 5] = [
        ("browse", Self::Browse),
        ("quote", Self::Quote),
        ("pay", Self::Pay),
        ("retry", Self::Retry),
        ("abandon", Self::Abandon),
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Quote => "quote",
            Self::Pay => "pay",
            Self::Retry => "retry",
            Self::Abandon => "abandon",
        }
    }
}

/// Users of a closed run. Each has a wallet of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// How many, from 1 to [`USERS_MAX`].
    pub count: usize,
    /// How long.
    pub duration: Duration,
    /// Shortest and longest pause between two journeys; drawn evenly from the run's seed.
    pub think: (Duration, Duration),
    /// What they do, in shares.
    pub journeys: Shares<Journey>,
}

impl Users {
    /// Reads a pause: `2s` or `200ms..2s`.
    ///
    /// # Errors
    /// When it is no duration, or ends before it begins.
    pub fn parse_think(text: &str) -> Result<(Duration, Duration), Wrong> {
        let wrong = |cause: String| Wrong::new(cause, "write `2s` or `200ms..2s`");
        let read = |text: &str| crate::config::parse_duration(text.trim()).map_err(wrong);
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (read(least)?, read(most)?),
            None => (read(text)?, read(text)?),
        };
        if least > most {
            return Err(wrong("the pause ends before it begins".to_owned()));
        }
        Ok((least, most))
    }
}
