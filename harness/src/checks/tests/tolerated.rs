//! Tricky and correct: what must not be flagged.

use alloy_primitives::{B256, U256};
use serde_json::json;
use x402_assay_protocol::{Version, header};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};
use x402_mock_facilitator::event::{LedgerRecord, Movement};

use super::check;
use crate::history::script::{
    CONTENT, Call, Moves, Payment, Probe, Reply, Script, address, challenge_v2, encode, offer,
};

fn assert_clean(script: &Script) -> Report {
    let report = script.report();
    let flagged: Vec<_> = report
        .checks
        .iter()
        .filter(|c| {
            matches!(
                c.verdict,
                Verdict::Fail | Verdict::Warn | Verdict::Inconclusive
            )
        })
        .map(|c| (&c.id, &c.detail))
        .collect();
    assert!(flagged.is_empty(), "{flagged:?}");
    let broken: Vec<_> = report
        .invariants
        .iter()
        .filter(|i| i.verdict > Verdict::Skipped)
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    report
}

#[test]
fn one_transaction_hash_settles_many_payments() {
    let batched = |probe: &mut Probe| {
        probe.moves = vec![Moves {
            transaction: Some(9),
            ..Moves::default()
        }];
    };
    let script = Script::honest(Version::V2)
        .edit("v2/good", batched)
        .edit("v2/good-2", batched);
    assert_eq!(assert_clean(&script).money.settled, 2);
}

#[test]
fn a_batch_with_other_peoples_transfers_is_paired_by_payer() {
    let mut script =
        Script::honest(Version::V2).edit("v2/good", |probe| probe.moves[0].transaction = Some(9));
    let stranger = |log_index, what| LedgerRecord {
        chain_id: 84_532,
        block: 2,
        transaction: B256::repeat_byte(9),
        log_index,
        asset: offer_asset(),
        what,
    };
    script.more_ledger = vec![
        stranger(
            2,
            Movement::AuthorizationUsed {
                payer: address(0x99),
                nonce: B256::ZERO,
            },
        ),
        stranger(
            3,
            Movement::Transfer {
                from: address(0x99),
                to: address(0x98),
                value: U256::from(5),
            },
        ),
    ];
    assert_clean(&script);
}

fn offer_asset() -> alloy_primitives::Address {
    offer(Version::V2)["asset"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_declared_upfront_flow_may_charge_and_then_fail() {
    let failing = |script: Script| {
        script.edit("v2/good-2", |probe| {
            probe.reply = Reply::answer(500, "handler")
        })
    };
    let declared =
        failing(Script::honest(Version::V2).setup(|run| run.flow = "upfront".to_owned()));
    let report = declared.report();
    let charged = |report: &Report| {
        report
            .invariants
            .iter()
            .find(|i| i.id == "I2")
            .map(|i| i.verdict)
    };
    assert_eq!(charged(&report), Some(Verdict::Pass));
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    assert!(
        report.notes.iter().any(|note| note.contains("upfront")),
        "{:?}",
        report.notes
    );
    assert_eq!(
        charged(&failing(Script::honest(Version::V2)).report()),
        Some(Verdict::Fail)
    );
}

#[test]
fn one_automatic_second_settle_of_a_pending_payment_is_fine() {
    let script = Script::honest(Version::V2).edit("v2/good", |probe| {
        probe.calls = vec![
            Call::verify(true),
            Call::settle(false).because("settlement_pending"),
            Call::settle(true),
        ];
    });
    assert_clean(&script);
}

#[test]
fn a_pending_receipt_and_a_retry_of_the_same_payload_are_fine() {
    let mut script = Script::honest(Version::V2);
    let place = script
        .probes
        .iter()
        .position(|probe| probe.name == "v2/good-2")
        .unwrap();
    let pending = r#"receipt{"success":false,"errorReason":"settlement_pending"}"#;
    let first = Probe {
        payment: Some(Payment::Fresh(None)),
        calls: vec![
            Call::verify(true),
            Call::settle(false).because("settlement_pending"),
        ],
        ..Probe::new(
            "v2/pending",
            Reply::answer(503, "").with(header::PAYMENT_RESPONSE, pending),
        )
    };
    script.probes[place].payment = Some(Payment::Again("v2/pending".to_owned()));
    script.probes.insert(place, first);
    assert_clean(&script);
}

#[test]
fn an_idempotent_repeat_is_no_second_grant() {
    let cached = |probe: &mut Probe| {
        probe.alone();
        probe.reply = Reply::answer(200, CONTENT);
        probe.runs = 0;
    };
    let declared = Script::honest(Version::V2)
        .edit("v2/replay", cached)
        .setup(|run| run.idempotent_replay = true);
    assert_clean(&declared);
    let mut seen = Script::honest(Version::V2).edit("v2/replay", cached);
    seen.counts_runs = true;
    assert_clean(&seen);
    // The same answer with a new handler run is a grant.
    let mut run_again = Script::honest(Version::V2).edit("v2/replay", |probe| {
        cached(probe);
        probe.runs = 1;
    });
    run_again.counts_runs = true;
    assert_eq!(
        check(&run_again.report(), "SRV-REPL-001").verdict,
        Verdict::Fail
    );
}

#[test]
fn a_handler_that_runs_twice_for_one_payment_is_recorded_only() {
    let mut script = Script::honest(Version::V2).edit("v2/good-2", |probe| probe.runs = 3);
    script.counts_runs = true;
    let report = assert_clean(&script);
    assert!(
        report.notes.iter().any(|note| note.contains("ran 3 times")),
        "{:?}",
        report.notes
    );
}

#[test]
fn a_challenge_only_in_the_header_and_a_page_as_body_are_fine() {
    for body in ["", "{}", "<html>pay</html>", "null"] {
        assert_clean(&Script::honest(Version::V2).edit_unpaid(|probe| probe.body(body)));
    }
}

#[test]
fn challenges_may_differ_between_two_fetches() {
    let rotating = Script::honest(Version::V2).edit("v2/unpaid", |probe| {
        let mut other = challenge_v2();
        other["accepts"] = json!([
            {"scheme": "new-scheme", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "amount": "5",
             "asset": "x", "payTo": "y", "maxTimeoutSeconds": 60, "extra": {"feePayer": "z", "unknown": [1]}},
            offer(Version::V2),
        ]);
        other["accepts"][1]["payTo"] = json!(address(0xb2).to_string());
        other["extensions"] = json!({"something": {"info": {}, "schema": {}}});
        other["surprise"] = json!(true);
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&other)));
    });
    assert_clean(&rotating);
    // The server asks about the newer of its own offers.
    let renewed = rotating.edit("v2/wrong/expired", |probe| {
        probe.calls[0].requirements = vec![("payTo", json!(address(0xb2).to_string()))];
    });
    assert_clean(&renewed);
}

