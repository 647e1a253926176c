//! Section N: what success means.

use x402_assay_protocol::Version;
use x402_assay_protocol::eip3009::parse_address;
use x402_mock_facilitator::event::Endpoint;

use super::asked::{
    ROW, Said, all_at, book_of, calls, each, evidence, said, settled, told, unjudgeable, verifies,
    whole_evidence, wrong,
};
use crate::audit::Book;
use crate::checks::check::{Check, Level, Need};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

pub(super) const GOOD: Check = Check {
    id: "FAC-SETTLE-001",
    title: "A good payment is settled, and the answer says where",
    requirement: "A valid payment gets `success: true` with a transaction, the network, and in v1 the payer.",
    observe: "Fresh good payments, settled one by one.",
    good: "{\"success\": true, \"transaction\": \"0x...\", \"network\": \"eip155:84532\", \"payer\": \"0x...\"}",
    bad: "{\"success\": true, \"transaction\": \"\"}",
    source: "x402 specification, sections 5.3.2 and 7.2",
    probes: &["settle/good"],
    judge: good,
    cause: "the answer is written before the transaction is known, or members are left out",
    fix: "answer with transaction and network, and in v1 the payer",
    killed_by: &["success-without-transaction", "receipt-wrong-payer"],
    ..ROW
};

pub(super) const TRUE: Check = Check {
    id: "FAC-SETTLE-002",
    title: "Success is one transfer of the required amount",
    requirement: "The named transaction exists, succeeded, and holds exactly one Transfer of the amount from payer to `payTo` on the asset.",
    observe: "Every success, held against the ledger.",
    good: "one Transfer of 10000 to payTo, in the named transaction",
    bad: "a hash that no block holds, a reverted transaction, or another amount",
    source: "scheme_exact_evm, phase 3",
    probes: &["settle/good"],
    judge: truth,
    cause: "the receipt's logs are not read, or the wrong hash is passed on",
    fix: "wait for the receipt, check its status and its Transfer log, and name that transaction",
    tags: &["facilitator", "CWE-252"],
    killed_by: &["success-without-settling", "receipt-invented-transaction"],
    ..ROW
};

pub(super) const MINED: Check = Check {
    id: "FAC-SETTLE-003",
    title: "Success waits for a block",
    requirement: "Success is said once the transfer is in a block; before that settlement_pending or a failure is true.",
    observe: "Mining stands still while a payment is settled; only then it goes on.",
    good: "the answer waits, or says settlement_pending",
    bad: "success while no block was mined: a reorg or a dropped transaction takes the money back",
    source: "newer core text, section 9; documentation of settle",
    level: Level::Derived,
    needs: &[Need::Evm],
    probes: &["settle/held"],
    judge: mined,
    cause: "success is said when the node takes the transaction",
    fix: "wait for the receipt; after a bounded time answer settlement_pending with the hash",
    tags: &["facilitator", "CWE-841"],
    killed_by: &["success-on-broadcast", "success-without-settling"],
    ..ROW
};

pub(super) const REFUSES: Check = Check {
    id: "FAC-SETTLE-004",
    title: "Settle refuses what verify must refuse",
    requirement: "Every wrong payment is refused by settle as well, and moves nothing.",
    observe: "Each wrong payment of the verify section, sent to settle; then the ledger.",
    good: "success false, no Transfer",
    bad: "success true, or a Transfer",
    source: "x402 specification, section 7.2",
    probes: &["settle/signature-flipped"],
    judge: refuses,
    cause: "settle trusts that verify was asked before",
    fix: "verify again in settle, on the same code path",
    tags: &["facilitator", "CWE-345", "CWE-841"],
    killed_by: &[
        "settle-without-verify",
        "amount-not-compared",
        "recipient-not-compared",
        "amount-at-least",
    ],
    ..ROW
};

