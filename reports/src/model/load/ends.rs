//! How requests ended, in a few words that stay the same from target to target.

use serde::{Deserialize, Serialize};

use super::class;

/// How one request, or one journey of several, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadEnd {
    /// It got what it was for: the paid content, in an unpaid load the terms, from a facilitator its yes.
    Good,
    /// It got what it deserved and was not to be good: the refusal of a bad payment, terms that nobody wanted to pay.
    Deserved,
    /// It was refused and should not have been: 402, another status from 400 to 499, or a reason of x402.
    Refused,
    /// No whole answer came in time.
    TimedOut,
    /// Anything else: a status from 500, a broken connection, an answer that cannot be read, content given twice.
    Failed,
}

impl LoadEnd {
    /// Every end, from good to bad.
    pub const ALL: [Self; 5] = [
        Self::Good,
        Self::Deserved,
        Self::Refused,
        Self::TimedOut,
        Self::Failed,
    ];

    /// How something ended that ended in this [`class`](super::LoadOutcome::class).
    pub fn of(class: &str, meant: bool, good: bool) -> Self {
        match (meant, good) {
            (true, true) => Self::Good,
            (true, false) => Self::Deserved,
            (false, _) => Self::of_error(class),
        }
    }

    fn of_error(class: &str) -> Self {
        match class {
            class::TIMEOUT | class::UNFINISHED => Self::TimedOut,
            class::REFUSED
            | class::RESET
            | class::GARBAGE
            | class::TOO_LARGE
            | class::NO_SOCKET
            | class::DELIVERED_TWICE
            | class::SETTLED_TWICE
            | class::OTHER => Self::Failed,
            _ => match class.parse::<u16>() {
                Ok(400..=499) | Err(_) => Self::Refused,
                Ok(_) => Self::Failed,
            },
        }
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Deserved => "deserved",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Failed => "failed",
        }
    }
}

/// How many ended in each of these ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadEnds {
    /// [`LoadEnd::Good`].
    pub good: u64,
    /// [`LoadEnd::Deserved`].
    pub deserved: u64,
    /// [`LoadEnd::Refused`].
    pub refused: u64,
    /// [`LoadEnd::TimedOut`].
    pub timed_out: u64,
    /// [`LoadEnd::Failed`].
    pub failed: u64,
}

impl LoadEnds {
    /// One more.
    pub const fn count(&mut self, end: LoadEnd) {
        let count = match end {
            LoadEnd::Good => &mut self.good,
            LoadEnd::Deserved => &mut self.deserved,
            LoadEnd::Refused => &mut self.refused,
            LoadEnd::TimedOut => &mut self.timed_out,
            LoadEnd::Failed => &mut self.failed,
        };
        *count = count.saturating_add(1);
    }

    /// How many ended so.
    pub const fn of(&self, end: LoadEnd) -> u64 {
        match end {
            LoadEnd::Good => self.good,
            LoadEnd::Deserved => self.deserved,
            LoadEnd::Refused => self.refused,
            LoadEnd::TimedOut => self.timed_out,
            LoadEnd::Failed => self.failed,
        }
    }

    /// With those of another span.
    pub const fn add(&mut self, other: &Self) {
        self.good = self.good.saturating_add(other.good);
        self.deserved = self.deserved.saturating_add(other.deserved);
        self.refused = self.refused.saturating_add(other.refused);
        self.timed_out = self.timed_out.saturating_add(other.timed_out);
        self.failed = self.failed.saturating_add(other.failed);
    }

    /// What came since an earlier reading.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            good: self.good - earlier.good,
            deserved: self.deserved - earlier.deserved,
            refused: self.refused - earlier.refused,
            timed_out: self.timed_out - earlier.timed_out,
            failed: self.failed - earlier.failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_an_end() {
        for (class, meant, good, end) in [
            ("200", true, true, LoadEnd::Good),
            ("402", true, true, LoadEnd::Good),
            ("402", true, false, LoadEnd::Deserved),
            (class::ABANDONED, true, false, LoadEnd::Deserved),
            ("402", false, false, LoadEnd::Refused),
            ("429", false, false, LoadEnd::Refused),
            ("insufficient_funds", false, false, LoadEnd::Refused),
            (class::OUT_OF_FUNDS, false, false, LoadEnd::Refused),
            (class::TIMEOUT, false, false, LoadEnd::TimedOut),
            (class::UNFINISHED, false, false, LoadEnd::TimedOut),
            ("500", false, false, LoadEnd::Failed),
            ("200", false, false, LoadEnd::Failed),
            (class::REFUSED, false, false, LoadEnd::Failed),
            (class::RESET, false, false, LoadEnd::Failed),
            (class::DELIVERED_TWICE, false, false, LoadEnd::Failed),
            (class::SETTLED_TWICE, false, false, LoadEnd::Failed),
            (class::BOTH, true, true, LoadEnd::Good),
        ] {
            assert_eq!(LoadEnd::of(class, meant, good), end, "{class} {meant}");
        }
    }

    #[test]
    fn counts_add_up_and_tell_what_came_since() {
        let mut ends = LoadEnds::default();
        for end in LoadEnd::ALL {
            ends.count(end);
        }
        let earlier = ends;
        ends.count(LoadEnd::Refused);
        ends.add(&earlier);
        assert_eq!(LoadEnd::ALL.map(|end| ends.of(end)), [2, 2, 3, 2, 2]);
        let since = ends.since(&earlier);
        assert_eq!(LoadEnd::ALL.map(|end| since.of(end)), [1, 1, 2, 1, 1]);
        let word = serde_json::to_value(LoadEnd::TimedOut).unwrap();
        let members = serde_json::to_value(ends).unwrap();
        assert!(members.get(word.as_str().unwrap()).is_some());
    }
}