#[test]
fn cloudflare_offers_are_exempt_from_timeout_and_caip2() {
    let script = Script::honest(Version::V2).edit("v2/unpaid", |probe| {
        let mut challenge = challenge_v2();
        let offers = challenge["accepts"].as_array_mut().unwrap();
        offers.push(json!({"scheme": "deferred", "network": "cloudflare:402", "asset": "USD", "payTo": "merchant"}));
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    });
    assert_clean(&script);
}

#[test]
fn a_free_route_is_free() {
    assert_clean(
        &Script::honest(Version::V2).then(Probe::new("free/health", Reply::answer(200, CONTENT))),
    );
}

#[test]
fn preflights_while_the_target_starts_are_no_findings() {
    let mut script = Script::honest(Version::V2);
    let starting = Probe::new("preflight", Reply::answer(500, "starting"));
    script.probes.insert(0, starting);
    assert_clean(&script);
}

#[test]
fn an_upper_case_hash_and_address_in_the_receipt_are_the_same() {
    let script = Script::honest(Version::V2).edit("v2/good", |probe| {
        let payer = address(0xaa).to_string().to_ascii_lowercase();
        let receipt = format!(r#"receipt{{"payer":"{payer}"}}"#);
        probe.header(header::PAYMENT_RESPONSE, Some(&receipt));
    });
    assert_clean(&script);
}

#[test]
fn a_content_that_changes_with_every_purchase_is_no_finding() {
    let serial = |n: u8| CONTENT.replace("0001", &format!("000{n}"));
    let script = Script::honest(Version::V2)
        .setup(|run| run.marker = None)
        .edit("v2/good", |probe| probe.body(&serial(2)))
        .edit("v2/good-2", |probe| probe.body(&serial(3)));
    assert_clean(&script);
}

#[test]
fn a_lie_of_our_own_facilitator_is_not_held_against_the_server() {
    let script = Script::honest(Version::V2).edit("v2/wrong/expired", |probe| {
        let mut lie = Call::verify(true);
        lie.lied = true;
        probe.calls = vec![lie];
        probe.deliver();
    });
    let report = script.report();
    assert_eq!(report.counts.fail, 0);
    assert_eq!(report.money.unpaid_grants, 0);
    assert!(report.invariants.iter().all(|i| i.verdict != Verdict::Fail));
}

#[test]
fn overpaying_an_old_offer_is_left_open() {
    let paying = |version: Version| {
        Script::honest(version).edit(&format!("{version}/good-2"), |probe| {
            probe.moves = vec![Moves {
                value: Some(U256::from(10_001)),
                ..Moves::default()
            }];
        })
    };
    let moved = |script: Script| {
        script
            .report()
            .invariants
            .iter()
            .find(|i| i.id == "I4")
            .map(|i| i.verdict)
    };
    assert_eq!(moved(paying(Version::V1)), Some(Verdict::Pass));
    assert_eq!(moved(paying(Version::V2)), Some(Verdict::Fail));
}