pub(super) const EXACT: Check = Check {
    id: "FAC-SETTLE-011",
    title: "What moves is what was signed",
    requirement: "Payer, recipient and amount on the chain are those of the signed authorization.",
    observe: "Every Transfer of a payment that was settled.",
    good: "the signed values",
    bad: "less arrives, or somebody else is paid",
    source: "scheme_exact_evm, \"Settlement\"",
    level: Level::Derived,
    probes: &["settle/good"],
    judge: exact,
    cause: "the token takes a fee, or the call is built from the requirements instead of the authorization",
    fix: "call transferWithAuthorization with the signed values, and refuse tokens that take a fee",
    tags: &["facilitator", "CWE-345"],
    killed_by: &[],
    ..ROW
};

fn good(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if settled(judged, version).is_empty() {
        let text = format!(
            "control missing: no good {version} payment was settled; the report's first line says why"
        );
        return Outcome::skipped(text);
    }
    each(judged, version, "settle/good", |call| {
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        if call.is_pending() {
            return Outcome::info(
                "settlement_pending: it was asked about again",
                evidence(call),
            );
        }
        if said(call) != Said::Yes {
            let text = format!("{} for a good payment, while others settle", told(call));
            return Outcome::fail(text, evidence(call));
        }
        let body = call.exchange.body_json();
        let text = |name: &str| {
            let value = body.and_then(|body| body.get(name));
            value.and_then(|value| value.as_str()).unwrap_or_default()
        };
        let mut wanted = vec!["transaction", "network"];
        if version == Version::V1 {
            wanted.push("payer");
        }
        let missing: Vec<&str> = wanted
            .into_iter()
            .filter(|name| text(name).is_empty())
            .collect();
        let signed = book_of(judged, call).map(|book| book.signed.key.payer);
        let named = parse_address(text("payer"));
        if let (Some(signed), Some(named)) = (signed, named)
            && signed != named
        {
            let text = format!("success names the payer {named}, and {signed} signed");
            return Outcome::warn(text, evidence(call));
        }
        match missing[..] {
            [] => Outcome::pass("success with transaction and network", evidence(call)),
            _ => Outcome::fail(
                format!("success without {}", missing.join(", ")),
                evidence(call),
            ),
        }
    })
}

fn truth(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let successes =
        all_at(judged, version, Endpoint::Settle).filter(|call| said(call) == Said::Yes);
    let outcome: Outcome = successes.map(|call| truth_of(judged, &call)).collect();
    outcome.or_skipped("no settlement was called a success")
}

fn truth_of(judged: &Judged<'_, '_>, call: &DirectCall<'_, '_>) -> Outcome {
    let pieces = whole_evidence(judged, call);
    let probe = call.exchange.probe();
    let Some(book) = book_of(judged, call) else {
        return Outcome::fail(
            format!("{probe}: success for a request without a payment"),
            pieces,
        );
    };
    if !book.at_rest {
        return Outcome::inconclusive(format!("{probe}: the ledger was not read"), pieces);
    }
    let Some(hash) = call.transaction() else {
        return Outcome::fail(format!("{probe}: success without a transaction"), pieces);
    };
    let hash = hash.to_ascii_lowercase();
    match judged.facts.transactions.get(&hash) {
        None => {
            return Outcome::inconclusive(
                format!("{probe}: the ledger was not asked about {hash}"),
                pieces,
            );
        }
        Some(None) if book.transfers.is_empty() && verifies(judged, book.signed.version) => {
            return Outcome::given(
                format!("{probe}: no block holds the transaction {hash}, and nothing moved"),
                pieces,
            );
        }
        Some(None) => {
            return Outcome::fail(
                format!("{probe}: no block holds the transaction {hash}"),
                pieces,
            );
        }
        Some(Some(found)) if !found.success => {
            return Outcome::fail(
                format!("{probe}: the transaction {hash} was reverted"),
                pieces,
            );
        }
        Some(Some(_)) => {}
    }
    let there = |moved: &&crate::audit::Moved<'_>| {
        moved
            .record
            .transaction
            .to_string()
            .eq_ignore_ascii_case(&hash)
    };
    let inside: Vec<_> = book.transfers.iter().filter(there).collect();
    match inside.as_slice() {
        [] => Outcome::fail(
            format!("{probe}: {hash} holds no Transfer of this payment"),
            pieces,
        ),
        [_] if !book.paid_as_offered() => Outcome::given(
            format!("{probe}: the Transfer is not what was required"),
            pieces,
        ),
        [_] => Outcome::pass(
            "the named transaction holds exactly the required Transfer",
            pieces,
        ),
        several => Outcome::given(
            format!("{probe}: {} Transfers in {hash}", several.len()),
            pieces,
        ),
    }
}

