use std::time::Duration;

use super::super::expect::Expect;
use super::super::steps::{HoldOn, Order, Route, Until};
use super::super::words::{Encoding, Need, OddBody};
use super::super::{Amount, Parameters, Range, Role, Step, builtin_named};
use super::*;

const SKETCH: &str = r#"
scenario: concurrent-duplicates
about: N copies of one payment, released at the same instant, buy the resource at most once.
role: server
tags: [replay, race]
needs: [facilitator, chain]
vary: { copies: [2, 10, 50], settle_delay: [0ms, 250ms] }
rounds: 3
timeout: 30s
steps:
  - quote: { route: /paid, as: offer }
  - sign: { offer: offer, payer: alice, as: payment }
  - facilitator: { on: settle, delay: "${settle_delay}" }
  - hold: { on: verify, until: "${copies} in flight", or_quiet: 400ms, release: seeded-order }
  - send: { payment: payment, copies: "${copies}" }
  - settle_down: { within: 10s }
expect:
  - invariant: [I1, I3, I5]
  - responses: { delivered: 1 }
  - balances: { alice: -1, payee: { at_least: 0, at_most: 1 } }
    grade: warn
    why: the price moves once
"#;

#[test]
fn the_sketch_of_the_design_is_read_into_types() {
    let scenario = parse(SKETCH).unwrap();
    assert_eq!(scenario.name, "concurrent-duplicates");
    assert_eq!(scenario.role, Role::Server);
    assert_eq!(scenario.needs, [Need::Facilitator, Need::Chain]);
    assert_eq!(scenario.warnings, [] as [&str; 0]);
    let labels: Vec<&str> = scenario
        .expand()
        .iter()
        .map(|case| case.label.as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "copies=2 settle_delay=0ms",
            "copies=2 settle_delay=250ms",
            "copies=10 settle_delay=0ms",
            "copies=10 settle_delay=250ms",
            "copies=50 settle_delay=0ms",
            "copies=50 settle_delay=250ms",
        ]
    );
    let case = &scenario.expand()[3];
    assert_eq!((case.rounds, case.timeout), (3, Duration::from_secs(30)));
    let names: Vec<&str> = case.steps.iter().map(|step| step.step.name()).collect();
    assert_eq!(
        names,
        [
            "quote",
            "sign",
            "facilitator",
            "hold",
            "send",
            "settle_down"
        ]
    );
    assert_eq!((case.steps[3].number, case.steps[3].line), (4, 14));
    let Step::Hold(hold) = &case.steps[3].step else {
        panic!("{:?}", case.steps[3])
    };
    assert_eq!(hold.on, HoldOn::Verify);
    assert_eq!(
        hold.until,
        Until::InFlight {
            count: 10,
            or_quiet: Duration::from_millis(400),
            release: Order::SeededOrder,
        }
    );
    let Step::Send(send) = &case.steps[4].step else {
        panic!("{:?}", case.steps[4])
    };
    assert_eq!((send.copies, send.concurrency), (10, 10));
    let Expect::Responses(responses) = &case.expect[1].expect else {
        panic!("{:?}", case.expect[1])
    };
    assert_eq!(responses.delivered, Some(Range::exactly(1)));
    assert_eq!(case.expect[2].why.as_deref(), Some("the price moves once"));
}

#[test]
fn bare_words_and_empty_values_mean_defaults() {
    let text = format!(
        "{HEAD}needs: [facilitator, chain]\nsteps:\n  - quote: {{ as: o }}\n  - sign: {{ offer: o, as: p }}\n  \
         - hold: {{ on: settle, until: told }}\n  - send: {{ payment: p, background: true }}\n  \
         - release\n  - settle_down:\nexpect:\n  - no_fresh_402_after_settle\n  - terms_from_server:\n    grade: warn\n"
    );
    let scenario = parse(&text).unwrap();
    let case = &scenario.expand()[0];
    assert_eq!(case.label, "");
    let Step::Quote(quote) = &case.steps[0].step else {
        panic!("{:?}", case.steps[0])
    };
    assert_eq!((&quote.route, quote.version), (&Route::Main, None));
    assert!(matches!(case.steps[4].step, Step::Release(_)));
    assert_eq!(case.expect.len(), 2);
}

