//! Section G: copies of one payment at the same instant.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use crate::audit::{Book, Delivery};
use crate::history::event::Trouble;
use crate::history::{Exchange, Facts};

/// Several requests at once with the same bytes.
const COPIES: &[&str] = &["race/copies-2", "race/copies-10"];
/// One payment in other bytes each time.
const WRITINGS: &str = "race/writings";

pub(super) const CONCURRENT: Check = Check {
    id: "SRV-REPL-002",
    title: "Copies of one payment at the same instant buy once",
    requirement: "N concurrent requests with one proof: deliveries do not exceed settled transfers.",
    observe: "2 and 10 copies of one payment, and the same payment in other bytes, whose verifications are answered together; deliveries against transfers.",
    good: "one 200, all others refused, one Transfer",
    bad: "two answers with the paid content, one Transfer",
    source: "x402 specification, section 10.1",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &["race/copies-2", "race/copies-10", WRITINGS],
    judge: |judged, version| sold_once(judged, version, CONCURRENT.probes),
    cause: "copies are told apart too late or by the bytes of the header, and a settlement refused because the nonce is used counts as paid",
    fix: "deliver only for your own successful settlement; note (payer, nonce) in the same step in which it is looked up, before anything is asked",
    tags: &["CWE-367", "CWE-294"],
    killed_by: &[
        "already-settled-is-success",
        "guard-inserts-after-verify",
        "guard-inserts-after-settle",
        "guard-keyed-by-header",
        "guard-keyed-by-nonce-text",
    ],
};

pub(super) const RUNS: Check = Check {
    id: "SRV-REPL-003",
    title: "Handler runs for copies of one payment",
    requirement: "How often the handler ran for concurrent copies is recorded: more than once is inherent to verify, handler, settle.",
    observe: "The origin's own counter before and after the copies of SRV-REPL-002.",
    good: "1 run for 10 copies",
    bad: "10 runs for 10 copies, when the handler is expensive",
    source: "behaviour of the SDKs",
    level: Level::Open,
    grade: Grade::Info,
    probes: COPIES,
    judge: runs,
    cause: "the handler runs before the settlement decides which copy has paid",
    fix: "de-duplicate before the handler runs if it is expensive or has effects",
    tags: &[],
    killed_by: &[],
    ..CONCURRENT
};

pub(super) const LOSERS: Check = Check {
    id: "SRV-REPL-004",
    title: "Copies that do not buy are refused in good order",
    requirement: "The losers of a race are answered 402, not 5xx, and do not hang.",
    observe: "Statuses of the copies of SRV-REPL-002 that got nothing.",
    good: "402, or 409 while the first is under way",
    bad: "500, or no answer at all",
    source: "transports HTTP status table",
    grade: Grade::Warn,
    probes: COPIES,
    judge: losers,
    cause: "a repeated payment is handled as an error of the server, or waits for a lock that is never given back",
    fix: "answer 402 with the reason to a payment that is used or under way",
    tags: &["CWE-755"],
    killed_by: &["used-is-500"],
    ..CONCURRENT
};

pub(super) const REPLICAS: Check = Check {
    id: "SRV-REPL-005",
    title: "One payment to two copies of the server buys once",
    requirement: "N concurrent requests with one proof to two server instances that share a facilitator: deliveries do not exceed transfers.",
    observe: "One payment at the same instant to two copies of the target; deliveries against transfers.",
    good: "one 200, one refusal, one Transfer",
    bad: "both copies deliver",
    probes: &["race/replicas"],
    judge: |judged, version| sold_once(judged, version, REPLICAS.probes),
    cause: "a payment that the facilitator calls used counts as paid, because the memory of one process is taken for everybody's",
    fix: "deliver only for your own successful settlement; share the memory of used payments between instances",
    killed_by: &["used-nonce-is-paid"],
    ..CONCURRENT
};