/// When mining went on: the call that marks it was sent just before.
pub(super) fn hold_over(judged: &Judged<'_, '_>, version: Version) -> Option<u64> {
    let mark = judged.facts.probe(version, "held-over").next()?;
    Some(mark.sent_at_us)
}

fn mined(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let over = hold_over(judged, version);
    each(judged, version, "settle/held", |call| {
        let Some(over) = over else {
            return Outcome::skipped("it is not known when mining went on");
        };
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        let pieces = whole_evidence(judged, call);
        match (said(call), call.exchange.ended_at_us < over) {
            (Said::Yes, true) => Outcome::fail("success while no block was mined", pieces),
            (Said::Yes, false) => Outcome::pass("success came with the block", pieces),
            (_, true) => Outcome::pass(format!("without a block: {}", told(call)), pieces),
            (_, false) => Outcome::pass(format!("no success: {}", told(call)), pieces),
        }
    })
}

fn refuses(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for case in wrong(version) {
        let probe = format!("settle/{}", case.name);
        let found = each(judged, version, &probe, |call| {
            let moved = book_of(judged, call).is_some_and(|book| !book.transfers.is_empty());
            let pieces = whole_evidence(judged, call);
            if case.is_lenient() && (moved || said(call) == Said::Yes) {
                let text = format!(
                    "{}: settled ({}); it means the very payment",
                    case.name, case.about
                );
                return Outcome::info(text, pieces);
            }
            if moved {
                let text = format!("{}: money moved though {}", case.name, case.about);
                return Outcome::given(text, pieces);
            }
            if said(call) == Said::Yes {
                let text = format!("{}: called a success though {}", case.name, case.about);
                return Outcome::fail(text, pieces);
            }
            unjudgeable(call)
                .unwrap_or_else(|| Outcome::pass(format!("{}: {}", case.name, told(call)), pieces))
        });
        outcome.add(found);
    }
    if settled(judged, version).is_empty()
        && outcome.verdict() <= x402_assay_reports::model::Verdict::Skipped
    {
        let text = format!(
            "control missing: no good {version} payment was settled, so a refusal proves nothing"
        );
        return Outcome::skipped(text);
    }
    outcome
}

fn exact(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let ours = judged.books.books.iter();
    let ours = ours.filter(|book| book.signed.version == version && book.settle_calls > 0);
    let outcome: Outcome = ours
        .flat_map(|book| book.transfers.iter().map(move |moved| (book, moved)))
        .map(|(book, moved)| {
            let signed = book.signed;
            let evidence = book.evidence(judged.facts);
            let same = moved.from == signed.key.payer
                && moved.to == signed.to
                && moved.value == signed.value
                && moved.record.asset == signed.key.asset;
            match same {
                true => Outcome::pass("what was signed moved", evidence),
                false => Outcome::given(
                    format!(
                        "{} came to {}, and {} to {} was signed",
                        moved.value, moved.to, signed.value, signed.to
                    ),
                    evidence,
                ),
            }
        })
        .collect();
    outcome.or_skipped("nothing moved")
}

/// Settlements of one probe that were called a success.
pub(super) fn successes<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &'f str,
) -> Vec<DirectCall<'f, 'h>> {
    calls(judged, version, probe)
        .filter(|call| said(call) == Said::Yes)
        .collect()
}

/// The book of a probe's payment.
pub(super) fn book_at<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &'f str,
) -> Option<&'f Book<'h>> {
    let call = calls(judged, version, probe).next()?;
    book_of(judged, &call)
}
