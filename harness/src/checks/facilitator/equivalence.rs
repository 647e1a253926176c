//! Section O: verify and settle agree.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::asked::{ROW, Said, book_of, calls, evidence, said, settled, told, verifies, wrong};
use super::classes::class;
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::client::facilitator::{CASES, MALFORMED_FACILITATOR};
use crate::history::DirectCall;

pub(super) const SAME_REQUEST: Check = Check {
    id: "FAC-EQ-001",
    title: "Verify and settle take the same request",
    requirement: "Both endpoints accept the same request structure.",
    observe: "One body, byte by byte, to both.",
    good: "isValid true, then success true",
    bad: "settle says that something is missing which verify did not want",
    source: "x402 specification, section 7.2",
    probes: &["settle/good"],
    judge: same_request,
    cause: "the two are parsed by different code",
    fix: "parse both with one schema",
    killed_by: &["settle-shape-differs"],
    ..ROW
};

pub(super) const VALID_SETTLES: Check = Check {
    id: "FAC-EQ-002",
    title: "What is valid settles",
    requirement: "On an unchanged chain, `isValid: true` is followed by a successful settlement of the same request.",
    observe: "Every payment that was verified and then settled, but for those at the edge of their time.",
    good: "valid, then success",
    bad: "valid, then failed: the server has done its work by then",
    source: "follows from the purpose of verify",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/good"],
    judge: valid_settles,
    cause: "verify looks at less than the token does",
    fix: "simulate the very transfer in verify",
    killed_by: &[
        "verify-without-simulation",
        "anything-is-valid",
        "high-s-is-valid",
    ],
    ..ROW
};

pub(super) const INVALID_NEVER: Check = Check {
    id: "FAC-EQ-003",
    title: "What is invalid never settles",
    requirement: "On an unchanged chain, `isValid: false` is never followed by a successful settlement of the same request.",
    observe: "Every payment that was refused by verify and then sent to settle, but for those at the edge of their time.",
    good: "invalid, then success false",
    bad: "invalid, and settled all the same",
    source: "follows from the purpose of verify",
    level: Level::Derived,
    probes: &["verify/signature-flipped"],
    judge: invalid_never,
    cause: "settle trusts that verify was asked before",
    fix: "verify again in settle, on the same code path",
    tags: &["facilitator", "CWE-841"],
    killed_by: &["settle-without-verify"],
    ..ROW
};

pub(super) const SAME_REASON: Check = Check {
    id: "FAC-EQ-004",
    title: "Verify and settle give the same reason",
    requirement: "The same defect gets a reason of the same class from both.",
    observe: "The reasons for each wrong payment, and for a used one, by class.",
    good: "invalid_exact_evm_nonce_already_used from both",
    bad: "unexpected_settle_error for a used nonce: servers try again what cannot work",
    source: "x402 specification, section 9",
    grade: Grade::Warn,
    probes: &["settle/signature-flipped"],
    judge: same_reason,
    cause: "settle catches every error of verification as its own",
    fix: "pass the reason of verification on",
    killed_by: &["replay-is-500"],
    ..ROW
};

pub(super) const UPTO: Check = Check {
    id: "FAC-EQ-005",
    title: "What `amount` means under upto",
    requirement: "Under upto, `amount` is the ceiling at verify and the charge at settle: they differ by design.",
    observe: "Calls about upto payments, if the history holds any.",
    good: "any amounts",
    bad: "nothing: it is recorded",
    source: "scheme_upto, section 5",
    versions: V2,
    level: Level::Must,
    grade: Grade::Info,
    judge: upto,
    cause: "nothing to correct",
    fix: "nothing to do",
    tags: &["facilitator", "upto"],
    ..ROW
};

/// At the edge of their time two calls a moment apart may differ.
const EDGES: [&str; 4] = ["ends-soon", "begins-now", "begins-soon", "expired-now"];

fn same_request(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !verifies(judged, version) {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was called valid"
        ));
    }
    let mut outcome = Outcome::new();
    for call in calls(judged, version, "settle/good") {
        let reason = call.reason().and_then(class);
        outcome.add(match said(&call) {
            Said::Yes => Outcome::pass("one body, valid and settled", evidence(&call)),
            Said::Trouble => Outcome::inconclusive(call.exchange.ending(), evidence(&call)),
            _ if matches!(call.exchange.status(), Some(404 | 405)) => {
                Outcome::skipped("there is no /settle (FAC-HTTP-001)")
            }
            _ if reason == Some("malformed") || is_4xx(&call) && call.verdict().is_none() => {
                let text = format!("verify took the body, settle did not: {}", told(&call));
                Outcome::fail(text, evidence(&call))
            }
            _ => Outcome::skipped(format!(
                "settle refused for another reason: {}",
                told(&call)
            )),
        });
    }
    outcome.or_skipped("no good payment was sent to settle")
}

