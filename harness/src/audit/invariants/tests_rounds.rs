//! What lies and rounds of scenarios add: red on one deviation each, and quiet where they must be.

use std::time::Duration;

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::{Told, judge_all};
use crate::audit::{Books, Recovery, Round, Span};
use crate::history::Facts;
use crate::history::script::{Call, Payment, Probe, Reply, Script};

const GOOD: &str = "v2/good";

fn honest() -> Script {
    Script::honest(Version::V2)
}

fn told(script: &Script, round: Option<&dyn Fn() -> Round<'static, 'static>>, id: &str) -> Told {
    let events = script.events();
    let facts = Facts::new(&events, None);
    let books = Books::keep(&facts);
    let round = round.map(|round| round());
    let span = Span {
        facts: &facts,
        books: &books,
        round: round.as_ref(),
    };
    let found = judge_all(&span).into_iter().find(|told| told.id == id);
    found.unwrap_or_else(|| panic!("{id} is not judged"))
}

fn lied_yes() -> Call {
    Call {
        lied: true,
        ..Call::settle(true)
    }
}

/// Served twice, each time on a lie that says yes.
fn fooled_twice() -> Script {
    honest()
        .edit(GOOD, |probe| {
            probe.calls = vec![lied_yes()];
            probe.moves.clear();
        })
        .edit("v2/replay", |probe| {
            probe.payment = Some(Payment::Again(GOOD.to_owned()));
            probe.calls = vec![lied_yes()];
            probe.deliver();
        })
}

#[test]
fn i3_a_server_that_relies_on_its_facilitator_is_recorded() {
    let row = told(&fooled_twice(), None, "I3");
    assert_eq!((row.verdict, row.breaches.len()), (Verdict::Pass, 1));
    assert_eq!(row.breaches[0].0, Verdict::Info);
}

#[test]
fn i3_a_repeat_that_nobody_called_settled_fails_under_lies_too() {
    let cached = fooled_twice().edit("v2/replay", |probe| probe.calls.clear());
    assert_eq!(told(&cached, None, "I3").verdict, Verdict::Fail);
}

#[test]
fn i3_a_gap_in_the_servers_own_guard_fails() {
    let mut refused = Probe::new("v2/third", Reply::answer(402, "{}"));
    refused.payment = Some(Payment::Again(GOOD.to_owned()));
    let row = told(&fooled_twice().then(refused.clone()), None, "I3");
    assert_eq!(row.verdict, Verdict::Fail);
    assert!(row.breaches[0].1.text.contains("guard has a gap"));
    // A refusal that the facilitator asked for shows no guard.
    refused.calls = vec![Call::settle(false)];
    let row = told(&fooled_twice().then(refused), None, "I3");
    assert_eq!(row.verdict, Verdict::Pass);
}

#[test]
fn i10_a_paid_body_without_any_settlement() {
    let leaked = honest().edit(GOOD, |probe| {
        probe.calls[1] = Call::settle(false);
        probe.moves.clear();
    });
    let row = told(&leaked, None, "I10");
    assert_eq!((row.verdict, row.observed), (Verdict::Fail, 2));
    let upfront = leaked.setup(|run| run.flow = "upfront".to_owned());
    assert_eq!(told(&upfront, None, "I10").verdict, Verdict::Fail);
    let kept = honest().edit(GOOD, |probe| {
        probe.calls[1] = Call::settle(false);
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    });
    let row = told(&kept, None, "I10");
    assert_eq!((row.verdict, row.observed), (Verdict::Pass, 2));
    let upfront = kept.setup(|run| run.flow = "upfront".to_owned());
    let row = told(&upfront, None, "I10");
    assert_eq!((row.verdict, row.observed), (Verdict::Pass, 1));
}

#[test]
fn i2_what_a_round_made_go_wrong_warns() {
    let charged = honest().edit(GOOD, |probe| probe.reply = Reply::answer(500, "oops"));
    let disturbed = || Round {
        disturbances: vec!["outage of step 2".to_owned()],
        ..Round::default()
    };
    let row = told(&charged, Some(&disturbed), "I2");
    assert_eq!(row.verdict, Verdict::Warn);
    assert!(row.breaches[0].1.text.contains("outage of step 2"));
    let quiet = || Round::default();
    assert_eq!(told(&charged, Some(&quiet), "I2").verdict, Verdict::Fail);
}

#[test]
fn i9_a_purchase_that_was_tried_until_served() {
    let recovery = |served| {
        move || Round {
            recoveries: vec![Recovery {
                step: 4,
                within: Duration::from_secs(5),
                authorizations: vec![0],
                served,
            }],
            ..Round::default()
        }
    };
    let row = told(&honest(), Some(&recovery(false)), "I9");
    assert_eq!((row.verdict, row.observed), (Verdict::Warn, 1));
    let row = told(&honest(), Some(&recovery(true)), "I9");
    assert_eq!((row.verdict, row.observed), (Verdict::Pass, 1));
    let none = || Round::default();
    assert_eq!(told(&honest(), Some(&none), "I9").verdict, Verdict::Skipped);
}
