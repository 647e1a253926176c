//! What a shard counts and times; nothing of it grows with the number of arrivals.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use x402_assay_reports::model::load::{LoadEnd, LoadEnds, LoadPhase, OUTCOMES_MAX, class};

use super::times::{Times, merge, record, times};

/// Longest name of a class, in characters.
const CLASS_NAME_MAX: usize = 80;

/// Counters of arrivals and requests of the measured span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Arrivals whose time has come.
    pub(crate) due: u64,
    /// Of them, those that began.
    pub(crate) sent: u64,
    /// Those that ended by themselves.
    pub(crate) completed: u64,
    /// Those that found the queue full, or that the end of the run kept from beginning.
    pub(crate) dropped: u64,
    /// Of the dropped, those that came while the target had asked for a pause.
    pub(crate) throttled: u64,
    /// Those that ended well.
    pub(crate) good: u64,
    /// Those that ended as was not meant.
    pub(crate) errors: u64,
    /// HTTP requests sent.
    pub(crate) requests: u64,
    /// Answers with status 429.
    pub(crate) limited: u64,
    /// Connections made.
    pub(crate) connections: u64,
    /// Answers with the paid content to requests that held no payment.
    pub(crate) strays: u64,
    /// Payments signed ahead that did not fit what was asked for, or were too few.
    pub(crate) signed_again: u64,
    /// How those ended that came to an end.
    pub(crate) ends: LoadEnds,
}

impl Counts {
    /// Adds another's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.sent += other.sent;
        self.completed += other.completed;
        self.dropped += other.dropped;
        self.throttled += other.throttled;
        self.good += other.good;
        self.errors += other.errors;
        self.requests += other.requests;
        self.limited += other.limited;
        self.connections += other.connections;
        self.strays += other.strays;
        self.signed_again += other.signed_again;
        self.ends.add(&other.ends);
    }

    /// What came since an earlier reading.
    #[must_use]
    pub(crate) const fn since(&self, earlier: &Self) -> Self {
        Self {
            due: self.due - earlier.due,
            sent: self.sent - earlier.sent,
            completed: self.completed - earlier.completed,
            dropped: self.dropped - earlier.dropped,
            throttled: self.throttled - earlier.throttled,
            good: self.good - earlier.good,
            errors: self.errors - earlier.errors,
            requests: self.requests - earlier.requests,
            limited: self.limited - earlier.limited,
            connections: self.connections - earlier.connections,
            strays: self.strays - earlier.strays,
            signed_again: self.signed_again - earlier.signed_again,
            ends: self.ends.since(&earlier.ends),
        }
    }
}

/// Ends of one class.
#[derive(Debug)]
pub(crate) struct Ends {
    /// True when they were meant to be so.
    pub(crate) meant: bool,
    /// From the due time to the end.
    pub(crate) times: Times,
}

/// How one journey ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// What was sent: a part of the mix, or `unpaid`.
    pub(crate) of: &'static str,
    /// A status, a reason, or one of the classes of trouble.
    pub(crate) class: Cow<'static, str>,
    /// Whether it was meant.
    pub(crate) meant: bool,
    /// Whether it counts as good: the paid content, or in an unpaid run the terms.
    pub(crate) good: bool,
}

impl Outcome {
    /// Counts how it ended.
    pub(crate) fn enter(&self, counts: &mut Counts) {
        counts.good += u64::from(self.good);
        counts.errors += u64::from(!self.meant);
        let end = LoadEnd::of(&self.class, self.meant, self.good);
        counts.ends.count(end);
    }
}

/// Everything one shard counts.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Counters.
    pub(crate) counts: Counts,
    phases: Vec<Option<Box<Times>>>,
    /// By what was sent, then by class.
    pub(crate) outcomes: BTreeMap<&'static str, BTreeMap<String, Ends>>,
    /// Most arrivals that waited at one time.
    pub(crate) queue_high_water: u64,
    /// Most arrivals under way at one time.
    pub(crate) in_flight_high_water: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            phases: LoadPhase::ALL.iter().map(|_| None).collect(),
            outcomes: BTreeMap::new(),
            queue_high_water: 0,
            in_flight_high_water: 0,
        }
    }
}

impl Tally {
    /// Records a phase.
    pub(crate) fn phase(&mut self, phase: LoadPhase, elapsed: Duration) {
        if let Some(place) = self.phases.get_mut(phase as usize) {
            record(place.get_or_insert_with(|| Box::new(times())), elapsed);
        }
    }

    /// Puts times in the place of a phase.
    pub(super) fn put(&mut self, phase: LoadPhase, times: Times) {
        if let Some(place) = self.phases.get_mut(phase as usize) {
            *place = Some(Box::new(times));
        }
    }

    /// Times of a phase; none where it never came.
    pub(crate) fn times_of(&self, phase: LoadPhase) -> Option<&Times> {
        self.phases.get(phase as usize)?.as_deref()
    }

