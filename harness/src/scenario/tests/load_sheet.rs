use std::fmt::Write as _;
use std::time::Duration;

use x402_assay_reports::model::load::LoadKind;

use super::{HEAD, parse, problems};
use crate::load::{Connections, Journey, LoadSheet, Pace, Part, SheetPace, Signing};

fn sheet(text: &str) -> LoadSheet {
    let scenario = parse(&format!("{HEAD}{text}")).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.load.expect("a load scenario")
}

#[test]
fn every_key_is_read() {
    let all = sheet(
        "kind: paid\narrivals: { poisson: 50/s, for: 10s }\nmix: { buy: 87.5, duplicate: 10, expired: 2.5% }\n\
         connections: new:9\nsigning: ahead\nwarm_up: 2s\nqueue: 5\npayers: 3\ntimeout: 4s\n\
         thresholds: [goodput >= 40/s, p99(paid) < 250ms]\n",
    );
    assert_eq!(all.kind, LoadKind::Paid);
    assert_eq!(all.connections, Connections::PerPayment { at_once: 9 });
    assert_eq!(all.signing, Signing::Ahead);
    assert_eq!((all.queue, all.payers), (5, 3));
    assert_eq!(
        (all.warm_up, all.timeout),
        (Duration::from_secs(2), Duration::from_secs(4))
    );
    assert!((all.mix.percent(Part::Buy) - 87.5).abs() < 1e-9);
    let thresholds: Vec<String> = all.thresholds.iter().map(ToString::to_string).collect();
    assert_eq!(thresholds, ["goodput >= 40/s", "p99(paid) < 250ms"]);
    let plan = all.plan(7);
    assert_eq!((plan.seed, plan.check()), (7, Ok(())));
    assert_eq!(plan.pace.to_string(), "poisson:50/s for 10s");
}

#[test]
fn every_schedule_is_the_one_of_the_command_line() {
    for (yaml, words) in [
        ("{ constant: 5/s, for: 10s }", "5/s for 10s"),
        (
            "{ ramp: { from: 5/s, to: 9/s }, for: 10s }",
            "ramp:5/s..9/s for 10s",
        ),
        (
            "{ spike: { base: 1/s, peak: 9/s, at: 2s, hold: 1s }, for: 10s }",
            "spike:1/s..9/s@2s+1s for 10s",
        ),
        (
            "{ steps: [{ rate: 60/min, for: 3s }, { rate: 2/s, for: 1m }] }",
            "steps:1/s+3s,2/s+1m for 63s",
        ),
    ] {
        let read = sheet(&format!("arrivals: {yaml}\n"));
        assert_eq!(read.plan(1).pace.to_string(), words);
        assert_eq!(
            read.kind,
            LoadKind::Paid,
            "for servers, unless said otherwise"
        );
    }
    let text = HEAD.replace("server", "facilitator");
    let facilitator = parse(&format!("{text}arrivals: {{ constant: 5/s, for: 10s }}\n")).unwrap();
    assert_eq!(facilitator.load.unwrap().kind, LoadKind::Settle);
}

#[test]
fn faults_come_in_order_in_the_words_of_steps() {
    let read = sheet(
        "arrivals: { constant: 5/s, for: 20s }\nfaults:\n  - { at: 2s, for: 1s, chain: { mine: stop } }\n  \
         - { at: 5s, for: 2s, facilitator: { on: settle, delay: 500ms } }\n  \
         - { at: 9s, for: 1s, facilitator: { on: any, status: 503 } }\n",
    );
    let told: Vec<String> = read
        .plan(1)
        .faults
        .iter()
        .map(|fault| fault.what.to_string())
        .collect();
    assert_eq!(
        told,
        [
            "mining stopped",
            "facilitator: settle answered 500ms late",
            "facilitator: everything answered HTTP 503"
        ]
    );
    let second = &read.faults[1];
    assert_eq!(
        (second.at, second.lasts),
        (Duration::from_secs(5), Duration::from_secs(2))
    );
}

#[test]
fn users_have_journeys_and_pauses() {
    let read =
        sheet("users: { count: 3, for: 5s, think: 1s..2s, journeys: { pay: 60, browse: 40 } }\n");
    assert!(matches!(read.plan(1).pace, Pace::Users(_)));
    let SheetPace::Users(users) = read.pace else {
        panic!("no users")
    };
    assert_eq!((users.count, users.duration), (3, Duration::from_secs(5)));
    assert_eq!(
        users.think,
        (Duration::from_secs(1), Duration::from_secs(2))
    );
    let pick = |draw| users.journeys.pick(draw);
    assert_eq!(
        [pick(0), pick(5_999), pick(6_000)],
        [Journey::Pay, Journey::Pay, Journey::Browse]
    );
    let SheetPace::Users(plain) = sheet("users: { count: 1, for: 5s }\n").pace else {
        panic!("no users")
    };
    assert_eq!(plain.think, (Duration::ZERO, Duration::ZERO));
}

