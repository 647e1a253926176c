//! Section H: red, green, and what is unusual and fine.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{CheckResult, Verdict};

use super::check;
use super::edited::{Edited, again, refused, sold};
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Call, Moves, Probe, Reply, Script, challenge_v2, encode};

const OUTAGE: &str = "v2/trouble/outage";
const AFTER: &str = "v2/trouble/after-outage";
const AGAIN: &str = "v2/trouble/outage-again";
const LOST: &str = "v2/trouble/lost";

fn honest() -> Script {
    Script::honest(Version::V2)
}

fn assert_judged(edited: &Edited, id: &str, wanted: Verdict) -> CheckResult {
    let result = check(&edited.report(), id).clone();
    assert_eq!(result.verdict, wanted, "{id}: {}", result.detail);
    result
}

fn calls(name: &str) -> Vec<Call> {
    match name.contains("settle") {
        true => vec![Call::verify(true), Call::settle(true)],
        false => vec![Call::verify(true)],
    }
}

/// A payment whose last call was answered with junk.
fn met(name: &str, reply: Reply) -> Edited {
    let script = honest().then(refused(name, calls(name), reply));
    Edited::of(&script).junk(name)
}

#[test]
fn trouble_gives_nothing_away() {
    for (name, id) in [
        ("v2/trouble/verify-500", "SRV-FAC-001"),
        ("v2/trouble/verify-junk", "SRV-FAC-001"),
        ("v2/trouble/verify-coerced", "SRV-FAC-001"),
        ("v2/trouble/settle-500", "SRV-FAC-003"),
        ("v2/trouble/settle-schema", "SRV-FAC-003"),
    ] {
        for status in [402, 500, 502, 503, 504] {
            assert_judged(&met(name, Reply::answer(status, "")), id, Verdict::Pass);
        }
        let given = met(name, Reply::answer(200, CONTENT));
        assert_judged(&given, id, Verdict::Fail);
        assert_judged(&met(name, Reply::answer(200, "{}")), id, Verdict::Warn);
        assert_judged(
            &met(name, Reply::answer(429, "")),
            id,
            Verdict::Inconclusive,
        );
        // The facilitator said yes after all: nothing was shown.
        let script = honest().then(refused(name, calls(name), Reply::answer(502, "")));
        assert_judged(&Edited::of(&script), id, Verdict::Skipped);
    }
}

#[test]
fn a_verdict_read_leniently_and_settled_is_told_from_one_that_never_was() {
    let served = |name: &str| {
        let mut probe = sold(name);
        probe.calls.truncate(1);
        Edited::of(&honest().then(probe)).junk(name)
    };
    let coerced = served("v2/trouble/verify-coerced");
    assert_judged(&coerced, "SRV-FAC-001", Verdict::Warn);
    assert_judged(
        &served("v2/trouble/verify-junk"),
        "SRV-FAC-001",
        Verdict::Fail,
    );
}

#[test]
fn statuses_and_detours_are_recorded() {
    let edited = met("v2/trouble/verify-500", Reply::answer(402, ""));
    let result = assert_judged(&edited, "SRV-FAC-002", Verdict::Info);
    assert_eq!(result.detail, "verify-500: HTTP 402");
    let edited = met("v2/trouble/verify-429", Reply::answer(502, ""));
    let result = assert_judged(&edited, "SRV-FAC-012", Verdict::Info);
    assert_eq!(result.detail, "verify-429: asked 1 time(s), HTTP 502");
}

#[test]
fn giving_up_is_timed_as_far_as_it_was_seen() {
    for name in ["v2/trouble/verify-hang", "v2/trouble/settle-hang"] {
        let hung = |reply: Reply| {
            let script = honest().then(refused(name, calls(name), reply));
            Edited::of(&script).cut(name)
        };
        let unseen = hung(Reply::Trouble(Trouble::TimedOut));
        assert_judged(&unseen, "SRV-FAC-004", Verdict::Info);
        let closed = if name.contains("settle") {
            "SRV-FAC-003"
        } else {
            "SRV-FAC-001"
        };
        assert_judged(&unseen, closed, Verdict::Pass);
        let ended =
            |seconds: u64| hung(Reply::answer(502, "")).ended_later(name, seconds * 1_000_000);
        assert_judged(&ended(90), "SRV-FAC-004", Verdict::Pass);
        assert_judged(&ended(130), "SRV-FAC-004", Verdict::Warn);
    }
}