pub(super) const ROUTES: Check = Check {
    id: "SRV-REPL-006",
    title: "One payment on two routes at once buys once",
    requirement: "The same proof on two protected routes of equal terms at the same time: deliveries do not exceed transfers.",
    observe: "One payment at the same instant on two paid routes; deliveries against transfers.",
    good: "one of the two delivers, one Transfer",
    bad: "both deliver, one Transfer",
    probes: &["race/two-routes"],
    judge: |judged, version| sold_once(judged, version, ROUTES.probes),
    cause: "used payments are remembered per route",
    fix: "tell payments apart by (payer, nonce), not by route",
    killed_by: &["already-settled-is-success", "guard-inserts-after-verify"],
    ..CONCURRENT
};

pub(super) const TRUST: Check = Check {
    id: "SRV-REPL-007",
    title: "Copies under a facilitator that always says yes",
    requirement: "With a facilitator that always says valid and success, what duplicates buy is recorded: it shows what the server relies on.",
    observe: "Copies of one payment while our facilitator calls every settlement a success.",
    good: "one delivery: the server has a guard of its own",
    bad: "every copy is delivered: a facilitator at fault gives everything away",
    source: "trust model",
    grade: Grade::Info,
    probes: &["race/trusting"],
    judge: trust,
    cause: "the facilitator alone tells copies apart",
    fix: "keep used payments in the server too if the facilitator may be at fault",
    tags: &[],
    killed_by: &[],
    ..CONCURRENT
};

fn group<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &'f str,
) -> Vec<&'f Exchange<'h>> {
    judged.facts.paid(version, probe).collect()
}

fn sold_once(judged: &Judged<'_, '_>, version: Version, probes: &[&'static str]) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in probes {
        let copies = group(judged, version, probe);
        if !copies.is_empty() {
            outcome.add(one_race(judged, probe, &copies));
        }
    }
    if outcome.is_empty() {
        return Outcome::skipped("no copy of the payment in other bytes was served");
    }
    judged.with_control(version, outcome)
}

fn one_race<'h>(judged: &Judged<'_, 'h>, probe: &str, copies: &[&Exchange<'h>]) -> Outcome {
    let Some(book) = copies.first().and_then(|copy| judged.true_book(copy)) else {
        let text = format!("{probe}: the payment is not known, or our facilitator lied about it");
        return Outcome::skipped(text);
    };
    let evidence = book.evidence(judged.facts);
    let (given, moved) = (book.distinct_grants(), book.transfers.len());
    let counted = format!(
        "{probe}: {} copies, {given} delivered, {moved} transferred",
        copies.len()
    );
    if !book.at_rest {
        let text = format!("{counted}; the ledger was not read after it");
        return Outcome::inconclusive(text, evidence);
    }
    if given > moved || moved > 1 {
        return Outcome::given(counted, evidence);
    }
    if copies.iter().all(|copy| unjudgeable(copy).is_some()) {
        let text = format!("{probe}: no copy was answered, or the target limits its rate");
        return Outcome::inconclusive(text, evidence);
    }
    if !overlap(copies) {
        let text = format!("{probe}: no two copies were under way at the same time");
        return Outcome::skipped(text);
    }
    match given {
        // A writing that the server refuses may have kept the others out: that tells nothing of a race.
        0 if probe == WRITINGS => Outcome::new(),
        0 => Outcome::skipped(format!("{probe}: no copy was served")),
        _ => Outcome::pass(counted, evidence),
    }
}

