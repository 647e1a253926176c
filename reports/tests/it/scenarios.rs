//! Samples of runs with scenarios: failing, warning, skipped.

use x402_assay_reports::model::*;

use crate::samples::{self, evidence};

fn case(number: u32, label: &str, verdict: Verdict, detail: &str) -> CaseResult {
    CaseResult {
        case: number,
        label: label.to_owned(),
        verdict,
        rounds: 1,
        with_verdict: 1,
        repeats: None,
        detail: detail.to_owned(),
        rate: None,
        findings: Vec::new(),
        interleaving: Vec::new(),
        minimised: None,
        replay: None,
    }
}

fn scenario(name: &str, about: &str, cases: Vec<CaseResult>) -> ScenarioResult {
    let verdict = cases.iter().map(|case| case.verdict).max();
    let verdict = verdict.unwrap_or(Verdict::Skipped);
    ScenarioResult {
        name: name.to_owned(),
        about: about.to_owned(),
        sources: Vec::new(),
        verdict,
        smallest: None,
        cases,
        replay: Some(format!(
            "x402-assay run {name} --server http://127.0.0.1:3000/paid --seed 7"
        )),
        expected: None,
    }
}

/// A race that was lost: one payment bought the resource twice.
fn race() -> ScenarioResult {
    let mut lost = case(
        2,
        "copies=2 settle_delay=250ms",
        Verdict::Fail,
        "invariant I3: delivered 2 times for one authorization",
    );
    (lost.rounds, lost.with_verdict) = (20, 3);
    lost.rate = Some("3 of 20 rounds: 15 %, between 5 and 36 % with 95 % confidence".to_owned());
    lost.repeats = Some(Repeated {
        ran: 4,
        with_verdict: 3,
        inconclusive: 1,
        seeds: vec![7, 9],
    });
    lost.interleaving = [
        "2 of 2 requests passed verify before the first settlement was answered",
        "sent: exchanges 4, 5",
        "/verify held: calls 1, 2",
        "/verify released: calls 1, 2",
        "/settle answered yes: calls 3, 4",
        "DELIVERED, HTTP 200: exchanges 4, 5",
    ]
    .map(str::to_owned)
    .to_vec();
    lost.findings = missed();
    lost.minimised = Some(Minimised {
        label: "copies=2".to_owned(),
        steps: (6, 4),
        tries: 9,
        confirmed: (3, 3),
    });
    lost.replay = Some("x402-assay replay out/replay/copies-2.yaml".to_owned());
    let held = case(
        1,
        "copies=2 settle_delay=0ms",
        Verdict::Pass,
        "2 requests, 1 delivered",
    );
    let mut race = scenario(
        "copies",
        "N copies of one payment buy the resource at most once.",
        vec![held, lost],
    );
    race.smallest = Some("copies=2 settle_delay=250ms".to_owned());
    race.sources = vec!["REP-02".to_owned(), "F#3401".to_owned()];
    race
}

fn missed() -> Vec<ScenarioFinding> {
    vec![
        ScenarioFinding {
            verdict: Verdict::Fail,
            expectation: "invariant I3".to_owned(),
            text: "delivered 2 times for one authorization".to_owned(),
            why: None,
            evidence: vec![
                evidence("exchange", "4", "scenario/copies/2/5 → HTTP 200"),
                evidence("facilitator_call", "3", "/settle → yes"),
                evidence(
                    "timeline",
                    "+0.0 ms",
                    "client: sends scenario/copies/2/5 (exchange 4)",
                ),
                evidence("timeline", "+1.2 ms", "facilitator: /verify call 1 held"),
                evidence(
                    "timeline",
                    "+1.9 ms",
                    "facilitator: /verify call 1 released, 1 of 2",
                ),
                evidence(
                    "timeline",
                    "at rest",
                    "ledger: Transfer of 10000 to 0x47 in block 3",
                ),
            ],
        },
        ScenarioFinding {
            verdict: Verdict::Warn,
            expectation: "transfers".to_owned(),
            text: "exactly 1 Transfers expected, 2 seen".to_owned(),
            why: Some("two Transfers for one purchase".to_owned()),
            evidence: Vec::new(),
        },
    ]
}

fn warned() -> ScenarioResult {
    let mut slow = case(
        1,
        "",
        Verdict::Warn,
        "invariant I9: no honest purchase was served",
    );
    slow.findings = vec![ScenarioFinding {
        verdict: Verdict::Warn,
        expectation: "invariant I9".to_owned(),
        text: "no honest purchase was served".to_owned(),
        why: None,
        evidence: Vec::new(),
    }];
    scenario(
        "outage",
        "After an outage the server sells again.",
        vec![slow],
    )
}

fn skipped(name: &str, reason: &str) -> ScenarioResult {
    scenario(
        name,
        "Not run.",
        vec![case(1, "", Verdict::Skipped, reason)],
    )
}

/// A run in which one scenario failed.
pub(crate) fn failing() -> Report {
    let mut report = with(vec![
        warned(),
        skipped("reorg", "needs a node"),
        race(),
        skipped("drain", "step 2: needs a node"),
        scenario(
            "says-no",
            "Settle says no.",
            vec![case(1, "", Verdict::Pass, "1 request")],
        ),
    ]);
    report.verdict = RunVerdict::Nonconformant;
    report.summary =
        "1 of 3 scenarios held, 1 warning, 1 failed, 2 skipped; fix first: copies.".to_owned();
    let once = report
        .invariants
        .iter_mut()
        .find(|row| row.id == "I3")
        .expect("the sample judges I3");
    once.verdict = Verdict::Fail;
    once.violations = vec![Violation {
        authorization: Some("0x15/0x31".to_owned()),
        text: "delivered 2 times for one authorization".to_owned(),
        evidence: vec![
            evidence("exchange", "4", "scenario/copies/2/5 → HTTP 200"),
            evidence(
                "timeline",
                "+0.0 ms",
                "client: sends scenario/copies/2/5 (exchange 4)",
            ),
        ],
    }];
    report
}

/// A run in which one scenario warned and none failed.
pub(crate) fn warning() -> Report {
    let mut report = with(vec![warned(), skipped("reorg", "needs a node")]);
    report.summary = "0 of 1 scenario held, 1 warning, 1 skipped; look first at outage.".to_owned();
    report
}

/// A run in which no scenario could be run.
pub(crate) fn all_skipped() -> Report {
    let mut report = with(vec![
        skipped("reorg", "needs a node"),
        skipped("drain", "step 2: needs a node"),
        skipped("stream", "the profile names no stream"),
    ]);
    report.verdict = RunVerdict::Inconclusive;
    report.summary = "no scenario could be run: reorg: needs a node.".to_owned();
    report
}

fn with(scenarios: Vec<ScenarioResult>) -> Report {
    Report {
        scenarios,
        ..samples::conformant_builtin()
    }
}
