//! Where a fault strikes: named by what happens in the protocol, never by a byte.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The two ends of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkEnds {
    /// Between the bench's clients and the server.
    ClientServer,
    /// Between the server and its facilitator.
    ServerFacilitator,
}

/// What an exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// `POST /verify` of a facilitator.
    Verify,
    /// `POST /settle` of a facilitator.
    Settle,
    /// `GET /supported` of a facilitator.
    Supported,
    /// A request to the server without a payment header.
    Quote,
    /// A request to the server with one.
    Payment,
}

/// How far the exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The request arrived; nothing was passed on.
    Before,
    /// The request was passed on whole; the answer was not read.
    Forwarded,
    /// The answer arrived whole; nothing was passed back.
    After,
}

/// A stage of an exchange; written `before-verify`, `forwarded-settle`, `after-payment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkEvent {
    /// How far.
    pub stage: Stage,
    /// Of what.
    pub subject: Subject,
}

/// No such event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no event of a link: write before-, forwarded- or after- and then verify, settle, supported, quote or payment"
)]
pub struct UnknownEvent(String);

const STAGES: [(&str, Stage); 3] = [
    ("before", Stage::Before),
    ("forwarded", Stage::Forwarded),
    ("after", Stage::After),
];

const SUBJECTS: [(&str, Subject); 5] = [
    ("verify", Subject::Verify),
    ("settle", Subject::Settle),
    ("supported", Subject::Supported),
    ("quote", Subject::Quote),
    ("payment", Subject::Payment),
];

impl Subject {
    /// Its word.
    pub fn word(self) -> &'static str {
        word(&SUBJECTS, self)
    }

    /// The link on which it is seen.
    pub const fn ends(self) -> LinkEnds {
        match self {
            Self::Verify | Self::Settle | Self::Supported => LinkEnds::ServerFacilitator,
            Self::Quote | Self::Payment => LinkEnds::ClientServer,
        }
    }

    /// The endpoint of a facilitator that a path (without query) leads to, under any base path.
    pub(super) fn of_facilitator_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/').rsplit('/').next()? {
            "verify" => Some(Self::Verify),
            "settle" => Some(Self::Settle),
            "supported" => Some(Self::Supported),
            _ => None,
        }
    }
}

fn word<T: PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    let found = all.iter().find(|(_, value)| *value == wanted);
    found.map_or("", |(word, _)| word)
}

impl LinkEvent {
    /// Before something is passed on.
    pub const fn before(subject: Subject) -> Self {
        Self {
            stage: Stage::Before,
            subject,
        }
    }

    /// Between passing something on and reading its answer.
    pub const fn forwarded(subject: Subject) -> Self {
        Self {
            stage: Stage::Forwarded,
            subject,
        }
    }

    /// After something was answered.
    pub const fn after(subject: Subject) -> Self {
        Self {
            stage: Stage::After,
            subject,
        }
    }
}

impl fmt::Display for LinkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", word(&STAGES, self.stage), self.subject.word())
    }
}

impl FromStr for LinkEvent {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownEvent(text.chars().take(80).collect());
        let (stage, subject) = text.split_once('-').ok_or_else(unknown)?;
        let stage = STAGES.iter().find(|(word, _)| *word == stage);
        let subject = SUBJECTS.iter().find(|(word, _)| *word == subject);
        match (stage, subject) {
            (Some((_, stage)), Some((_, subject))) => Ok(Self {
                stage: *stage,
                subject: *subject,
            }),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for LinkEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LinkEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_written_and_read() {
        for (stage_word, stage) in STAGES {
            for (subject_word, subject) in SUBJECTS {
                let text = format!("{stage_word}-{subject_word}");
                let event = LinkEvent { stage, subject };
                assert_eq!(event.to_string(), text);
                assert_eq!(text.parse(), Ok(event));
            }
        }
        for wrong in ["", "verify", "before-", "before-buy", "beforeverify"] {
            assert!(wrong.parse::<LinkEvent>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_facilitator_may_have_a_base_path() {
        let of = Subject::of_facilitator_path;
        assert_eq!(of("/settle"), Some(Subject::Settle));
        assert_eq!(of("/a/b/verify/"), Some(Subject::Verify));
        assert_eq!(of("/supported"), Some(Subject::Supported));
        assert_eq!(of("/verify/x"), None);
        assert_eq!(of("/"), None);
    }
}
