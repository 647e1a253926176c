//! Section E between verification and delivery: red on one deviation, and unmoved by what is unusual and right.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::history::script::{CONTENT, Call, Moves, Probe, Reply, Script};

fn shop() -> Script {
    Script::honest(Version::V2).and_troubled(Version::V2)
}

#[test]
fn a_refusal_comes_with_a_challenge() {
    let v2 = shop().edit("v2/mutation", |probe| {
        probe.header(header::PAYMENT_REQUIRED, None);
    });
    let report = assert_verdict(&v2, "SRV-FLOW-003", Verdict::Warn);
    assert!(check(&report, "SRV-FLOW-003").detail.contains("mutation"));
    let v1 = Script::honest(Version::V1).edit("v1/wrong/expired", |probe| {
        probe.body(r#"{"error":"expired"}"#);
    });
    assert_verdict(&v1, "SRV-FLOW-005", Verdict::Warn);
    // Another status is not a refusal that could carry one: SRV-FLOW-002 says so.
    let other = shop().edit("v2/mutation", |probe| {
        probe.reply = Reply::answer(500, "{}");
    });
    assert_verdict(&other, "SRV-FLOW-003", Verdict::Pass);
}

#[test]
fn the_reason_of_a_refusal_is_recorded() {
    assert_verdict(&shop(), "SRV-FLOW-004", Verdict::Pass);
    let generic = shop().edit("v2/mutation", |probe| {
        probe.calls = vec![Call::verify(false).because("some_other_reason")];
    });
    assert_verdict(&generic, "SRV-FLOW-004", Verdict::Info);
}

#[test]
fn a_handler_that_fails_costs_nothing() {
    let edit = |change: fn(&mut Probe)| shop().edit("v2/flow/handler-error", change);
    let asks = edit(|probe| probe.calls.push(Call::settle(false)));
    assert_verdict(&asks, "SRV-FLOW-007", Verdict::Warn);
    let charges = edit(|probe| {
        probe.calls.push(Call::settle(true));
        probe.moves = vec![Moves::default()];
    });
    assert_verdict(&charges, "SRV-FLOW-007", Verdict::Warn);
    let hides = edit(|probe| probe.status(402));
    assert_verdict(&hides, "SRV-FLOW-007", Verdict::Warn);
    let upfront = charges.setup(|run| run.flow = "upfront".to_owned());
    assert_verdict(&upfront, "SRV-FLOW-007", Verdict::Skipped);
    let unverified = edit(|probe| probe.calls = vec![Call::verify(false)]);
    assert_verdict(&unverified, "SRV-FLOW-007", Verdict::Skipped);
    let report = Script::honest(Version::V2).report();
    let told = &check(&report, "SRV-FLOW-007").detail;
    assert!(told.contains("origin.status"), "{told}");
}

#[test]
fn no_byte_leaves_early() {
    for probe in ["v2/flow/late-failure", "v2/flow/late-failure-stream"] {
        let script = shop().edit(probe, |probe| {
            probe.reply = Reply::answer(200, "paid-content-7f3a\nsettlement failed\n");
        });
        let report = assert_fails(&script, "SRV-FLOW-008");
        assert_eq!(report.verdict, RunVerdict::Nonconformant, "{probe}");
    }
    // The settlement came true in the end: nothing was early.
    let settled = shop().edit("v2/flow/late-failure", |probe| {
        probe.calls.push(Call::settle(true));
        probe.moves = vec![Moves::default()];
        probe.reply = Reply::answer(200, CONTENT).with(header::PAYMENT_RESPONSE, "receipt");
    });
    assert_verdict(&settled, "SRV-FLOW-008", Verdict::Skipped);
}

#[test]
fn odd_statuses_are_recorded() {
    let report = assert_verdict(&shop(), "SRV-FLOW-012", Verdict::Info);
    let told = &check(&report, "SRV-FLOW-012").detail;
    assert!(told.contains("201 came as HTTP 201, settled"), "{told}");
}

#[test]
fn the_upfront_flow_is_what_it_says() {
    let mut declared = shop().setup(|run| run.flow = "upfront".to_owned());
    declared.counts_runs = true;
    let first = |script: Script| {
        script
            .edit("v2/good", |probe| probe.calls = vec![Call::settle(true)])
            .edit("v2/good-2", |probe| probe.calls = vec![Call::settle(true)])
            .edit("v2/flow/late-failure", |probe| probe.runs = 0)
            .edit("v2/settle/refused", |probe| probe.runs = 0)
            .edit("v2/flow/handler-error", |probe| {
                probe.calls = vec![Call::settle(true)];
                probe.moves = vec![Moves::default()];
                probe.header(header::PAYMENT_RESPONSE, Some("receipt"));
            })
    };
    let right = first(declared.clone());
    assert_verdict(&right, "SRV-FLOW-013", Verdict::Pass);
    assert_verdict(&declared, "SRV-FLOW-013", Verdict::Warn);
    let verifies = right.clone().edit("v2/good", |probe| {
        probe.calls.insert(0, Call::verify(true));
    });
    assert_verdict(&verifies, "SRV-FLOW-013", Verdict::Warn);
    let runs = right
        .clone()
        .edit("v2/settle/refused", |probe| probe.runs = 1);
    assert_verdict(&runs, "SRV-FLOW-013", Verdict::Warn);
    let silent = right.edit("v2/flow/handler-error", |probe| {
        probe.header(header::PAYMENT_RESPONSE, None);
    });
    assert_verdict(&silent, "SRV-FLOW-013", Verdict::Warn);
}

#[test]
fn headers_for_the_server_stay_inside() {
    let overrides = shop().edit("v2/good", |probe| {
        probe.header("settlement-overrides", Some(r#"{"amount":"1"}"#));
    });
    assert_verdict(&overrides, "SRV-FLOW-015", Verdict::Warn);
    let edit = |change: fn(&mut Probe)| shop().edit("v2/flow/extension-responses", change);
    let forwards = edit(|probe| probe.header("EXTENSION-RESPONSES", Some("e30=")));
    assert_verdict(&forwards, "SRV-FLOW-016", Verdict::Warn);
    let untold = edit(|probe| {
        for call in &mut probe.calls {
            call.faulted = false;
        }
    });
    assert_verdict(&untold, "SRV-FLOW-016", Verdict::Skipped);
}

#[test]
fn a_client_that_goes_away_is_recorded_and_blames_nobody() {
    let settles = assert_verdict(&shop(), "SRV-FLOW-017", Verdict::Info);
    assert_eq!(settles.verdict, RunVerdict::Conformant);
    let stops = shop().edit("v2/flow/client-gone", |probe| {
        probe.calls.truncate(1);
        probe.moves.clear();
    });
    assert_verdict(&stops, "SRV-FLOW-017", Verdict::Info);
    let stayed = shop().edit("v2/flow/client-gone", |probe| probe.deliver());
    assert_verdict(&stayed, "SRV-FLOW-017", Verdict::Skipped);
}

#[test]
fn a_slow_handler_delivers_nothing_unpaid() {
    let edit = |change: fn(&mut Probe)| shop().edit("v2/flow/slow-handler", change);
    assert_verdict(&shop(), "SRV-FLOW-018", Verdict::Pass);
    let gives = edit(|probe| probe.deliver());
    assert_verdict(&gives, "SRV-FLOW-018", Verdict::Warn);
    // Some servers look at the time themselves.
    let refuses = edit(|probe| {
        probe.calls.clear();
        probe.status(402);
    });
    assert_verdict(&refuses, "SRV-FLOW-018", Verdict::Skipped);
    let in_time = edit(|probe| {
        probe.calls[1] = Call::settle(true);
        probe.moves = vec![Moves::default()];
        probe.reply = Reply::answer(200, CONTENT).with(header::PAYMENT_RESPONSE, "receipt");
    });
    assert_verdict(&in_time, "SRV-FLOW-018", Verdict::Skipped);
}
