//! The controls: without a payment that works, and a broken one that does not, nothing is conformant.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{Control, Controls};

use super::{diagnosis, facilitator_controls};
use crate::audit::{Book, Delivery};
use crate::checks::Judged;
use crate::history::Exchange;

/// One control of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlState {
    /// It holds; what was seen.
    Held(String),
    /// It is missing.
    Missing {
        /// Diagnosis code.
        cause: &'static str,
        /// Why, and what to do.
        detail: String,
    },
}

impl ControlState {
    /// True when it holds.
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    fn detail(&self) -> &str {
        match self {
            Self::Held(detail) | Self::Missing { detail, .. } => detail,
        }
    }
}

/// Both controls of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionControls {
    /// The generation.
    pub version: Version,
    /// A fresh payment was served, moved one matching Transfer, and our facilitator saw it.
    pub positive: ControlState,
    /// The same payment with one signature byte flipped was refused and moved nothing.
    pub mutation: ControlState,
}

/// The controls of every generation that was probed; of v2 when none could be told.
pub fn of_run(judged: &Judged<'_, '_>) -> Vec<VersionControls> {
    let mut versions = judged.facts.versions();
    if versions.is_empty() {
        versions.push(Version::V2);
    }
    versions
        .into_iter()
        .map(|version| VersionControls {
            version,
            positive: positive(judged, version),
            mutation: match mutation(judged, version) {
                _ if facilitator_controls::applies(judged.facts)
                    && facilitator_controls::is_lone(judged.facts) =>
                {
                    facilitator_controls::lone_mutation(judged, version)
                }
                state if facilitator_controls::applies(judged.facts) => {
                    facilitator_controls::mutation(judged, version, state)
                }
                state => state,
            },
        })
        .collect()
}

/// The controls as the report holds them: each holds when it holds for every generation.
pub fn for_report(all: &[VersionControls]) -> Controls {
    Controls {
        positive: merged(all, |controls| &controls.positive),
        mutation: merged(all, |controls| &controls.mutation),
    }
}

fn merged(all: &[VersionControls], choose: fn(&VersionControls) -> &ControlState) -> Control {
    let cause = all.iter().find_map(|controls| match choose(controls) {
        ControlState::Missing { cause, .. } => Some((*cause).to_owned()),
        ControlState::Held(_) => None,
    });
    let details: Vec<String> = all
        .iter()
        .map(|controls| format!("{}: {}", controls.version, choose(controls).detail()))
        .collect();
    Control {
        held: cause.is_none() && !all.is_empty(),
        cause,
        detail: details.join("; "),
    }
}

fn positive(judged: &Judged<'_, '_>, version: Version) -> ControlState {
    if facilitator_controls::applies(judged.facts) {
        return facilitator_controls::positive(judged, version);
    }
    let black_box = !judged.facts.facilitator_called();
    let accepted = judged.accepted(version).into_iter();
    let held = accepted
        .filter(|exchange| exchange.is_success())
        .find_map(|exchange| {
            judged
                .book_of(exchange)
                .filter(|book| is_sold(book, black_box))
        });
    match held {
        Some(book) => {
            let seen = if black_box {
                "; our facilitator was not asked"
            } else {
                " and seen by our facilitator"
            };
            ControlState::Held(format!(
                "a payment of {} was served, settled once{seen}",
                book.signed.offered.amount
            ))
        }
        None => {
            let (cause, detail) = diagnosis::diagnose(judged, version);
            ControlState::Missing { cause, detail }
        }
    }
}

fn is_sold(book: &Book<'_>, black_box: bool) -> bool {
    let seen = black_box || book.verify_calls + book.settle_calls > 0;
    !book.faulted && book.at_rest && book.transfers.len() == 1 && book.paid_as_offered() && seen
}

fn mutation(judged: &Judged<'_, '_>, version: Version) -> ControlState {
    let mut tried = judged.facts.paid(version, "mutation").peekable();
    if tried.peek().is_none() {
        return ControlState::Missing {
            cause: "not-tried",
            detail: "no payment with a flipped signature byte was sent".to_owned(),
        };
    }
    tried
        .find_map(|exchange| unrefused(judged, exchange))
        .unwrap_or_else(|| {
            let text = "a payment with one signature byte flipped was refused and moved nothing";
            ControlState::Held(text.to_owned())
        })
}

fn unrefused<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Option<ControlState> {
    let missing = |cause, detail: &str| {
        Some(ControlState::Missing {
            cause,
            detail: detail.to_owned(),
        })
    };
    let book = judged.book_of(exchange);
    if judged.books.delivery(exchange) != Delivery::Nothing {
        return missing(
            "mutation-served",
            "a payment with one signature byte flipped was served; check the signature, or ask the facilitator",
        );
    }
    if book.is_some_and(|book| !book.transfers.is_empty()) {
        return missing(
            "mutation-settled",
            "a payment with one signature byte flipped moved money",
        );
    }
    if exchange.answer().is_none() {
        return missing(
            "unanswered",
            "the payment with a flipped signature byte got no answer",
        );
    }
    if book.is_some_and(|book| !book.at_rest) {
        return missing(
            "ledger-not-read",
            "the ledger was not read after the payment with a flipped signature byte",
        );
    }
    None
}