#[test]
fn varied_values_may_refer_to_others_and_stand_in_keys() {
    let text = format!(
        "{HEAD}vary:\n  flight: [\"${{copies}}\"]\n  copies: [3]\n  member: [payTo]\n  way: [hex-case]\n\
         needs: [facilitator]\nsteps:\n  - quote: {{ as: o }}\n  - sign: {{ offer: o, value: price + 1, as: p }}\n  \
         - mutate: {{ payment: p, set: {{ \"/accepted/${{member}}\": null }}, as: m }}\n  \
         - hold: {{ on: verify, until: \"${{flight}} in flight\" }}\n  \
         - send: {{ payment: m, copies: \"${{copies}}\", encode: \"${{way}}\" }}\nexpect:\n  - invariant: [I1]\n"
    );
    let scenario = parse(&text).unwrap();
    let case = &scenario.expand()[0];
    assert_eq!(case.label, "flight=3 copies=3 member=payTo way=hex-case");
    let shown = format!("{:?}", case.steps);
    assert!(shown.contains("/accepted/payTo"), "{shown}");
    assert!(
        shown.contains(&format!("With({:?})", Encoding::HexCase)),
        "{shown}"
    );
    let Step::Sign(sign) = &case.steps[1].step else {
        panic!("{shown}")
    };
    assert_eq!(sign.value, Some(Amount::PricePlus(1)));
}

#[test]
fn names_that_are_never_used_are_warned_of() {
    let text = format!(
        "{HEAD}needs: [chain]\nsteps:\n  - quote: {{ as: o }}\n  - quote: {{ as: spare }}\n  \
         - sign: {{ offer: o, as: p }}\n  - payer: {{ as: dora }}\n  - send: {{ payment: p, as: got }}\n\
         expect:\n  - invariant: [I1]\n"
    );
    let scenario = parse(&text).unwrap();
    assert_eq!(
        scenario.warnings,
        [
            "t.yaml:7:18: `spare` (an offer) is never used",
            "t.yaml:9:18: `dora` (a payer) is never used",
        ]
    );
}

#[test]
fn a_case_of_other_values_can_be_made() {
    let scenario = parse(SKETCH).unwrap();
    let parameters = Parameters::from_texts([("copies", "3"), ("settle_delay", "1s")]);
    let case = scenario.case(&parameters).unwrap();
    assert_eq!(case.label, "copies=3 settle_delay=1s");
    let recorded = scenario.expand()[2].parameters.clone();
    assert_eq!(scenario.case(&recorded).unwrap(), scenario.expand()[2]);
    let wrong = Parameters::from_texts([("copies", "501"), ("delay", "1s")]);
    let message = scenario.case(&wrong).unwrap_err().to_string();
    assert!(message.contains("does not vary `delay`"), "{message}");
    assert!(message.contains("varies `settle_delay`"), "{message}");
    assert!(
        message.contains("from 1 to 500, found the number 501"),
        "{message}"
    );
}

#[test]
fn a_case_written_as_a_file_reads_as_the_same_case() {
    for (name, text) in super::super::BUILTIN {
        let scenario = Scenario::parse(text, name).unwrap();
        for case in scenario.expand() {
            let file = scenario.case_file(case, |_| true);
            let again = parse(&file).unwrap_or_else(|problems| panic!("{problems}\n{file}"));
            let [only] = again.expand() else {
                panic!("{file}")
            };
            let steps = |case: &super::super::Case| {
                case.steps
                    .iter()
                    .map(|s| s.step.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(steps(only), steps(case), "{name} {}", case.label);
            let expect = |case: &super::super::Case| {
                case.expect
                    .iter()
                    .map(|e| e.expect.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(expect(only), expect(case), "{name} {}", case.label);
        }
    }
}

#[test]
fn steps_can_be_left_out_of_a_written_case() {
    let scenario = parse(SKETCH).unwrap();
    let file = scenario.case_file(&scenario.expand()[0], |number| number != 3);
    let again = parse(&file).unwrap();
    let names: Vec<&str> = again.expand()[0]
        .steps
        .iter()
        .map(|s| s.step.name())
        .collect();
    assert_eq!(names, ["quote", "sign", "hold", "send", "settle_down"]);
}

#[test]
fn every_odd_body_of_the_library_is_read() {
    let text = builtin_named("verify-odd-bodies").unwrap();
    let scenario = parse(text).unwrap();
    let shown = format!("{:?}", scenario.expand());
    for body in [OddBody::Null, OddBody::True, OddBody::Empty] {
        assert!(shown.contains(&format!("Odd({body:?})")), "{body:?}");
    }
}
