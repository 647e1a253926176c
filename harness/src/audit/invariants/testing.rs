//! What the tests of several invariants share.

use super::{Told, judge_all};
use crate::audit::{Books, Round, Span};
use crate::history::{Event, Facts};

/// What an invariant tells of a quiet round in which everything took place.
pub(super) fn in_one_round(events: &[Event], id: &str) -> Told {
    in_disturbed_round(events, id, Vec::new())
}

/// The same of a round with these disturbances.
pub(super) fn in_disturbed_round(events: &[Event], id: &str, disturbances: Vec<String>) -> Told {
    let facts = Facts::new(events, None);
    let books = Books::keep(&facts);
    let round = Round {
        exchanges: facts.exchanges.iter().collect(),
        window_us: (facts.started_us, facts.last_us),
        disturbances,
        ..Round::default()
    };
    let span = Span {
        facts: &facts,
        books: &books,
        round: Some(&round),
    };
    let told = judge_all(&span).into_iter().find(|told| told.id == id);
    told.unwrap_or_else(|| panic!("{id} is not judged"))
}
