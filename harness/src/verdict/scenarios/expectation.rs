//! One expectation against one round.

use alloy_primitives::U256;
use x402_assay_reports::model::{Evidence, ScenarioFinding, Verdict};
use x402_mock_facilitator::event::Endpoint;

use super::scene::Scene;
use super::{answers, flags, graded, invariant, pages, responses, wasted};
use crate::audit::Book;
use crate::scenario::expect::{Balances, Executions, FacilitatorCalls, Holder, Transfers};
use crate::scenario::{Expect, Expectation, Range};

/// What is wrong, in one sentence, and what supports it.
pub(super) struct Miss {
    /// The grade's verdict unless this says otherwise.
    pub(super) verdict: Option<Verdict>,
    /// It is a warning where the grade would make it a failure.
    pub(super) at_most_warn: bool,
    pub(super) what: String,
    pub(super) text: String,
    pub(super) evidence: Vec<Evidence>,
}

impl Miss {
    pub(super) fn new(what: &str, text: String, evidence: Vec<Evidence>) -> Self {
        Self {
            verdict: None,
            at_most_warn: false,
            what: what.to_owned(),
            text,
            evidence,
        }
    }

    /// Something the history does not tell.
    pub(super) fn unseen(what: &str, text: &str) -> Self {
        Self {
            verdict: Some(Verdict::Inconclusive),
            ..Self::new(what, text.to_owned(), Vec::new())
        }
    }
}

/// What of an expectation did not hold.
pub(super) fn judge(scene: &Scene<'_, '_>, expected: &Expectation) -> Vec<ScenarioFinding> {
    let misses = match &expected.expect {
        Expect::Invariant(ids) => ids
            .iter()
            .flat_map(|id| invariant::judge(scene, *id, expected.grade))
            .collect(),
        Expect::Responses(wanted) => responses::judge(scene, wanted),
        Expect::ResponseHeader(wanted) => pages::response_header(scene, wanted),
        Expect::NotReflected(wanted) => pages::not_reflected(scene, wanted),
        Expect::FacilitatorCalls(wanted) => facilitator_calls(scene, wanted),
        Expect::Balances(wanted) => balances(scene, wanted),
        Expect::Transfers(wanted) => transfers(scene, wanted),
        Expect::Executions(wanted) => executions(scene, *wanted),
        Expect::WastedTransactions(wanted) => wasted::judge(scene, *wanted),
        Expect::Flag(flagged) => flags::judge(scene, flagged),
        Expect::Answers(wanted) => answers::judge(scene, wanted),
    };
    let finding = |miss: Miss| ScenarioFinding {
        verdict: match miss.verdict.unwrap_or(graded(expected.grade)) {
            Verdict::Fail if miss.at_most_warn => Verdict::Warn,
            verdict => verdict,
        },
        // Counts begin with what they count, which may be the expectation's own name.
        text: miss
            .text
            .strip_prefix(&format!("{}: ", miss.what))
            .map_or_else(|| miss.text.clone(), str::to_owned),
        expectation: miss.what,
        why: expected.why.clone(),
        evidence: miss.evidence,
    };
    misses.into_iter().map(finding).collect()
}

/// The miss of a count, if it is one.
pub(super) fn count(what: &str, noun: &str, wanted: Option<Range>, seen: usize) -> Option<String> {
    let wanted = wanted?;
    let count = u64::try_from(seen).unwrap_or(u64::MAX);
    (!wanted.contains(count)).then(|| format!("{what}: {wanted} {noun} expected, {seen} seen"))
}

