//! What facilitator checks have in common: the calls of a probe, what was said, and the control behind a refusal.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{Evidence, Verdict};
use x402_mock_facilitator::event::Endpoint;

use crate::audit::Book;
use crate::checks::check::{BOTH, Check, Grade, Level, Role};
use crate::checks::judged::{Judged, not_tried};
use crate::checks::outcome::Outcome;
use crate::client::facilitator::{CASES, Case, MALFORMED_FACILITATOR, find};
use crate::history::direct::short;
use crate::history::event::Trouble;
use crate::history::{DirectCall, Exchange};

/// What the rows of the catalogue share; each replaces the rest.
pub(super) const ROW: Check = Check {
    id: "",
    title: "",
    requirement: "",
    observe: "",
    good: "",
    bad: "",
    source: "",
    role: Role::Facilitator,
    versions: BOTH,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["supported"],
    judge: |_, _| Outcome::new(),
    cause: "",
    fix: "",
    tags: &["facilitator"],
    killed_by: &[],
};

/// What an answer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// `isValid` or `success` is true.
    Yes,
    /// It is false.
    No,
    /// A status that is no success, without the flag.
    Error,
    /// A 2xx status without the flag.
    Nothing,
    /// No answer, or one that is about something else: a gate, a limit.
    Trouble,
}

/// What a call was told.
pub(super) fn said(call: &DirectCall<'_, '_>) -> Said {
    let status = match call.exchange.status() {
        None | Some(401 | 403 | 407 | 429) => return Said::Trouble,
        Some(status) => status,
    };
    match call.verdict() {
        Some(true) => Said::Yes,
        Some(false) => Said::No,
        None if (200..300).contains(&status) => Said::Nothing,
        None => Said::Error,
    }
}

/// True when the service itself broke: no answer at all, for no reason of ours.
pub(super) fn is_cut(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.trouble(), Some(Trouble::Closed | Trouble::Refused))
}

pub(super) fn evidence(call: &DirectCall<'_, '_>) -> Vec<Evidence> {
    vec![call.exchange.evidence()]
}

/// The call, and what the ledger shows of its payment.
pub(super) fn whole_evidence(judged: &Judged<'_, '_>, call: &DirectCall<'_, '_>) -> Vec<Evidence> {
    let mut all = evidence(call);
    if let Some(book) = book_of(judged, call) {
        let more = book.evidence(judged.facts).into_iter();
        all.extend(more.filter(|piece| *piece != call.exchange.evidence()));
    }
    all
}

pub(super) fn book_of<'f, 'h>(
    judged: &Judged<'f, 'h>,
    call: &DirectCall<'_, 'h>,
) -> Option<&'f Book<'h>> {
    judged.books.book(call.exchange.sent.authorization?)
}

/// `HTTP 400 (invalid_payload)`.
pub(super) fn told(call: &DirectCall<'_, '_>) -> String {
    let reason = call.reason().map(|reason| format!(" ({})", short(reason)));
    format!("{}{}", call.exchange.ending(), reason.unwrap_or_default())
}

/// The direct calls of one probe.
pub(super) fn calls<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &'f str,
) -> impl Iterator<Item = DirectCall<'f, 'h>> {
    let exchanges = judged.facts.probe(version, probe);
    exchanges.filter_map(DirectCall::of)
}

/// Judges each call of a probe; `skipped` when there is none.
pub(super) fn each(
    judged: &Judged<'_, '_>,
    version: Version,
    probe: &str,
    judge: impl Fn(&DirectCall<'_, '_>) -> Outcome,
) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.probe(version, probe) {
        if let Some(call) = DirectCall::of(exchange) {
            outcome.add(judge(&call));
        }
    }
    match outcome.is_empty() {
        true => untried(judged, version, probe),
        false => outcome,
    }
}

/// Why a probe was not made: what the runner noted of it, if it did.
pub(super) fn untried(judged: &Judged<'_, '_>, version: Version, probe: &str) -> Outcome {
    let mut notes = judged.facts.notes.iter();
    let noted = notes.find(|(noted, _)| *noted == Some(probe));
    match noted {
        Some((_, text)) => Outcome::skipped(*text),
        None => not_tried(version, probe),
    }
}

