//! What the bench and the process of the virtual users say to each other: one JSON object a line.
//!
//! The bench writes the [`Task`] as the first line and keeps the pipe open; closing it means stop. The process answers
//! with [`Event`]s. A record goes out before its payment is sent, so that even a killed process leaves every
//! authorization that can have reached the target.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use x402_assay_reports::model::load::LoadPhase;

use crate::load::Part;
use crate::load::sale::Said;
use crate::load::tally::{Counts, Tally};
use crate::load::times::{Times, times};
use crate::load::users::Journey;

/// Longest line in either direction, in bytes.
pub(super) const LINE_MAX: usize = 4 << 20;

/// What the users are to do.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::load) struct Task {
    /// The paid route.
    pub(super) url: String,
    pub(super) method: String,
    /// Sent with every request to the paid route.
    pub(super) headers: Vec<(String, String)>,
    /// Base64.
    pub(super) body: Option<String>,
    /// The free route.
    pub(super) free: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) insecure: bool,
    /// Generation that is paid in: 1 or 2.
    pub(super) version: u64,
    pub(super) chain_id: Option<u64>,
    /// Test keys, one for each user.
    pub(super) keys: Vec<String>,
    /// As `--journey` takes them.
    pub(super) journeys: String,
    /// Shortest and longest pause.
    pub(super) think_ms: (u64, u64),
    pub(super) warm_up_ms: u64,
    /// All of it, warm-up included.
    pub(super) length_ms: u64,
    /// Longest wait for one exchange.
    pub(super) timeout_ms: u64,
    pub(super) seed: u64,
    /// How far the chain's clock is ahead of ours.
    pub(super) clock_ahead_s: i64,
    /// Text that only a paid body holds.
    pub(super) marker: Option<String>,
}

/// Keys and headers stay out of logs.
impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("users", &self.keys.len())
            .field("journeys", &self.journeys)
            .finish_non_exhaustive()
    }
}

/// What the process tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// Every user is there; times count from now.
    Begun { users: usize },
    /// Terms that are paid for the first time; numbered in order.
    Terms(Terms),
    /// An authorization was signed and is about to be sent, or never will be.
    Signed(Signed),
    /// All that is known of it by now.
    Sold(Sold),
    /// A second is over.
    Tick(Box<Tick>),
    /// The end.
    Done(Done),
    /// It could not begin, or broke off.
    Failed { why: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) number: u16,
    pub(super) chain_id: u64,
    pub(super) asset: Address,
    pub(super) pay_to: Address,
    pub(super) amount: U256,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Signed {
    /// Its number in the run, from 0, in order.
    pub(super) number: u32,
    pub(super) nonce: B256,
    pub(super) payer: u16,
    pub(super) terms: u16,
    pub(super) journey: String,
    pub(super) due_us: u64,
    pub(super) sent_us: u64,
    /// 0 for one that never will be sent.
    pub(super) sent: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sold {
    pub(super) number: u32,
    pub(super) done_us: u64,
    pub(super) status: u16,
    pub(super) sent: u8,
    pub(super) answered: u8,
    pub(super) grants: u8,
    pub(super) said: Word,
    pub(super) transaction: B256,
}

/// What a receipt said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Nothing,
    Settled,
    Failed,
    Pending,
    Twice,
}

impl From<Said> for Word {
    fn from(said: Said) -> Self {
        match said {
            Said::Nothing => Self::Nothing,
            Said::Settled => Self::Settled,
            Said::Failed => Self::Failed,
            Said::Pending => Self::Pending,
            Said::Twice => Self::Twice,
        }
    }
}

impl From<Word> for Said {
    fn from(word: Word) -> Self {
        match word {
            Word::Nothing => Self::Nothing,
            Word::Settled => Self::Settled,
            Word::Failed => Self::Failed,
            Word::Pending => Self::Pending,
            Word::Twice => Self::Twice,
        }
    }
}

/// What came since the tick before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tick {
    pub(super) second: u64,
    /// Everything, warm-up included.
    pub(super) all: Counts,
    /// Whole times of everything that ended.
    pub(super) times: Hdr,
    pub(super) classes: BTreeMap<String, u64>,
    pub(super) in_flight: u64,
    /// What is measured.
    pub(super) measured: Counts,
    pub(super) phases: Vec<(LoadPhase, Hdr)>,
    pub(super) outcomes: Vec<Ends>,
    /// So far.
    pub(super) in_flight_high_water: u64,
    /// CPU time of the process so far.
    pub(super) cpu_us: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ends {
    pub(super) of: String,
    pub(super) class: String,
    pub(super) meant: bool,
    pub(super) times: Hdr,
}

/// The end of it, in microseconds from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) last_begin_us: Option<u64>,
    pub(super) last_end_us: Option<u64>,
    /// Payments that were sent again.
    pub(super) repeated: u64,
}

