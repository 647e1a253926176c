//! Section G, beyond the serial replay: red, green, and what is unusual and fine.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{CheckResult, Verdict};

use super::check;
use super::edited::{Edited, again, refused, sold};
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Call, Probe, Reply, Script};

const TWO: &str = "v2/race/copies-2";
const USED: &str = "invalid_exact_evm_nonce_already_used";

fn honest() -> Script {
    Script::honest(Version::V2)
}

/// A copy that reaches the settlement and is refused there.
fn lost(name: &str, reply: Reply) -> Probe {
    let mut copy = again(name, name, reply);
    copy.calls = vec![Call::verify(true), Call::settle(false).because(USED)];
    copy
}

/// Two copies at once, the second with this answer.
fn race(name: &str, reply: Reply) -> Edited {
    let script = honest().then(sold(name)).then(lost(name, reply));
    Edited::of(&script).together(name)
}

fn judged(edited: &Edited, id: &str) -> CheckResult {
    check(&edited.report(), id).clone()
}

fn assert_judged(edited: &Edited, id: &str, wanted: Verdict) {
    let result = judged(edited, id);
    assert_eq!(result.verdict, wanted, "{id}: {}", result.detail);
    if wanted != Verdict::Skipped {
        assert!(!result.evidence.is_empty(), "{id} has no evidence");
    }
}

#[test]
fn a_copy_that_is_delivered_too_fails_wherever_it_was_sent() {
    for (probe, id) in [
        ("v2/race/copies-2", "SRV-REPL-002"),
        ("v2/race/copies-10", "SRV-REPL-002"),
        ("v2/race/writings", "SRV-REPL-002"),
        ("v2/race/replicas", "SRV-REPL-005"),
        ("v2/race/two-routes", "SRV-REPL-006"),
    ] {
        assert_judged(&race(probe, Reply::answer(402, "{}")), id, Verdict::Pass);
        let both = race(probe, Reply::answer(200, CONTENT));
        assert_judged(&both, id, Verdict::Fail);
        let invariant = both
            .report()
            .invariants
            .into_iter()
            .find(|row| row.id == "I1");
        assert_eq!(invariant.unwrap().verdict, Verdict::Fail);
    }
}

#[test]
fn a_second_transfer_fails_and_a_declared_repeat_does_not() {
    let mut charged = sold(TWO);
    charged.payment = Some(crate::history::script::Payment::Again(TWO.to_owned()));
    let script = honest().then(sold(TWO)).then(charged);
    assert_judged(
        &Edited::of(&script).together(TWO),
        "SRV-REPL-002",
        Verdict::Fail,
    );
    let script = honest()
        .then(sold(TWO))
        .then(again(TWO, TWO, Reply::answer(200, CONTENT)))
        .setup(|run| run.idempotent_replay = true);
    assert_judged(
        &Edited::of(&script).together(TWO),
        "SRV-REPL-002",
        Verdict::Pass,
    );
}

#[test]
fn copies_one_after_the_other_are_no_race() {
    let script = honest()
        .then(sold(TWO))
        .then(lost(TWO, Reply::answer(402, "{}")));
    let edited = Edited::of(&script);
    assert_judged(&edited, "SRV-REPL-002", Verdict::Skipped);
    let nobody = honest()
        .then(refused(
            TWO,
            vec![Call::verify(true)],
            Reply::answer(402, "{}"),
        ))
        .then(lost(TWO, Reply::answer(402, "{}")));
    assert_judged(
        &Edited::of(&nobody).together(TWO),
        "SRV-REPL-002",
        Verdict::Skipped,
    );
}

#[test]
fn losers_are_refused_in_good_order() {
    for (reply, wanted) in [
        (Reply::answer(402, "{}"), Verdict::Pass),
        (Reply::answer(409, "{}"), Verdict::Pass),
        (
            Reply::answer(503, "").with("retry-after", "1"),
            Verdict::Pass,
        ),
        (Reply::answer(500, ""), Verdict::Warn),
        (Reply::answer(503, ""), Verdict::Warn),
        (Reply::answer(200, "{}"), Verdict::Warn),
        (Reply::Trouble(Trouble::TimedOut), Verdict::Warn),
        (Reply::Trouble(Trouble::Closed), Verdict::Inconclusive),
        (Reply::answer(429, ""), Verdict::Inconclusive),
    ] {
        assert_judged(&race(TWO, reply), "SRV-REPL-004", wanted);
    }
    let both = race(TWO, Reply::answer(200, CONTENT));
    assert_judged(&both, "SRV-REPL-004", Verdict::Skipped);
}