/// Every direct call of an endpoint in a generation.
pub(super) fn all_at<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    endpoint: Endpoint,
) -> impl Iterator<Item = DirectCall<'f, 'h>> {
    let exchanges = judged.facts.exchanges.iter();
    exchanges
        .filter(move |exchange| exchange.version() == Some(version))
        .filter_map(DirectCall::of)
        .filter(move |call| call.endpoint() == endpoint && call.exchange.sent.method == "POST")
}

/// Nothing was said that could be judged; `None` when something was.
pub(super) fn unjudgeable(call: &DirectCall<'_, '_>) -> Option<Outcome> {
    if said(call) != Said::Trouble {
        return None;
    }
    let text = format!("{}: {}", call.exchange.probe(), call.exchange.ending());
    Some(Outcome::inconclusive(text, evidence(call)))
}

/// Probes of good payments at `/verify`.
const GOOD: [&str; 4] = [
    "verify/good",
    "verify/only",
    "verify/after-malformed",
    "verify/after-http",
];

/// True when a good payment was called valid.
pub(super) fn verifies(judged: &Judged<'_, '_>, version: Version) -> bool {
    GOOD.iter()
        .any(|probe| calls(judged, version, probe).any(|call| said(&call) == Said::Yes))
}

/// Settlements of good payments that were called a success.
pub(super) fn settled<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
) -> Vec<DirectCall<'f, 'h>> {
    all_at(judged, version, Endpoint::Settle)
        .filter(|call| said(call) == Said::Yes)
        .filter(|call| book_of(judged, call).is_some_and(Book::is_honest))
        .collect()
}

/// A refusal proves nothing where a good payment is refused as well: without that control a pass becomes a skip.
pub(super) fn with_control(judged: &Judged<'_, '_>, version: Version, outcome: Outcome) -> Outcome {
    if outcome.is_empty() || outcome.verdict() > Verdict::Skipped || verifies(judged, version) {
        return outcome;
    }
    Outcome::skipped(format!(
        "control missing: no good {version} payment was called valid, so a refusal proves nothing"
    ))
}

/// Judges that verify says no to each of these cases.
pub(super) fn all_refused(judged: &Judged<'_, '_>, version: Version, names: &[&str]) -> Outcome {
    let cases = names.iter().filter_map(|name| find(name));
    let ours = cases.filter(|case| case.versions.contains(&version));
    let outcome = ours
        .map(|case| {
            let probe = format!("verify/{}", case.name);
            each(judged, version, &probe, |call| refused(case, call))
        })
        .collect();
    with_control(judged, version, outcome)
}

fn refused(case: &Case, call: &DirectCall<'_, '_>) -> Outcome {
    if let Some(outcome) = unjudgeable(call) {
        return outcome;
    }
    let (name, about) = (case.name, case.about);
    match said(call) {
        Said::Yes if case.is_lenient() => Outcome::info(
            format!("{name}: called valid ({about}); it means the very payment"),
            evidence(call),
        ),
        Said::Yes => Outcome::fail(
            format!("{name}: called valid though {about}"),
            evidence(call),
        ),
        // What it says instead is told by FAC-VERIFY-002.
        Said::Nothing => Outcome::skipped(format!(
            "{name}: {} without a verdict",
            call.exchange.ending()
        )),
        Said::No | Said::Error | Said::Trouble => {
            Outcome::pass(format!("{name}: {}", told(call)), evidence(call))
        }
    }
}

/// Tells what each of these cases was told.
pub(super) fn recorded(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    let told_of = |call: &DirectCall<'_, '_>| {
        unjudgeable(call).unwrap_or_else(|| {
            let word = match said(call) {
                Said::Yes => "yes",
                _ => "no",
            };
            let text = format!("{}: {word}, {}", call.exchange.probe(), told(call));
            Outcome::info(text, evidence(call))
        })
    };
    probes
        .iter()
        .map(|probe| each(judged, version, probe, told_of))
        .collect()
}

/// Cases that must be refused, and are sent to both endpoints in this generation.
pub(super) fn wrong(version: Version) -> impl Iterator<Item = &'static Case> {
    let all = CASES.iter().chain(MALFORMED_FACILITATOR);
    all.filter(move |case| case.is_wrong() && case.versions.contains(&version))
}