/// A histogram of microseconds: HDR V2, compressed, base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hdr(pub(super) String);

impl Hdr {
    /// # Panics
    /// Never: writing to memory does not fail.
    pub(super) fn of(times: &Times) -> Self {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(times, &mut bytes)
            .expect("a histogram of three digits fits in memory");
        Self(STANDARD.encode(bytes))
    }

    /// Reads it back, within the bounds of our own histograms.
    pub(super) fn read(&self) -> Result<Times, String> {
        let bytes = STANDARD
            .decode(&self.0)
            .map_err(|error| format!("a histogram is no base64: {error}"))?;
        let told: Times = Deserializer::new()
            .deserialize(&mut Cursor::new(bytes))
            .map_err(|error| format!("a histogram is damaged: {error}"))?;
        let mut mine = times();
        mine.add(told)
            .map_err(|error| format!("a histogram is out of bounds: {error}"))?;
        Ok(mine)
    }
}

impl Tick {
    /// Adds what is measured to a tally.
    pub(super) fn add_to(&self, tally: &mut Tally) -> Result<(), String> {
        let mut read = Tally::default();
        read.counts = self.measured;
        for (phase, hdr) in &self.phases {
            read.put(*phase, hdr.read()?);
        }
        for ends in &self.outcomes {
            let of = word_of(&ends.of)?;
            let ended = crate::load::tally::Ends {
                meant: ends.meant,
                times: ends.times.read()?,
            };
            read.outcomes
                .entry(of)
                .or_default()
                .insert(ends.class.clone(), ended);
        }
        tally.add(&read);
        tally.in_flight_high_water = self.in_flight_high_water;
        Ok(())
    }
}

/// The word of a journey, from the table of journeys.
fn word_of(text: &str) -> Result<&'static str, String> {
    let found = Journey::ALL.into_iter().find(|(word, _)| *word == text);
    let found = found.map(|(word, _)| word);
    found.ok_or_else(|| format!("`{}` is no journey", crate::load::words::shown(text)))
}

/// What the books call a payment of this journey.
pub(super) fn part_of(journey: &str) -> Result<Part, String> {
    match word_of(journey)? {
        "pay" => Ok(Part::Buy),
        "retry" => Ok(Part::RetrySame),
        "abandon" => Ok(Part::Abandon),
        other => Err(format!("the journey `{other}` signs nothing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn events_survive_the_pipe() {
        let mut some = times();
        crate::load::times::record(&mut some, Duration::from_millis(5));
        let events = [
            Event::Begun { users: 5 },
            Event::Sold(Sold {
                number: 7,
                done_us: 9,
                status: 200,
                sent: 2,
                answered: 1,
                grants: 1,
                said: Word::Settled,
                transaction: B256::repeat_byte(3),
            }),
            Event::Tick(Box::new(Tick {
                second: 1,
                all: Counts {
                    due: 3,
                    ..Counts::default()
                },
                times: Hdr::of(&some),
                classes: BTreeMap::from([("200".to_owned(), 3)]),
                in_flight: 2,
                measured: Counts::default(),
                phases: vec![(LoadPhase::Sign, Hdr::of(&some))],
                outcomes: vec![Ends {
                    of: "pay".to_owned(),
                    class: "200".to_owned(),
                    meant: true,
                    times: Hdr::of(&some),
                }],
                in_flight_high_water: 5,
                cpu_us: 10,
            })),
            Event::Failed {
                why: "no\nroute".to_owned(),
            },
        ];
        for event in events {
            let line = serde_json::to_string(&event).unwrap();
            assert!(!line.contains('\n'), "{line}");
            let read: Event = serde_json::from_str(&line).unwrap();
            assert_eq!(read, event);
            if let Event::Tick(tick) = read {
                let mut tally = Tally::default();
                tick.add_to(&mut tally).unwrap();
                tick.add_to(&mut tally).unwrap();
                assert_eq!(tally.times_of(LoadPhase::Sign).unwrap().len(), 2);
                assert_eq!(tally.outcomes["pay"]["200"].times.len(), 2);
            }
        }
    }

    #[test]
    fn a_damaged_histogram_is_no_panic() {
        let wide = Times::new_with_bounds(1, u64::MAX / 4, 3).map(|mut wide| {
            wide.record(u64::MAX / 8).unwrap();
            Hdr::of(&wide)
        });
        for text in ["", "%%", "AAAA", &wide.unwrap().0] {
            assert!(Hdr(text.to_owned()).read().is_err(), "{text}");
        }
    }

    #[test]
    fn only_journeys_that_sign_have_a_part() {
        assert_eq!(part_of("retry"), Ok(Part::RetrySame));
        assert!(part_of("browse").is_err() && part_of("steal").is_err());
    }
}