#[test]
fn handler_runs_of_copies_are_recorded_where_they_are_counted() {
    let counting = |runs: u64| {
        let mut loser = lost(TWO, Reply::answer(402, "{}"));
        loser.runs = runs;
        let mut script = honest().then(sold(TWO)).then(loser);
        script.counts_runs = true;
        script.setup(|run| run.counts_executions = true)
    };
    for runs in [0, 1] {
        let result = judged(&Edited::of(&counting(runs)).together(TWO), "SRV-REPL-003");
        assert_eq!(result.verdict, Verdict::Info);
        let told = format!("2 copies, {} handler run(s)", runs + 1);
        assert_eq!(result.detail, told);
    }
    let uncounted = judged(&race(TWO, Reply::answer(402, "{}")), "SRV-REPL-003");
    assert_eq!(uncounted.verdict, Verdict::Skipped);
    assert!(
        uncounted.detail.contains("origin.executions"),
        "{}",
        uncounted.detail
    );
}

#[test]
fn what_a_trusting_server_gives_is_recorded() {
    let name = "v2/race/trusting";
    let lied = || {
        let mut lie = Call::settle(true);
        lie.lied = true;
        vec![Call::verify(true), lie]
    };
    let mut copy = again(name, name, Reply::answer(200, CONTENT));
    copy.calls = lied();
    let relying = Edited::of(&honest().then(sold(name)).then(copy)).together(name);
    let result = judged(&relying, "SRV-REPL-007");
    assert_eq!(result.verdict, Verdict::Info);
    assert!(
        result.detail.starts_with("2 of 2 copies"),
        "{}",
        result.detail
    );
    assert_eq!(relying.report().counts.fail, 0);
    let guarded = race(name, Reply::answer(409, "{}"));
    let result = judged(&guarded, "SRV-REPL-007");
    assert!(
        result.detail.contains("guard of its own"),
        "{}",
        result.detail
    );
}

#[test]
fn a_probe_that_was_not_sent_tells_why() {
    let mut script = honest();
    let why = "not sent: the profile declares `replicas: 1`";
    script.notes = vec![("v2/race/replicas".to_owned(), why.to_owned())];
    let report = script.report();
    assert_eq!(check(&report, "SRV-REPL-005").detail, why);
    script.notes = vec![("v2/race".to_owned(), "no facilitator".to_owned())];
    let report = script.report();
    assert_eq!(check(&report, "SRV-REPL-002").detail, "no facilitator");
    assert!(check(&report, "SRV-FAC-001").detail.contains("holds no"));
}

const SIDE: [&str; 3] = ["v2/race/waiting", "v2/race/beside", "v2/race/other-payer"];

fn side_by_side(change: impl Fn(&mut Probe)) -> Edited {
    let script = SIDE.iter().fold(honest(), |script, name| {
        let mut probe = sold(name);
        change(&mut probe);
        script.then(probe)
    });
    Edited::of(&script)
        .together("v2/race/")
        .held(SIDE[0], 2_000_000)
}

#[test]
fn different_payments_are_served_side_by_side() {
    assert_judged(&side_by_side(|_| ()), "SRV-REPL-009", Verdict::Pass);
    let refusing = side_by_side(|probe| {
        if probe.name == SIDE[1] {
            probe.moves.clear();
            probe.reply = Reply::answer(402, "{}");
        }
    });
    assert_judged(&refusing, "SRV-REPL-009", Verdict::Warn);
    // The facilitator's own trouble is not the server's.
    let turned_away = side_by_side(|probe| {
        if probe.name == SIDE[1] {
            probe.moves.clear();
            let unsent = Call::settle(false).because("invalid_exact_evm_transaction_failed");
            probe.calls = vec![Call::verify(true), unsent];
            probe.reply = Reply::answer(402, "{}");
        }
    });
    assert_judged(&turned_away, "SRV-REPL-009", Verdict::Skipped);
    // One transaction for all of them is a batch.
    let batched = side_by_side(|probe| probe.moves[0].transaction = Some(9));
    assert_judged(&batched, "SRV-REPL-009", Verdict::Pass);
}

#[test]
fn another_payer_does_not_wait_for_somebody_elses_settlement() {
    let later = side_by_side(|_| ()).asked_later(SIDE[2], 3_000_000);
    assert_judged(&later, "SRV-REPL-009", Verdict::Warn);
    // Asked late, and still while the first one waited.
    let slow = side_by_side(|_| ()).asked_later(SIDE[2], 1_500_000);
    assert_judged(&slow, "SRV-REPL-009", Verdict::Pass);
}