fn is_4xx(call: &DirectCall<'_, '_>) -> bool {
    matches!(call.exchange.status(), Some(400..500))
}

/// What verify and settle said of one payment.
struct Pair<'f, 'h> {
    name: &'static str,
    verified: DirectCall<'f, 'h>,
    settled: DirectCall<'f, 'h>,
}

impl Pair<'_, '_> {
    fn evidence(&self) -> Vec<x402_assay_reports::model::Evidence> {
        let mut both = evidence(&self.verified);
        both.extend(evidence(&self.settled));
        both
    }
}

fn pairs<'f, 'h>(judged: &Judged<'f, 'h>, version: Version) -> Vec<Pair<'f, 'h>> {
    let all = CASES.iter().chain(MALFORMED_FACILITATOR);
    let names = all.map(|case| case.name).chain(["good"]);
    names
        .filter(|name| !EDGES.contains(name))
        .filter_map(|name| {
            Some(Pair {
                name,
                verified: found(judged, version, Endpoint::Verify, name)?,
                settled: found(judged, version, Endpoint::Settle, name)?,
            })
        })
        .collect()
}

fn found<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    endpoint: Endpoint,
    name: &str,
) -> Option<DirectCall<'f, 'h>> {
    super::asked::all_at(judged, version, endpoint).find(|call| {
        call.exchange
            .probe()
            .split_once('/')
            .is_some_and(|(_, rest)| rest == name)
    })
}

fn valid_settles(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if settled(judged, version).is_empty() {
        return Outcome::skipped("control missing: no good payment was settled");
    }
    let valid = pairs(judged, version);
    let valid = valid
        .iter()
        .filter(|pair| said(&pair.verified) == Said::Yes);
    let outcome: Outcome = valid
        .map(|pair| match said(&pair.settled) {
            Said::Yes => {
                Outcome::pass(format!("{}: valid and settled", pair.name), pair.evidence())
            }
            Said::Trouble => Outcome::inconclusive(pair.settled.exchange.ending(), pair.evidence()),
            _ if pair.settled.is_pending() => Outcome::info("pending", pair.evidence()),
            _ => Outcome::warn(
                format!("{}: valid, then {}", pair.name, told(&pair.settled)),
                pair.evidence(),
            ),
        })
        .collect();
    outcome.or_skipped("nothing was called valid and then settled")
}

fn invalid_never(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let refused = pairs(judged, version);
    let refused = refused
        .iter()
        .filter(|pair| matches!(said(&pair.verified), Said::No | Said::Error));
    let outcome: Outcome = refused
        .map(|pair| {
            let moved =
                book_of(judged, &pair.settled).is_some_and(|book| !book.transfers.is_empty());
            match (said(&pair.settled), moved) {
                (_, true) => Outcome::given(
                    format!("{}: invalid, and it was settled", pair.name),
                    pair.evidence(),
                ),
                (Said::Yes, false) => Outcome::fail(
                    format!("{}: invalid, and settle said success", pair.name),
                    pair.evidence(),
                ),
                (Said::Trouble, _) => {
                    Outcome::inconclusive(pair.settled.exchange.ending(), pair.evidence())
                }
                _ => Outcome::pass(format!("{}: refused by both", pair.name), pair.evidence()),
            }
        })
        .collect();
    super::asked::with_control(
        judged,
        version,
        outcome.or_skipped("nothing was refused by verify and sent to settle"),
    )
}

fn same_reason(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if settled(judged, version).is_empty() {
        return Outcome::skipped("control missing: no good payment was settled");
    }
    let mut outcome = Outcome::new();
    let mut compare = |name: &str, verified: &DirectCall<'_, '_>, settled: &DirectCall<'_, '_>| {
        let reasons = (
            verified.reason().and_then(class),
            settled.reason().and_then(class),
        );
        let (Some(first), Some(second)) = reasons else {
            return;
        };
        if settled.is_pending() {
            return;
        }
        let mut both = evidence(verified);
        both.extend(evidence(settled));
        outcome.add(match first == second {
            true => Outcome::pass(format!("{name}: {first} from both"), both),
            false => Outcome::warn(
                format!("{name}: {first} from verify, {second} from settle"),
                both,
            ),
        });
    };
    let wrong: Vec<&str> = wrong(version).map(|case| case.name).collect();
    for pair in pairs(judged, version) {
        if wrong.contains(&pair.name)
            && said(&pair.verified) != Said::Yes
            && said(&pair.settled) != Said::Yes
        {
            compare(pair.name, &pair.verified, &pair.settled);
        }
    }
    let used = found(judged, version, Endpoint::Verify, "used");
    let again = found(judged, version, Endpoint::Settle, "again");
    if let (Some(used), Some(again)) = (used, again)
        && said(&used) != Said::Yes
        && said(&again) != Said::Yes
    {
        compare("used", &used, &again);
    }
    outcome.or_skipped("no two reasons could be compared")
}

fn upto(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    super::upto::recorded_amounts(judged, version)
}