/// Wrong files, after a right head.
const FILES: &[(&str, &str)] = &[
    ("no pace", "mix: { buy: 100 }\nthresholds: []\n"),
    (
        "both",
        "arrivals: { constant: 5/s, for: 10s }\nusers: { count: 1, for: 5s }\n",
    ),
    (
        "steps beside",
        "arrivals: { constant: 5/s, for: 10s }\nsteps: [buy]\nexpect: [{ invariant: [I1] }]\n",
    ),
    ("no shape", "arrivals: { for: 10s }\n"),
    (
        "two shapes",
        "arrivals: { constant: 5/s, poisson: 5/s, for: 10s }\n",
    ),
    ("unknown shape", "arrivals: { constnt: 5/s, for: 10s }\n"),
    ("no length", "arrivals: { constant: 5/s }\n"),
    ("zero", "arrivals: { constant: 0/s, for: 10s }\n"),
    ("no unit", "arrivals: { constant: 5, for: 10 }\n"),
    (
        "half a ramp",
        "arrivals: { ramp: { from: 5/s }, for: 10s }\n",
    ),
    (
        "late spike",
        "arrivals: { spike: { base: 1/s, peak: 9/s, at: 9s, hold: 5s }, for: 10s }\n",
    ),
    ("no steps", "arrivals: { steps: [] }\n"),
    (
        "faults that are none",
        "arrivals: { constant: 5/s, for: 10s }\nfaults:\n  - { at: 2s, chain: { mine: one } }\n  \
         - { at: 4s, for: 1s, facilitator: { on: settle, status: 200 } }\n  - { at: 6s, for: 1s }\n",
    ),
    (
        "a fault that nobody sees end",
        "arrivals: { constant: 5/s, for: 10s }\nfaults: [{ at: 7s, for: 3s, chain: { mine: stop } }]\n",
    ),
    (
        "a fault on a ramp",
        "arrivals: { ramp: { from: 5/s, to: 9/s }, for: 10s }\nfaults: [{ at: 2s, for: 3s, chain: { mine: stop } }]\n",
    ),
    (
        "a fault of users",
        "users: { count: 1, for: 9s }\nfaults: [{ at: 2s, for: 3s, chain: { mine: stop } }]\n",
    ),
    (
        "steps and a length",
        "arrivals: { steps: [{ rate: 5/s, for: 1s }], for: 10s }\n",
    ),
    ("no users", "users: { count: 0, for: 5s }\n"),
    (
        "backward pause",
        "users: { count: 1, for: 5s, think: 2s..1s }\n",
    ),
    (
        "unknown journey",
        "users: { count: 1, for: 5s, journeys: { pays: 100 } }\n",
    ),
    (
        "mix of users",
        "users: { count: 1, for: 5s }\nmix: { buy: 100 }\n",
    ),
    (
        "wrong role",
        "kind: settle\narrivals: { constant: 5/s, for: 10s }\n",
    ),
    (
        "mix of nothing paid",
        "kind: unpaid\narrivals: { constant: 5/s, for: 10s }\nmix: { buy: 50, abandon: 50 }\n",
    ),
];

/// Wrong keys, after a right schedule.
const KEYS: &[(&str, &str)] = &[
    (
        "mix that does not add up",
        "mix: { buy: 50, duplicate: 40 }\n",
    ),
    ("unknown part", "mix: { buy: 50, dupliccate: 50 }\n"),
    ("connections", "connections: many\n"),
    ("queue", "queue: 1000001\n"),
    ("payers", "payers: 0\n"),
    ("unknown key", "thershold: []\n"),
    (
        "three thresholds",
        "thresholds: [godput > 5/s, p99(paid) < 5, dropped < 1%]\n",
    ),
];

#[test]
fn every_bad_load_file_says_what_is_wrong() {
    const GOOD: &str = "arrivals: { constant: 5/s, for: 10s }\n";
    let mut said = String::new();
    for (name, text) in FILES {
        writeln!(
            said,
            "# {name}\n{}",
            problems(name, &format!("{HEAD}{text}"))
        )
        .unwrap();
    }
    for (name, text) in KEYS {
        writeln!(
            said,
            "# {name}\n{}",
            problems(name, &format!("{HEAD}{GOOD}{text}"))
        )
        .unwrap();
    }
    insta::assert_snapshot!(said);
}
