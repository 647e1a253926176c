//! Section H: while the facilitator is away, and when it is back.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Need, Role};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::Exchange;

/// The payment that met the outage, and the same one when it is over.
const MET: &str = "trouble/outage";
const AGAIN: &str = "trouble/outage-again";
/// Purchases after a trouble is over, tried until one is served.
const AFTER: &[&str] = &["trouble/after-hang", "trouble/after-outage"];
const UNPAID: &str = "trouble/outage-unpaid";
/// The unprotected route, before and while the facilitator is away.
const FREE_BEFORE: &str = "free/trouble/before";
const FREE_OUT: &str = "free/trouble/outage";

pub(super) const RECOVERS: Check = Check {
    id: "SRV-FAC-005",
    title: "After an outage of the facilitator the server sells again",
    requirement: "After an outage the server recovers without a restart.",
    observe: "Good payments after a silent facilitator and after an outage, and the payment that met the outage once more.",
    good: "a fresh payment is served, and so is the one that met the outage",
    bad: "every payment is refused until the server is restarted, or the payment that met the outage is refused for good",
    source: "SDKs initialise again lazily",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &["trouble/after-hang", "trouble/after-outage", AGAIN],
    judge: recovers,
    cause: "a circuit breaker or an initialisation that failed is never tried again, or a payment counts as used although nobody verified it",
    fix: "ask the facilitator again with the next payment; give a payment back when its verification failed",
    tags: &["CWE-636", "CWE-703"],
    killed_by: &[
        "outage-is-final",
        "guard-burns-nonce",
        "abandoned-purchase-jams",
    ],
};

pub(super) const UNPAID_REQUESTS: Check = Check {
    id: "SRV-FAC-006",
    title: "Unpaid requests while the facilitator is away",
    requirement: "The answer to an unpaid request during an outage is recorded: 402 is best.",
    observe: "A request without payment while our facilitator refuses every connection.",
    good: "402 with the challenge",
    bad: "500 although nothing has to be asked",
    source: "behaviour of the SDKs",
    level: Level::Open,
    grade: Grade::Info,
    probes: &[UNPAID],
    judge: unpaid,
    cause: "what the facilitator supports was never learned, or is asked for with every request",
    fix: "keep the last answer of /supported",
    tags: &[],
    killed_by: &[],
    ..RECOVERS
};

pub(super) const FREE_ROUTES: Check = Check {
    id: "SRV-FAC-007",
    title: "Unprotected routes stay up while the facilitator is away",
    requirement: "Unprotected routes stay available while the facilitator is down.",
    observe: "The first entry of the profile's `free`, before and while our facilitator refuses every connection.",
    good: "200 both times",
    bad: "502 while the facilitator is away",
    source: "follows from what is protected",
    probes: &[MET],
    judge: free_routes,
    cause: "the payment layer stands before every route and waits for the facilitator",
    fix: "ask the facilitator on paid routes only",
    tags: &["CWE-703"],
    killed_by: &["free-asks-facilitator"],
    ..RECOVERS
};

fn recovers(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = did_not_sell(judged, version) {
        return outcome;
    }
    let mut outcome = Outcome::new();
    for probe in AFTER {
        let tried: Vec<_> = judged.facts.paid(version, probe).collect();
        if let Some(last) = tried.last() {
            outcome.add(sold_again(judged, probe, &tried, last));
        }
    }
    // Whoever sells nothing at all has that said above.
    let sells = outcome.verdict() == x402_assay_reports::model::Verdict::Pass;
    if sells && was_out(judged, version) && verifies_first(judged, version) {
        for again in judged.facts.paid(version, AGAIN) {
            outcome.add(taken_again(judged, again));
        }
    }
    if outcome.is_empty() {
        return Outcome::skipped("no purchase was tried after a trouble of the facilitator");
    }
    judged.with_control(version, outcome)
}

/// Whoever did not serve every good payment before the trouble shows nothing by refusing one after it.
fn did_not_sell(judged: &Judged<'_, '_>, version: Version) -> Option<Outcome> {
    let after = AFTER
        .iter()
        .flat_map(|probe| judged.facts.paid(version, probe));
    let first = after.map(Exchange::number).min()?;
    let unserved = judged.honest(version).into_iter().any(|exchange| {
        exchange.number() < first && judged.books.delivery(exchange) != Delivery::Content
    });
    unserved.then(|| {
        let text = "control missing: not every good payment before the trouble was served";
        Outcome::skipped(text)
    })
}

