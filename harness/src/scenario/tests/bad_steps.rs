use std::fmt::Write as _;

use super::{HEAD, SIGNED, problems};

/// Wrong steps, after a right head that needs everything and two steps that name `offer` and `payment`.
const STEPS: &[(&str, &str)] = &[
    ("unknown step", "  - sned: { payment: payment }\n"),
    ("unknown step, nothing near", "  - teleport\n"),
    ("step that is a number", "  - 5\n"),
    ("step that is a list", "  - [send]\n"),
    ("empty step", "  - {}\n"),
    ("keys not indented", "  - send:\n    payment: payment\n"),
    (
        "two steps in one item",
        "  - release: {}\n    settle_down: {}\n",
    ),
    (
        "unknown key of a step",
        "  - send: { payment: payment, copis: 3 }\n",
    ),
    ("undefined name", "  - send: { payment: paymnet }\n"),
    (
        "undefined name, nothing near",
        "  - send: { payment: zebra }\n",
    ),
    ("name of another kind", "  - send: { payment: offer }\n"),
    (
        "name used before it is given",
        "  - send: { payment: later }\n  - sign: { offer: offer, as: later }\n",
    ),
    ("name given twice", "  - quote: { as: payment }\n"),
    ("name of a predefined payer", "  - payer: { as: alice }\n"),
    (
        "wallet of an unknown kind",
        "  - payer: { wallet: deploid, as: wallet }\n",
    ),
    ("name with capitals", "  - quote: { as: Offer2 }\n"),
    ("name missing", "  - quote: { route: /paid }\n"),
    (
        "unknown payer",
        "  - sign: { offer: offer, payer: alcie, as: p2 }\n",
    ),
    (
        "unknown variation",
        "  - sign: { offer: offer, wrong: ammount-low, as: p2 }\n",
    ),
    (
        "wrong amount",
        "  - sign: { offer: offer, value: prize + 1, as: p2 }\n",
    ),
    (
        "negative amount",
        "  - sign: { offer: offer, value: -5, as: p2 }\n",
    ),
    (
        "window that ends twice",
        "  - sign: { offer: offer, valid_for: 1m, expired_for: 1m, as: p2 }\n",
    ),
    ("negative duration", "  - wait: { for: -3s }\n"),
    ("duration without a unit", "  - wait: { for: 3 }\n"),
    ("huge duration", "  - wait: { for: 99999999h }\n"),
    (
        "wait longer than the case",
        "  - wait: { for: 40s }\n  - wait: { for: 30s }\n",
    ),
    (
        "wait for both",
        "  - wait: { for: 1s, until: 1 settle seen }\n",
    ),
    (
        "condition that is none",
        "  - wait: { until: settle was seen }\n",
    ),
    (
        "condition with a wrong count",
        "  - wait: { until: 0 settle seen }\n",
    ),
    (
        "condition of an unknown name",
        "  - wait: { until: crowd done }\n",
    ),
    ("zero copies", "  - send: { payment: payment, copies: 0 }\n"),
    (
        "huge copies",
        "  - send: { payment: payment, copies: 100000 }\n",
    ),
    (
        "copies as text",
        "  - send: { payment: payment, copies: \"10\" }\n",
    ),
    (
        "too many requests of a batch",
        "  - sign: { offer: offer, count: 100, as: many }\n  - send: { payment: many, copies: 6 }\n",
    ),
    (
        "concurrency above copies",
        "  - send: { payment: payment, copies: 3, concurrency: 5 }\n",
    ),
    ("nothing to send", "  - send: { copies: 3 }\n"),
    (
        "paid and unpaid",
        "  - send: { payment: payment, without_payment: true }\n",
    ),
    (
        "retry without a payment",
        "  - send: { without_payment: true, retry: { policy: same-payment } }\n",
    ),
    (
        "retry policy unknown",
        "  - send: { payment: payment, retry: { policy: same_payment } }\n",
    ),
    (
        "time-out policy without one",
        "  - send: { payment: payment, retry: { policy: after-timeout, attempts: 99 } }\n",
    ),
    (
        "unknown encoding",
        "  - send: { payment: payment, encode: whitespaces }\n",
    ),
    (
        "second payment without a doubled header",
        "  - send: { payment: payment, also: payment }\n",
    ),
    (
        "payment written as a header",
        "  - send: { without_payment: true, headers: { X-PAYMENT: abc, content-length: 3 } }\n",
    ),
    (
        "header that is none, header twice, header of two lines",
        "  - send: { without_payment: true, headers: { \"a b\": c, X-One: 1, x-one: 2, X-Two: \"a\\nb\" } }\n",
    ),
    (
        "no headers",
        "  - send: { without_payment: true, headers: {} }\n",
    ),
    (
        "query with white space",
        "  - send: { without_payment: true, query: \"a b\" }\n",
    ),
    (
        "text in a path that takes none",
        "  - send: { without_payment: true, path_text: x, path_form: upper-case }\n",
    ),
    (
        "payment header of no size",
        "  - send: { payment: payment, header_size: 99999999 }\n",
    ),
    (
        "near miss of a new key",
        "  - send: { payment: payment, heder_size: 4096, querry: a }\n",
    ),
    (
        "barrier larger than copies",
        "  - hold: { on: verify, until: 50 in flight }\n  - send: { payment: payment, copies: 10 }\n",
    ),
    (
        "barrier with nothing sent",
        "  - send: { payment: payment }\n  - hold: { on: verify, until: 1 in flight }\n",
    ),
    (
        "barrier in other words",
        "  - hold: { on: verify, until: fifty }\n  - send: { payment: payment }\n",
    ),
    (
        "hold never released",
        "  - hold: { on: settle, until: told }\n  - send: { payment: payment, background: true }\n",
    ),
    ("release of nothing", "  - release\n"),
    (
        "quiet time of a told hold",
        "  - hold: { on: settle, until: told, or_quiet: 1s }\n  - send: { payment: payment, background: true }\n  - release\n",
    ),
    (
        "verify has no broadcast",
        "  - facilitator: { on: verify, reset: after-broadcast }\n",
    ),
    ("fault without `on`", "  - facilitator: { delay: 1s }\n"),
    (
        "fault that injects nothing",
        "  - facilitator: { on: settle, nth: 1 }\n",
    ),
    (
        "two faults in one step",
        "  - facilitator: { on: settle, hang: before-work, lie: success }\n",
    ),
    (
        "canned answer beside a lie",
        "  - facilitator: { on: settle, status: 500, lie: success }\n",
    ),
    (
        "lie on the wrong endpoint",
        "  - facilitator: { on: verify, lie: success }\n",
    ),
    (
        "unknown odd body",
        "  - facilitator: { on: verify, body: emty }\n",
    ),
    (
        "outage of one endpoint",
        "  - facilitator: { on: settle, outage: true }\n",
    ),
    (
        "status out of range",
        "  - facilitator: { on: settle, status: 99 }\n",
    ),
    (
        "redirect that is none",
        "  - facilitator: { on: supported, redirect: 304 }\n",
    ),
    (
        "nth and times",
        "  - facilitator: { on: settle, nth: 2, times: 3, delay: 1s }\n",
    ),
    (
        "event of the other link",
        "  - link: { between: server-facilitator, on: after-payment, fault: reset }\n",
    ),
    (
        "link without a fault",
        "  - link: { between: client-server, on: after-payment }\n",
    ),
    (
        "unknown event",
        "  - link: { between: client-server, on: settle-answered, fault: reset }\n",
    ),
    ("two chain actions", "  - chain: { warp: 5s, reorg: 1 }\n"),
    ("deep reorg", "  - chain: { reorg: 13 }\n"),
    ("unknown chain action", "  - chain: { fork: 1 }\n"),
    ("unknown token", "  - chain: { token: fee }\n"),
    (
        "RPC fault that is none",
        "  - chain: { rpc: { percent: 30 } }\n",
    ),
    (
        "lag without a lag",
        "  - chain: { rpc: { lie: head-zero, blocks: 5 } }\n",
    ),
    (
        "pointer with dots",
        "  - mutate: { payment: payment, set: { accepted.amount: \"1\" }, as: m }\n",
    ),
    (
        "change of nothing",
        "  - mutate: { payment: payment, as: m }\n",
    ),
    (
        "terms of supported",
        "  - call: { on: supported, terms: offer }\n",
    ),
    (
        "undefined reference",
        "  - send: { payment: payment, copies: \"${cpies}\" }\n",
    ),
    (
        "reference that does not end",
        "  - send: { payment: payment, copies: \"${copies\" }\n",
    ),
    (
        "path with a fragment",
        "  - quote: { route: \"/paid#x\", as: o2 }\n",
    ),
    ("too many replicas", "  - replicas: { count: 17 }\n"),
];