    /// Records how a journey ended.
    pub(crate) fn outcome(&mut self, outcome: &Outcome, response: Duration) {
        outcome.enter(&mut self.counts);
        let kinds: usize = self.outcomes.values().map(BTreeMap::len).sum();
        let classes = self.outcomes.entry(outcome.of).or_default();
        if let Some(ends) = classes.get_mut(outcome.class.as_ref()) {
            return record(&mut ends.times, response);
        }
        let name = match kinds < OUTCOMES_MAX / 2 {
            true => outcome.class.as_ref(),
            false => class::OTHER,
        };
        let ends = classes.entry(name.to_owned()).or_insert_with(|| Ends {
            meant: outcome.meant,
            times: times(),
        });
        record(&mut ends.times, response);
    }

    /// Takes another shard's into this one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        // Shards reach their highest at different times: the sum is the least that is certainly enough.
        self.queue_high_water += other.queue_high_water;
        self.in_flight_high_water += other.in_flight_high_water;
        for (mine, theirs) in self.phases.iter_mut().zip(&other.phases) {
            if let Some(theirs) = theirs {
                merge(mine.get_or_insert_with(|| Box::new(times())), theirs);
            }
        }
        for (of, classes) in &other.outcomes {
            let mine = self.outcomes.entry(of).or_default();
            for (name, theirs) in classes {
                let ends = mine.entry(name.clone()).or_insert_with(|| Ends {
                    meant: theirs.meant,
                    times: times(),
                });
                ends.meant &= theirs.meant;
                merge(&mut ends.times, &theirs.times);
            }
        }
    }
}

/// The class of an answer: the reason a refusal gives, else its status.
pub(crate) fn class_of(status: u16, reason: Option<&str>) -> Cow<'static, str> {
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        let plain = |c: char| match c.is_control() {
            true => ' ',
            false => c,
        };
        return Cow::Owned(reason.chars().map(plain).take(CLASS_NAME_MAX).collect());
    }
    // Those that come by the thousand cost nothing.
    Cow::Borrowed(match status {
        200 => "200",
        400 => "400",
        402 => "402",
        409 => "409",
        429 => "429",
        500 => "500",
        502 => "502",
        503 => "503",
        _ => return Cow::Owned(status.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(class: &str, meant: bool) -> Outcome {
        Outcome {
            of: "buy",
            class: Cow::Owned(class.to_owned()),
            meant,
            good: meant,
        }
    }

    #[test]
    fn tallies_add_up() {
        let mut one = Tally::default();
        one.counts.due = 3;
        one.phase(LoadPhase::PaidToHeaders, Duration::from_millis(5));
        one.outcome(&outcome("200", true), Duration::from_millis(5));
        let mut two = Tally::default();
        two.counts.due = 4;
        two.phase(LoadPhase::PaidToHeaders, Duration::from_millis(15));
        two.phase(LoadPhase::Sign, Duration::from_micros(30));
        two.outcome(&outcome("invalid", false), Duration::from_millis(1));
        one.add(&two);
        assert_eq!(one.counts.due, 7);
        assert_eq!((one.counts.good, one.counts.errors), (1, 1));
        assert_eq!((one.counts.ends.good, one.counts.ends.refused), (1, 1));
        assert_eq!(one.times_of(LoadPhase::PaidToHeaders).unwrap().len(), 2);
        assert_eq!(one.times_of(LoadPhase::Sign).unwrap().len(), 1);
        assert!(one.times_of(LoadPhase::Connect).is_none());
        let classes: Vec<(&str, bool)> = one.outcomes["buy"]
            .iter()
            .map(|(class, ends)| (class.as_str(), ends.meant))
            .collect();
        assert_eq!(classes, [("200", true), ("invalid", false)]);
    }

    #[test]
    fn classes_are_bounded_in_number_and_length() {
        let mut tally = Tally::default();
        for number in 0..1_000 {
            tally.outcome(&outcome(&number.to_string(), false), Duration::ZERO);
        }
        let classes = &tally.outcomes["buy"];
        assert_eq!(classes.len(), OUTCOMES_MAX / 2 + 1);
        let all: u64 = classes.values().map(|ends| ends.times.len()).sum();
        assert_eq!(all, 1_000);
        assert_eq!(class_of(402, None), "402");
        assert_eq!(class_of(418, None), "418");
        assert_eq!(class_of(500, Some("a\nb")), "a b");
        assert!(class_of(402, Some(&"x".repeat(10_000))).len() < 100);
    }

    #[test]
    fn a_phase_stands_at_its_own_place() {
        for (place, phase) in LoadPhase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, place);
        }
    }

    #[test]
    fn counts_tell_what_came_since() {
        let earlier = Counts {
            due: 2,
            good: 1,
            ..Counts::default()
        };
        let mut later = earlier;
        later.add(&Counts {
            due: 5,
            ..Counts::default()
        });
        assert_eq!(later.since(&earlier).due, 5);
        assert_eq!(later.since(&earlier).good, 0);
    }
}