/// An outage, the purchases after it, and the payment that met it once more.
fn outage(after: &[u16], repeated: Probe) -> Edited {
    outage_of(honest(), after, repeated)
}

/// A server that never verifies.
fn upfront() -> Script {
    honest().edit_paid(|probe| probe.calls.retain(|call| call.settle))
}

fn outage_of(script: Script, after: &[u16], repeated: Probe) -> Edited {
    let mut script = script
        .then(Probe::new("free/trouble/before", Reply::answer(200, "ok")))
        .then(refused(OUTAGE, Vec::new(), Reply::answer(502, "")))
        .then(Probe::new(
            "v2/trouble/outage-unpaid",
            Reply::answer(402, "{}"),
        ))
        .then(Probe::new("free/trouble/outage", Reply::answer(200, "ok")));
    for status in after {
        script = script.then(match status {
            200 => sold(AFTER),
            other => refused(AFTER, Vec::new(), Reply::answer(*other, "")),
        });
    }
    Edited::of(&script.then(repeated)).out(OUTAGE)
}

fn served_again() -> Probe {
    let mut probe = sold(AGAIN);
    probe.payment = Some(crate::history::script::Payment::Again(OUTAGE.to_owned()));
    probe
}

#[test]
fn a_server_sells_again_after_an_outage() {
    for after in [&[200][..], &[502, 200]] {
        assert_judged(&outage(after, served_again()), "SRV-FAC-005", Verdict::Pass);
    }
    let never = outage(
        &[502, 502, 502],
        again(AGAIN, OUTAGE, Reply::answer(502, "")),
    );
    assert_judged(&never, "SRV-FAC-005", Verdict::Warn);
    let burnt = outage(&[200], again(AGAIN, OUTAGE, Reply::answer(409, "")));
    let result = assert_judged(&burnt, "SRV-FAC-005", Verdict::Warn);
    assert!(result.detail.contains("never charged"), "{}", result.detail);
    // Where the settlement comes first, nobody knows what became of it.
    let refusing = again(AGAIN, OUTAGE, Reply::answer(409, ""));
    let upfront = outage_of(upfront(), &[200], refusing);
    assert_judged(&upfront, "SRV-FAC-005", Verdict::Pass);
    let limited = outage(&[200], again(AGAIN, OUTAGE, Reply::answer(429, "")));
    assert_judged(&limited, "SRV-FAC-005", Verdict::Inconclusive);
    assert_judged(&limited, "SRV-FAC-001", Verdict::Pass);
}

#[test]
fn delivering_in_an_outage_fails() {
    let mut edited = outage(&[200], served_again());
    edited = Edited(edited.0).out(OUTAGE);
    assert_judged(&edited, "SRV-FAC-001", Verdict::Pass);
    let script = honest().then(refused(OUTAGE, Vec::new(), Reply::answer(200, CONTENT)));
    assert_judged(
        &Edited::of(&script).out(OUTAGE),
        "SRV-FAC-001",
        Verdict::Fail,
    );
}