#[test]
fn every_bad_step_says_what_is_wrong() {
    let needs = "needs: [facilitator, anvil, origin, executions, launch, replicas, second-route]";
    let mut shown = String::new();
    for (name, step) in STEPS {
        let text =
            format!("{HEAD}{needs}\nsteps:\n{SIGNED}{step}expect: [{{ invariant: [I1] }}]\n");
        writeln!(shown, "## {name}\n{}\n", problems(name, &text)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn needs_that_are_not_stated_are_named() {
    let text = format!(
        "{HEAD}steps:\n  - replicas: {{ count: 2 }}\n{SIGNED}  - origin: {{ status: 500, as: failing }}\n  \
         - quote: {{ route: other, as: o2 }}\n  - hold: {{ on: verify, until: 1 in flight }}\n  \
         - facilitator: {{ on: settle, delay: 1s }}\n  - send: {{ payment: payment, replica: 2 }}\n  \
         - chain: {{ reorg: 1 }}\n  - chain: {{ warp: 5s }}\n  - restart\n  - wait: {{ until: payment settled }}\n\
         expect:\n  - transfers: 1\n  - executions: 1\n  - no_paid_bytes\n"
    );
    insta::assert_snapshot!(problems("needs", &text));
}

#[test]
fn steps_of_another_role_are_refused() {
    let text = "scenario: t\nabout: A test.\nrole: facilitator\nneeds: [chain]\nsteps:\n  - hold: { on: verify, until: 1 in flight }\n  - facilitator: { on: settle, delay: 1s }\n  - buy\n  - restart: { of: facilitator }\nexpect: [{ invariant: [I5] }]\n";
    insta::assert_snapshot!(problems("role", text));
    let client = text.replace("role: facilitator", "role: client");
    assert!(problems("client", &client).contains("scenarios for clients are not read"));
}
