//! Section Q: resource servers that sell by `batch-settlement`, judged from the bytes they show (wire-format section 7).

use serde_json::Value;
use x402_assay_protocol::Version;

use super::check::{Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::Exchange;

const NO_PAYER: &str = "no payer for batch-settlement: the run holds no such payment";
/// What a server says of a voucher whose cumulative amount is not the next one.
const MISMATCH: &str = "cumulative_amount_mismatch";

pub(super) const CORRECTIVE: Check = Check {
    id: "SRV-BATCH-001",
    title: "A stale voucher is answered with the channel's state",
    requirement: "A wrong cumulative amount is answered by a corrective 402 with `channelState` or `voucherState`.",
    observe: "402 answers to batch-settlement payments that name a cumulative amount mismatch.",
    good: "402 whose accepts[].extra holds channelState",
    bad: "402 with the bare code: the client cannot find the next amount",
    source: "batch-settlement EVM binding, \"Verification Rules\"",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Must,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: corrective,
    cause: "the plain challenge is sent for every refusal",
    fix: "add channelState and voucherState to the entry's extra",
    tags: &["batch"],
    killed_by: &[],
};

pub(super) const AFTER_HANDLER: Check = Check {
    id: "SRV-BATCH-002",
    title: "A handler that fails leaves the voucher usable",
    requirement: "State advances only after the handler succeeded: a failing handler leaves the voucher reusable.",
    observe: "The same voucher sent again after an answer of 500 or above.",
    good: "the second attempt is served",
    bad: "the second attempt is called stale",
    grade: Grade::Fail,
    judge: after_handler,
    cause: "the charged amount is raised before the handler runs",
    fix: "raise the cumulative amount when the handler's answer is known to be good",
    ..CORRECTIVE
};

pub(super) const PARALLEL: Check = Check {
    id: "SRV-BATCH-003",
    title: "One voucher is charged once",
    requirement: "The same voucher in parallel is charged once; `channel_busy` is acceptable for the others.",
    observe: "Overlapping payments that carry the same voucher.",
    good: "one is served, the others are refused or told that the channel is busy",
    bad: "two are served for one cumulative amount",
    grade: Grade::Fail,
    judge: parallel,
    cause: "requests of one channel are not put in a row",
    fix: "hold a lock per channel from verification to the new state",
    tags: &["batch", "CWE-362"],
    ..CORRECTIVE
};

pub(super) const COMMITMENT: Check = Check {
    id: "SRV-BATCH-004",
    title: "What a batch receipt identifies the commitment by",
    requirement: "Whether the receipt holds a non-empty commitment identifier is recorded: the texts contradict each other.",
    observe: "The settlement header of served batch-settlement payments.",
    good: "an identifier, or the channel's state in extra",
    bad: "nothing: this is recorded only",
    level: Level::Open,
    grade: Grade::Info,
    judge: commitment,
    cause: "the generic text and the EVM binding differ",
    fix: "nothing needs to change",
    ..CORRECTIVE
};

/// Payments by batch-settlement, in order.
fn payments<'f, 'h>(judged: &Judged<'f, 'h>, version: Version) -> Vec<&'f Exchange<'h>> {
    let is_batch = |exchange: &&Exchange<'h>| {
        let scheme = exchange
            .payment()
            .and_then(|payment| payment.pointer("/accepted/scheme"));
        exchange.version() == Some(version)
            && scheme.and_then(Value::as_str) == Some("batch-settlement")
    };
    judged.facts.exchanges.iter().filter(is_batch).collect()
}

fn voucher<'f>(exchange: &'f Exchange<'_>) -> Option<&'f Value> {
    exchange.payment()?.pointer("/payload/voucher")
}

/// True when an answer says that the cumulative amount is not the next one.
fn is_mismatch(exchange: &Exchange<'_>, version: Version) -> bool {
    let challenge = exchange
        .challenge(version)
        .and_then(|challenge| challenge.error.as_deref());
    let settled = match exchange.settlement(version) {
        Some(Ok(settlement)) => settlement.error_reason.as_deref(),
        _ => None,
    };
    let mut texts = challenge.into_iter().chain(settled);
    texts.any(|text| text.contains(MISMATCH))
}

fn corrective(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let stale = payments(judged, version)
        .into_iter()
        .filter(|exchange| exchange.status() == Some(402) && is_mismatch(exchange, version));
    let outcome: Outcome = stale
        .map(|exchange| {
            let offers = exchange
                .challenge(version)
                .into_iter()
                .flat_map(|c| &c.accepts);
            let mut extras = offers.filter_map(|offer| offer.raw.get("extra"));
            let shows = extras.any(|extra| {
                ["channelState", "voucherState"]
                    .iter()
                    .any(|name| extra.get(name).is_some_and(Value::is_object))
            });
            match shows {
                true => Outcome::pass("the 402 holds the channel's state", evidence_of(exchange)),
                false => Outcome::warn(
                    "the 402 names a mismatch and no state to correct it by",
                    evidence_of(exchange),
                ),
            }
        })
        .collect();
    outcome.or_skipped(NO_PAYER)
}

fn after_handler(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = payments(judged, version);
    let mut outcome = Outcome::new();
    for (place, failed) in all.iter().enumerate() {
        if failed.status().is_none_or(|status| status < 500) {
            continue;
        }
        let Some(first) = voucher(failed) else {
            continue;
        };
        let again = all[place + 1..]
            .iter()
            .find(|later| voucher(later) == Some(first));
        let Some(again) = again else { continue };
        let evidence = vec![failed.evidence(), again.evidence()];
        outcome.add(if is_mismatch(again, version) {
            Outcome::fail("the voucher of a failed request is called stale", evidence)
        } else if judged.books.delivery(again) == Delivery::Content {
            Outcome::pass("the voucher was served after the failure", evidence)
        } else {
            Outcome::inconclusive("the second attempt was answered otherwise", evidence)
        });
    }
    outcome.or_skipped(NO_PAYER)
}

fn parallel(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = payments(judged, version);
    let mut outcome = Outcome::new();
    for (place, first) in all.iter().enumerate() {
        for second in &all[place + 1..] {
            let overlap = second.sent_at_us < first.ended_at_us;
            if !overlap || voucher(first).is_none() || voucher(first) != voucher(second) {
                continue;
            }
            let evidence = vec![first.evidence(), second.evidence()];
            let served = [first, second]
                .into_iter()
                .filter(|exchange| judged.books.delivery(exchange) == Delivery::Content)
                .count();
            outcome.add(match served {
                2 => Outcome::given("one voucher was served twice in parallel", evidence),
                _ => Outcome::pass("one of two parallel requests was served at most", evidence),
            });
        }
    }
    outcome.or_skipped(NO_PAYER)
}

fn commitment(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let served = payments(judged, version)
        .into_iter()
        .filter_map(|exchange| Some((exchange, exchange.settlement(version)?.as_ref().ok()?)));
    let outcome: Outcome = served
        .map(|(exchange, settlement)| {
            let named = settlement.transaction.as_deref().unwrap_or_default();
            let text = match (named, settlement.raw.pointer("/extra/channelState")) {
                ("", Some(_)) => "no identifier; the channel's state is in extra".to_owned(),
                ("", None) => "neither an identifier nor the channel's state".to_owned(),
                (id, _) => format!("identified by {id}"),
            };
            Outcome::info(text, evidence_of(exchange))
        })
        .collect();
    outcome.or_skipped(NO_PAYER)
}