/// True when payments are verified before they are settled. Where they are not, the outage met a settlement, and whoever
/// does not know what became of it may hold the payment back.
fn verifies_first(judged: &Judged<'_, '_>, version: Version) -> bool {
    let mut honest = judged.honest(version).into_iter();
    honest.any(|exchange| {
        let book = judged.book_of(exchange);
        book.is_some_and(|book| book.verify_calls > 0)
    })
}

/// True when a payment met refused connections.
fn was_out(judged: &Judged<'_, '_>, version: Version) -> bool {
    judged
        .facts
        .paid(version, MET)
        .filter_map(|exchange| judged.book_of(exchange))
        .any(|book| !book.faults.is_empty())
}

fn sold_again<'h>(
    judged: &Judged<'_, 'h>,
    probe: &str,
    tried: &[&Exchange<'h>],
    last: &Exchange<'h>,
) -> Outcome {
    let served = tried
        .iter()
        .find(|exchange| judged.books.delivery(exchange) == Delivery::Content);
    if let Some(served) = served {
        let text = format!("{probe}: served at attempt {}", tried.len());
        return Outcome::pass(text, evidence_of(served));
    }
    unjudgeable(last).unwrap_or_else(|| {
        let text = format!(
            "{probe}: {} purchases tried, the last one ended with {}",
            tried.len(),
            last.ending()
        );
        Outcome::warn(
            text,
            tried.iter().map(|exchange| exchange.evidence()).collect(),
        )
    })
}

/// Nothing was verified and nothing moved: the payer signed once, and need not sign again.
fn taken_again<'h>(judged: &Judged<'_, 'h>, again: &Exchange<'h>) -> Outcome {
    let Some(book) = judged.true_book(again) else {
        return Outcome::new();
    };
    let evidence = book.evidence(judged.facts);
    let ending = again.ending();
    if !book.grants.is_empty() {
        let text = format!("{AGAIN}: the payment that met the outage was served");
        return Outcome::pass(text, evidence);
    }
    if !book.transfers.is_empty() || again.is_success() {
        return Outcome::new();
    }
    unjudgeable(again).unwrap_or_else(|| {
        let text = format!(
            "{AGAIN}: the payment that met the outage was never charged, and is refused for good ({ending})"
        );
        Outcome::warn(text, evidence)
    })
}

fn unpaid(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !was_out(judged, version) {
        return Outcome::skipped("the outage met no payment: the target did not ask");
    }
    let seen = judged.facts.probe(version, UNPAID);
    seen.map(|exchange| {
        let text = format!("answered {} during the outage", exchange.ending());
        Outcome::info(text, evidence_of(exchange))
    })
    .reduce(Outcome::merge)
    .unwrap_or_else(|| Outcome::skipped("no unpaid request was sent during the outage"))
}

fn free_routes(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let sent = |name: &str| {
        let mut found = judged.facts.exchanges.iter();
        found.find(|exchange| exchange.sent.probe == name)
    };
    let (Some(before), Some(during)) = (sent(FREE_BEFORE), sent(FREE_OUT)) else {
        return Outcome::skipped("the profile names no `free` route");
    };
    if !before.is_success() {
        let text = format!(
            "control missing: {} ended with {} before the outage",
            before.sent.path,
            before.ending()
        );
        return Outcome::skipped(text);
    }
    let evidence = vec![before.evidence(), during.evidence()];
    if during.is_success() {
        // The outage must have been one, or it shows nothing.
        return match was_out(judged, version) {
            true => Outcome::pass(format!("{} stayed up", before.sent.path), evidence),
            false => Outcome::skipped("the outage met no payment: the target did not ask"),
        };
    }
    let limited = during.status() == Some(429);
    let text = format!(
        "{} ended with {} during the outage",
        before.sent.path,
        during.ending()
    );
    match limited {
        true => Outcome::inconclusive(text, evidence),
        false => Outcome::warn(text, evidence),
    }
}
