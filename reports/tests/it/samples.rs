//! Reports as runs produce them.

use std::collections::BTreeMap;

use x402_assay_reports::model::*;

/// Every sample, by name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("conformant_builtin", conformant_builtin()),
        ("nonconformant", nonconformant()),
        ("no_positive_control", no_positive_control()),
        ("interrupted", interrupted()),
        ("hostile", crate::hostile::report()),
        ("scenarios_failing", crate::scenarios::failing()),
        ("scenarios_warning", crate::scenarios::warning()),
        ("scenarios_skipped", crate::scenarios::all_skipped()),
        ("expected", crate::expected::report()),
        ("load", crate::load::report()),
        ("load_hostile", crate::load::hostile()),
    ]
}

pub(crate) fn check(id: &str, title: &str, verdict: Verdict, detail: &str) -> CheckResult {
    CheckResult {
        id: id.to_owned(),
        title: title.to_owned(),
        requirement: format!("{title}."),
        source: "SPEC transports-v2/http".to_owned(),
        grade: "fail".to_owned(),
        verdict,
        detail: detail.to_owned(),
        evidence: Vec::new(),
        cause: None,
        fix: None,
        replay: None,
        tags: Vec::new(),
        expected: None,
    }
}

pub(crate) fn evidence(kind: &str, id: &str, text: &str) -> Evidence {
    Evidence {
        kind: kind.to_owned(),
        id: id.to_owned(),
        text: text.to_owned(),
    }
}

fn held(detail: &str) -> Control {
    Control {
        held: true,
        cause: None,
        detail: detail.to_owned(),
    }
}

fn invariant(id: &str, title: &str, observed: usize) -> InvariantResult {
    InvariantResult {
        id: id.to_owned(),
        title: title.to_owned(),
        verdict: if observed == 0 {
            Verdict::Skipped
        } else {
            Verdict::Pass
        },
        observed,
        violations: Vec::new(),
        expected: None,
    }
}

pub(crate) fn recount(mut report: Report) -> Report {
    let count = |verdict| {
        let same = report
            .checks
            .iter()
            .filter(|check| check.verdict == verdict);
        same.count()
    };
    report.counts = Counts {
        pass: count(Verdict::Pass),
        fail: count(Verdict::Fail),
        warn: count(Verdict::Warn),
        info: count(Verdict::Info),
        inconclusive: count(Verdict::Inconclusive),
        skipped: count(Verdict::Skipped),
        expected: report
            .checks
            .iter()
            .filter(|check| check.expected.is_some())
            .count(),
    };
    report
}

fn builtin_checks() -> Vec<CheckResult> {
    let mut unpaid = check(
        "SRV-V2-402-001",
        "A protected route requested without payment answers 402",
        Verdict::Pass,
        "GET /paid answered 402",
    );
    unpaid.evidence = vec![evidence("exchange", "0", "402 without payment")];
    vec![
        unpaid,
        check(
            "SRV-V2-402-017",
            "The body of the 402 is recorded",
            Verdict::Info,
            "the 402 carries application/json of 2 bytes",
        ),
        check(
            "SRV-FLOW-009",
            "A stream is not delivered before settlement",
            Verdict::Skipped,
            "the profile names no stream",
        ),
        check(
            "SRV-FLOW-010",
            "A slow handler is waited for",
            Verdict::Skipped,
            "the profile names no stream",
        ),
        check(
            "SRV-TLS-001",
            "TLS is served",
            Verdict::Skipped,
            "the target speaks plain HTTP",
        ),
    ]
}

fn builtin_invariants() -> Vec<InvariantResult> {
    vec![
        invariant("I1", "nothing is given that was not paid", 9),
        invariant("I2", "nothing is charged without service", 9),
        invariant("I3", "an authorization is granted once", 9),
        invariant("I4", "what moved is what was advertised", 9),
        invariant("I5", "receipts are true", 0),
    ]
}

pub(crate) fn conformant_builtin() -> Report {
    recount(Report {
        schema: SCHEMA,
        verdict: RunVerdict::Conformant,
        summary: "the built-in reference server passed every check; nothing of yours was tested: \
                  add --server URL"
            .to_owned(),
        interrupted: false,
        fidelity: Fidelity {
            chain: "anvil".to_owned(),
            requested: "auto".to_owned(),
            reason: None,
            network: Some("eip155:84532".to_owned()),
            node: Some("anvil/v1.4.0".to_owned()),
        },
        target: Target {
            kind: "builtin".to_owned(),
            name: "reference server".to_owned(),
            url: Some("http://127.0.0.1:41873/paid".to_owned()),
            versions: vec!["v1".to_owned(), "v2".to_owned()],
            uses_our_facilitator: Some(true),
        },
        controls: Controls {
            positive: held("a fresh payment was served, settled once and seen by our facilitator"),
            mutation: held("the same payment with one signature byte flipped was refused"),
        },
        seed: 7_316_294,
        command: None,
        bench_version: "0.1.0".to_owned(),
        spec_revision: "dd927a26".to_owned(),
        started_unix_s: 1_770_000_000,
        duration_ms: 4_250,
        counts: Counts::default(),
        checks: builtin_checks(),
        invariants: builtin_invariants(),
        money: Money {
            signed: 14,
            settled: 9,
            granted: 9,
            amounts: BTreeMap::from([
                ("signed".to_owned(), "140000".to_owned()),
                ("settled".to_owned(), "90000".to_owned()),
                ("granted".to_owned(), "90000".to_owned()),
            ]),
            ..Money::default()
        },
        latency: vec![PhaseLatency {
            phase: "paid".to_owned(),
            count: 9,
            p50_us: 12_345,
            p99_us: 40_001,
            max_us: 1_250_000,
        }],
        expectations: None,
        notes: Vec::new(),
        scenarios: Vec::new(),
        books: books(),
        books_left_out: 0,
        load: None,
    })
}