fn overlap(copies: &[&Exchange<'_>]) -> bool {
    let mut spans: Vec<(u64, u64)> = copies
        .iter()
        .map(|copy| (copy.sent_at_us, copy.ended_at_us))
        .collect();
    spans.sort_unstable();
    spans
        .iter()
        .zip(spans.iter().skip(1))
        .any(|(one, next)| next.0 < one.1)
}

fn runs(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !judged.facts.run.is_some_and(|run| run.counts_executions) {
        return Outcome::skipped("the profile names no `origin.executions`");
    }
    let mut seen = Vec::new();
    let mut evidence = Vec::new();
    for probe in COPIES {
        let copies = group(judged, version, probe);
        let Some(runs) = runs_during(judged.facts, &copies) else {
            continue;
        };
        let book = copies.first().and_then(|copy| judged.book_of(copy));
        evidence.extend(
            book.into_iter()
                .flat_map(|book| book.evidence(judged.facts)),
        );
        seen.push(format!("{} copies, {runs} handler run(s)", copies.len()));
    }
    if seen.is_empty() {
        return Outcome::skipped(
            "the origin's counter was not read right before and after the copies",
        );
    }
    Outcome::info(seen.join("; "), evidence)
}

/// Handler runs between the readings around these exchanges, if nothing else that is paid lies between the readings.
fn runs_during(facts: &Facts<'_>, copies: &[&Exchange<'_>]) -> Option<u64> {
    let first = copies.iter().map(|copy| copy.number()).min()?;
    let last = copies.iter().map(|copy| copy.number()).max()?;
    let readings = &facts.handler_readings;
    let before = readings
        .iter()
        .rfind(|reading| reading.after_exchange < first)?;
    let after = readings
        .iter()
        .find(|reading| reading.after_exchange >= last)?;
    let others = facts.exchanges.iter().filter(|exchange| {
        let number = exchange.number();
        number > before.after_exchange && number <= after.after_exchange && exchange.is_paid()
    });
    let alone = others.count() == copies.len();
    let runs = after.count.checked_sub(before.count);
    runs.filter(|_| alone)
}

fn losers(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for probe in COPIES {
        let copies = group(judged, version, probe);
        let delivered = |copy: &&Exchange<'_>| judged.books.delivery(copy) == Delivery::Content;
        if !copies.iter().any(&delivered) {
            continue;
        }
        for copy in copies.iter().filter(|copy| !delivered(copy)) {
            outcome.add(loser(judged, copy));
        }
    }
    outcome.or_skipped("there was no copy that lost to one that was served")
}

fn loser<'h>(judged: &Judged<'_, 'h>, copy: &Exchange<'h>) -> Outcome {
    let text = format!(
        "{}: a copy that lost ended with {}",
        copy.probe(),
        copy.ending()
    );
    let evidence = evidence_of(copy);
    if judged.books.delivery(copy) == Delivery::OtherSuccess {
        return Outcome::warn(text, evidence);
    }
    match (copy.status(), copy.trouble()) {
        (None, Some(Trouble::TimedOut)) => Outcome::warn(text, evidence),
        // Whoever is asked to send the same payment again later is not asked for another one.
        (Some(503), _) if copy.header("retry-after").is_some() => Outcome::pass(text, evidence),
        (Some(500..), _) => Outcome::warn(text, evidence),
        _ => unjudgeable(copy).unwrap_or_else(|| Outcome::pass(text, evidence)),
    }
}

fn trust(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let copies = group(judged, version, "race/trusting");
    let book = copies.first().and_then(|copy| judged.book_of(copy));
    let told = |book: &&Book<'_>| {
        let mut calls = judged.facts.calls_about(book.signed.key);
        calls.any(|call| call.success() == Some(true))
    };
    let Some(book) = book.filter(told) else {
        return Outcome::skipped("the target settled none of the copies");
    };
    let delivered = delivered(judged, book);
    let text = match delivered {
        0 => "no copy was delivered, although the facilitator called it settled".to_owned(),
        1 => format!(
            "1 of {} copies delivered: the server has a guard of its own",
            copies.len()
        ),
        _ => format!(
            "{delivered} of {} copies delivered: the facilitator alone tells copies apart",
            copies.len()
        ),
    };
    Outcome::info(text, book.evidence(judged.facts))
}

fn delivered(judged: &Judged<'_, '_>, book: &Book<'_>) -> usize {
    let carrying = judged.facts.carrying(book.signed.authorization);
    carrying
        .filter(|copy| judged.books.delivery(copy) == Delivery::Content)
        .count()
}