fn facilitator_calls(scene: &Scene<'_, '_>, wanted: &FacilitatorCalls) -> Vec<Miss> {
    let rows = [
        (Endpoint::Verify, "verify", wanted.verify),
        (Endpoint::Settle, "settle", wanted.settle),
        (Endpoint::Supported, "supported", wanted.supported),
    ];
    let mut misses = Vec::new();
    for (endpoint, word, range) in rows {
        let calls = || {
            scene
                .calls
                .iter()
                .filter(move |call| call.endpoint == endpoint && !call.direct)
        };
        match &wanted.of {
            None => {
                let evidence = || calls().take(8).map(|call| call.evidence()).collect();
                let missed = count(word, "calls", range, calls().count());
                misses.extend(missed.map(|text| Miss::new("facilitator_calls", text, evidence())));
            }
            Some(name) => {
                for book in scene.payments(name) {
                    let key = book.signed.key;
                    let of_book = |call: &crate::history::FacilitatorCall<'_>| {
                        call.authorization
                            .is_some_and(|k| (k.payer, k.nonce) == (key.payer, key.nonce))
                    };
                    let seen = calls().filter(|call| of_book(call)).count();
                    let missed = count(&format!("{word} of {name}"), "calls", range, seen);
                    misses.extend(missed.map(|text| {
                        Miss::new("facilitator_calls", text, scene.evidence_of(&[book]))
                    }));
                }
            }
        }
    }
    misses
}

fn moved(books: &[&Book<'_>]) -> U256 {
    let values = books
        .iter()
        .flat_map(|book| book.transfers.iter().map(|moved| moved.value));
    values.fold(U256::ZERO, U256::saturating_add)
}

fn balances(scene: &Scene<'_, '_>, Balances(rows): &Balances) -> Vec<Miss> {
    let Some(price) = scene.ran.price.filter(|price| !price.is_zero()) else {
        return vec![Miss::unseen("balances", "no price was quoted")];
    };
    let mut misses = Vec::new();
    for (holder, wanted) in rows {
        let (name, books): (&str, Vec<&Book<'_>>) = match holder {
            Holder::Payee => ("payee", scene.books.books.iter().collect()),
            Holder::Payer(name) => {
                let address = scene.ran.payers.iter().find(|(known, _)| known == name);
                let address = address.map(|(_, address)| *address);
                let theirs = scene.books.books.iter();
                (
                    name,
                    theirs
                        .filter(|book| Some(book.signed.key.payer) == address)
                        .collect(),
                )
            }
        };
        let prices: i64 = (moved(&books) / price).saturating_to::<i64>();
        let change = if *holder == Holder::Payee {
            prices
        } else {
            -prices
        };
        if !wanted.contains(change) {
            let text = format!(
                "{name} changed by {change} prices, expected {} to {}",
                wanted.at_least, wanted.at_most
            );
            misses.push(Miss::new("balances", text, scene.evidence_of(&books)));
        }
    }
    misses
}

fn transfers(scene: &Scene<'_, '_>, wanted: &Transfers) -> Vec<Miss> {
    if !scene.at_rest() {
        return vec![Miss::unseen(
            "transfers",
            "the ledger was not read after it",
        )];
    }
    let each: Vec<Vec<&Book<'_>>> = match &wanted.of {
        None => vec![scene.books.books.iter().collect()],
        Some(name) => scene
            .payments(name)
            .into_iter()
            .map(|book| vec![book])
            .collect(),
    };
    let missed = |books: &Vec<&Book<'_>>| {
        let seen = books.iter().map(|book| book.transfers.len()).sum();
        let text = count("transfers", "Transfers", Some(wanted.count), seen)?;
        Some(Miss::new("transfers", text, scene.evidence_of(books)))
    };
    each.iter().filter_map(missed).collect()
}

fn executions(scene: &Scene<'_, '_>, wanted: Executions) -> Vec<Miss> {
    let Some((before, after)) = scene.ran.executions else {
        return vec![Miss::unseen(
            "executions",
            "the origin's counter was not read",
        )];
    };
    let seen = usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX);
    let missed = count("executions", "handler runs", Some(wanted.count), seen);
    missed
        .map(|text| Miss::new("executions", text, Vec::new()))
        .into_iter()
        .collect()
}