#[test]
fn free_routes_stay_up() {
    let up = outage(&[200], served_again());
    assert_judged(&up, "SRV-FAC-007", Verdict::Pass);
    assert_judged(&up, "SRV-FAC-006", Verdict::Info);
    let with = |name: &str, status: u16| {
        let script = honest()
            .then(Probe::new("free/trouble/before", Reply::answer(200, "ok")))
            .then(refused(OUTAGE, Vec::new(), Reply::answer(502, "")))
            .then(Probe::new("free/trouble/outage", Reply::answer(200, "ok")))
            .edit(name, |probe| probe.status(status));
        Edited::of(&script).out(OUTAGE)
    };
    assert_judged(
        &with("free/trouble/outage", 502),
        "SRV-FAC-007",
        Verdict::Warn,
    );
    assert_judged(
        &with("free/trouble/outage", 429),
        "SRV-FAC-007",
        Verdict::Inconclusive,
    );
    assert_judged(
        &with("free/trouble/before", 404),
        "SRV-FAC-007",
        Verdict::Skipped,
    );
    let none = honest().then(refused(OUTAGE, Vec::new(), Reply::answer(502, "")));
    let result = assert_judged(
        &Edited::of(&none).out(OUTAGE),
        "SRV-FAC-007",
        Verdict::Skipped,
    );
    assert!(result.detail.contains("`free`"), "{}", result.detail);
}

/// A settlement that landed and whose answer was lost, then the same payment again.
fn lost(first: Reply, second: Probe) -> Edited {
    let mut probe = refused(LOST, calls("settle"), first);
    probe.moves = vec![Moves::default()];
    Edited::of(&honest().then(probe).then(second)).cut(LOST)
}

fn retry(reply: Reply) -> Probe {
    again("v2/trouble/lost-again", LOST, reply)
}

fn challenge() -> Reply {
    Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge_v2()))
}

#[test]
fn a_lost_answer_is_not_charged_again() {
    let failing = || Reply::answer(502, "");
    for reply in [
        Reply::answer(200, CONTENT),
        Reply::answer(409, ""),
        failing(),
        // A receipt tells that this payment was used.
        challenge().with(header::PAYMENT_RESPONSE, r#"receipt{"success":false,"transaction":"","errorReason":"invalid_exact_evm_nonce_already_used"}"#),
    ] {
        assert_judged(&lost(failing(), retry(reply)), "SRV-FAC-008", Verdict::Pass);
    }
    assert_judged(
        &lost(failing(), retry(challenge())),
        "SRV-FAC-008",
        Verdict::Warn,
    );
    assert_judged(
        &lost(challenge(), retry(failing())),
        "SRV-FAC-008",
        Verdict::Warn,
    );
    // Asked anew at first, and served when the payment came again.
    let served = retry(Reply::answer(200, CONTENT));
    assert_judged(&lost(challenge(), served), "SRV-FAC-008", Verdict::Pass);
    let mut twice = retry(Reply::answer(200, CONTENT));
    twice.moves = vec![Moves::default()];
    assert_judged(&lost(failing(), twice), "SRV-FAC-008", Verdict::Warn);
    let told = honest().then(sold(LOST)).then(retry(failing()));
    assert_judged(&Edited::of(&told), "SRV-FAC-008", Verdict::Skipped);
}

#[test]
fn what_became_of_a_lost_answer_is_recorded() {
    let paid = lost(Reply::answer(502, ""), retry(Reply::answer(402, "{}")));
    let result = assert_judged(&paid, "SRV-FAC-009", Verdict::Info);
    assert_eq!(
        result.detail,
        "paid and not delivered: HTTP 502, then HTTP 402"
    );
    let invariant = |edited: &Edited, id: &str| {
        let found = edited
            .report()
            .invariants
            .into_iter()
            .find(|row| row.id == id);
        found.unwrap().verdict
    };
    assert_eq!(invariant(&paid, "I2"), Verdict::Pass);
    let got = lost(Reply::answer(502, ""), retry(Reply::answer(200, CONTENT)));
    let result = assert_judged(&got, "SRV-FAC-009", Verdict::Info);
    assert!(result.detail.starts_with("delivered"), "{}", result.detail);
    // A receipt that calls it failed is untrue, and the server could not know.
    let failed = r#"receipt{"success":false,"transaction":"","errorReason":"timeout"}"#;
    let failed = Reply::answer(402, "{}").with(header::PAYMENT_RESPONSE, failed);
    let wrong = lost(failed, retry(Reply::answer(402, "{}")));
    assert_eq!(invariant(&wrong, "I5"), Verdict::Warn);
}
