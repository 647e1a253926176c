//! A report far larger than a real one.

use x402_assay_reports::model::*;

/// A report of so many checks, one in ten of them a failure with evidence.
pub fn report(checks: usize) -> Report {
    let checks: Vec<CheckResult> = (0..checks).map(check).collect();
    let fails = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .count();
    let control = Control {
        held: true,
        cause: None,
        detail: "a fresh payment was served and settled once".to_owned(),
    };
    Report {
        schema: SCHEMA,
        verdict: RunVerdict::Nonconformant,
        summary: "a used payment bought the resource again; record every authorization as used"
            .to_owned(),
        interrupted: false,
        fidelity: Fidelity {
            chain: "anvil".to_owned(),
            requested: "auto".to_owned(),
            reason: None,
            network: Some("eip155:84532".to_owned()),
            node: None,
        },
        target: Target {
            kind: "server".to_owned(),
            name: "bench".to_owned(),
            url: Some("http://127.0.0.1:3000/paid".to_owned()),
            versions: vec!["v2".to_owned()],
            uses_our_facilitator: Some(true),
        },
        controls: Controls {
            positive: control.clone(),
            mutation: control,
        },
        seed: 7,
        command: None,
        bench_version: "0.1.0".to_owned(),
        spec_revision: "dd927a26".to_owned(),
        started_unix_s: 1_770_000_000,
        duration_ms: 60_000,
        counts: Counts {
            pass: checks.len() - fails,
            fail: fails,
            ..Counts::default()
        },
        checks,
        invariants: Vec::new(),
        money: Money::default(),
        latency: Vec::new(),
        expectations: None,
        notes: Vec::new(),
        scenarios: Vec::new(),
        books: Vec::new(),
        books_left_out: 0,
        load: None,
    }
}

fn check(number: usize) -> CheckResult {
    let failed = number.is_multiple_of(10);
    let evidence = |exchange: usize| Evidence {
        kind: "exchange".to_owned(),
        id: exchange.to_string(),
        text: "200 with the paid body, the same payment as before".to_owned(),
    };
    CheckResult {
        id: format!("SRV-BENCH-{number:05}"),
        title: "A payment buys the resource once".to_owned(),
        requirement: "One authorization is delivered at most once.".to_owned(),
        source: "SPEC core v2, section 6.1".to_owned(),
        grade: "fail".to_owned(),
        verdict: if failed { Verdict::Fail } else { Verdict::Pass },
        detail: format!("exchange {number} was answered 200 and moved 10000 base units"),
        evidence: (0..3).map(|offset| evidence(3 * number + offset)).collect(),
        cause: failed.then(|| "the outcome is cached by payer and not by nonce".to_owned()),
        fix: failed.then(|| "look the nonce up on every request".to_owned()),
        replay: failed.then(|| format!("x402-assay run --check SRV-BENCH-{number:05}")),
        tags: Vec::new(),
        expected: None,
    }
}