/// A server that serves replays, with an invariant broken by the same exchange.
pub(crate) fn nonconformant() -> Report {
    let mut report = conformant_builtin();
    report.verdict = RunVerdict::Nonconformant;
    report.summary = "a payment that was already used bought the resource again, twice; record every authorization \
                      as used before the handler's answer leaves"
        .to_owned();
    report.target = Target {
        kind: "server".to_owned(),
        name: "shop-api".to_owned(),
        url: Some("http://127.0.0.1:3000/paid?q=1&r=2".to_owned()),
        versions: vec!["v2".to_owned()],
        uses_our_facilitator: Some(true),
    };
    let mut warn = check(
        "SRV-V2-402-009",
        "The amount is greater than zero",
        Verdict::Warn,
        "accepts[1].amount is 0",
    );
    warn.grade = "warn".to_owned();
    let mut shape = check(
        "SRV-V2-402-010",
        "A resource object with a string url is present",
        Verdict::Fail,
        "resource.url is missing",
    );
    shape.evidence = vec![evidence("exchange", "0", "the challenge, 412 bytes")];
    let mut replay = check(
        "SRV-REPLAY-001",
        "A payment buys the resource once",
        Verdict::Fail,
        "the same payment header was sent three times and served three times, with one Transfer",
    );
    let hash = format!("0x{}", "5d".repeat(32));
    replay.evidence = vec![
        evidence("exchange", "12", "200 with the paid body"),
        evidence("exchange", "13", "200 with the paid body, the same payment"),
        evidence("transaction", &hash, "the only Transfer of 10000"),
    ];
    replay.cause = Some("the settlement's outcome is cached by payer and not by nonce".to_owned());
    replay.fix = Some("settle, or look the nonce up, on every request".to_owned());
    replay.replay = Some(
        "x402-assay run --server http://127.0.0.1:3000/paid --check SRV-REPLAY-001".to_owned(),
    );
    replay.tags = vec!["CWE-294".to_owned(), "MAESTRO-L3".to_owned()];
    report.checks.splice(1..1, [warn, shape, replay]);
    for (index, exchange) in [(0, "13"), (2, "13"), (4, "99")] {
        let invariant = &mut report.invariants[index];
        invariant.verdict = Verdict::Fail;
        invariant.observed = 9;
        invariant.violations = vec![Violation {
            authorization: Some("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/0x1111".to_owned()),
            text: "3 grants for 1 Transfer".to_owned(),
            evidence: vec![evidence("exchange", exchange, "200 with the paid body")],
        }];
    }
    report.money.granted = 11;
    report.money.unpaid_grants = 2;
    report.notes =
        vec!["the target answered 429 twice; the bench waited as Retry-After said".to_owned()];
    recount(report)
}

pub(crate) fn no_positive_control() -> Report {
    let mut report = conformant_builtin();
    report.verdict = RunVerdict::Inconclusive;
    report.summary =
        "no payment was accepted: the target never called our facilitator; start it with \
                      FACILITATOR_URL=http://127.0.0.1:4402"
            .to_owned();
    report.fidelity = Fidelity {
        chain: "memory".to_owned(),
        requested: "auto".to_owned(),
        reason: Some("no Anvil was found and npm is missing".to_owned()),
        network: Some("eip155:84532".to_owned()),
        node: None,
    };
    report.target.kind = "server".to_owned();
    report.target.name = "http://127.0.0.1:41873/paid".to_owned();
    report.target.uses_our_facilitator = Some(false);
    report.controls = Controls {
        positive: Control {
            held: false,
            cause: Some("facilitator-never-called".to_owned()),
            detail: "a correct payment was answered 402 and no call arrived at our facilitator"
                .to_owned(),
        },
        mutation: Control {
            held: false,
            cause: None,
            detail: "not tried: no payment was accepted".to_owned(),
        },
    };
    let open = check(
        "SRV-TERM-002",
        "A wrong amount is refused",
        Verdict::Inconclusive,
        "nothing was accepted, so a refusal says nothing",
    );
    report.checks.push(open);
    for invariant in &mut report.invariants {
        *invariant = self::invariant(&invariant.id, &invariant.title, 0);
    }
    report.money = Money {
        signed: 3,
        ..Money::default()
    };
    report.latency.clear();
    recount(report)
}

pub(crate) fn interrupted() -> Report {
    let mut report = conformant_builtin();
    report.verdict = RunVerdict::Inconclusive;
    report.interrupted = true;
    report.summary = "stopped by Ctrl-C after 1 of 5 checks; run it again to the end".to_owned();
    report.duration_ms = 850;
    for check in &mut report.checks[1..] {
        check.verdict = Verdict::Skipped;
        check.detail = "the run was stopped".to_owned();
    }
    recount(report)
}

fn books() -> Vec<BookRow> {
    let row = |authorization, probe: &str, outcome: &str| BookRow {
        authorization,
        probe: probe.to_owned(),
        wrong: None,
        payer: "0x00000000000000000000000000000000000000Aa".to_owned(),
        nonce: format!("0x{}", "11".repeat(32)),
        value: "10000".to_owned(),
        verify: 1,
        handler: Some(1),
        settle: 1,
        transfers: 1,
        grants: 1,
        transaction: Some(format!("0x{}", "ab".repeat(32))),
        outcome: outcome.to_owned(),
    };
    let mutation = BookRow {
        wrong: Some("signature-flipped".to_owned()),
        handler: Some(0),
        settle: 0,
        transfers: 0,
        grants: 0,
        transaction: None,
        ..row(1, "v2/mutation", "refused")
    };
    vec![row(0, "v2/good", "balanced"), mutation]
}
