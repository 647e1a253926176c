//! Sections C and D: versions, unusual terms, second offers, free routes and changing prices.

use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::Verdict;

use super::{assert_fails, assert_verdict, check};
use crate::history::script::{
    Call, Moves, Payment, Probe, Reply, Script, challenge_v2, encode, offer,
};

const V2: Version = Version::V2;

fn honest() -> Script {
    Script::honest(V2).and_open_terms(V2)
}

/// Served, and charged as offered.
fn sell(probe: &mut Probe) {
    probe.deliver();
    probe.calls = vec![Call::verify(true), Call::settle(true)];
    probe.moves = vec![Moves::default()];
}

#[test]
fn versions_that_nobody_supports_are_refused() {
    assert_verdict(&honest(), "SRV-VER-001", Verdict::Pass);
    for probe in ["version/0", "version/3", "version/99", "version/null"] {
        let name = format!("v2/{probe}");
        assert_fails(&honest().edit(&name, sell), "SRV-VER-001");
        assert_fails(
            &honest().edit(&name, |probe| probe.deliver()),
            "SRV-VER-001",
        );
        let crashed = honest().edit(&name, |probe| probe.status(500));
        assert_verdict(&crashed, "SRV-VER-001", Verdict::Warn);
        let bad_request = honest().edit(&name, |probe| probe.status(400));
        assert_verdict(&bad_request, "SRV-VER-001", Verdict::Pass);
        let silent = honest().edit(&name, |probe| {
            probe.reply = Reply::Trouble(crate::history::event::Trouble::TimedOut);
        });
        assert_verdict(&silent, "SRV-VER-001", Verdict::Inconclusive);
    }
}

#[test]
fn a_lenient_reader_of_the_number_warns_unless_it_gives_something_away() {
    let lenient = honest().edit("v2/version/text", sell);
    assert_verdict(&lenient, "SRV-VER-001", Verdict::Warn);
    let given = honest().edit("v2/version/text", |probe| probe.deliver());
    assert_fails(&given, "SRV-VER-001");
}

#[test]
fn a_v1_message_in_the_v2_header_buys_only_where_v1_is_offered() {
    for probe in ["v2/version/v1-shape", "v2/version/v1-shape-caip2"] {
        assert_verdict(&honest(), "SRV-VER-002", Verdict::Pass);
        assert_fails(&honest().edit(probe, sell), "SRV-VER-002");
        let both = honest().and_honest(Version::V1).edit(probe, sell);
        assert_verdict(&both, "SRV-VER-002", Verdict::Info);
        let unpaid = honest()
            .and_honest(Version::V1)
            .edit(probe, |probe| probe.deliver());
        assert_fails(&unpaid, "SRV-VER-002");
    }
}

#[test]
fn refusals_prove_nothing_where_nothing_is_sold() {
    let closed = honest().edit_paid(|probe| {
        probe.alone();
        probe.reply = Reply::answer(402, "{}");
    });
    for id in ["SRV-VER-001", "SRV-VER-002", "SRV-VER-006", "SRV-TERM-006"] {
        assert_verdict(&closed, id, Verdict::Skipped);
    }
}

#[test]
fn reasons_are_recorded_with_their_class() {
    let report = assert_verdict(&honest(), "SRV-VER-006", Verdict::Info);
    let detail = &check(&report, "SRV-VER-006").detail;
    assert!(
        detail.contains("\"invalid_x402_version\": version"),
        "{detail}"
    );
}

#[test]
fn the_version_that_a_v1_server_forwards_is_recorded() {
    let script = Script::honest(Version::V1).and_open_terms(Version::V1);
    assert_verdict(&script, "SRV-VER-005", Verdict::Info);
    let report = assert_verdict(
        &script.edit("v1/version/v1-99", sell),
        "SRV-VER-005",
        Verdict::Info,
    );
    let detail = &check(&report, "SRV-VER-005").detail;
    assert!(
        detail.contains("served and charged; our facilitator was asked about version 1"),
        "{detail}"
    );
}

#[test]
fn what_is_open_is_recorded_whatever_a_server_does() {
    let probes = [
        ("terms/amount-high", "SRV-TERM-002"),
        ("terms/address-case", "SRV-TERM-005"),
        ("terms/max-timeout", "SRV-TERM-006"),
        ("terms/extra-changed", "SRV-TERM-006"),
        ("terms/other-resource", "SRV-TERM-010"),
        ("terms/no-resource", "SRV-TERM-011"),
        ("terms/unannounced", "SRV-TERM-012"),
    ];
    for (probe, id) in probes {
        let name = format!("v2/{probe}");
        assert_verdict(&honest(), id, Verdict::Info);
        let report = assert_verdict(&honest().edit(&name, sell), id, Verdict::Info);
        assert!(check(&report, id).detail.contains("served and charged"));
        assert_eq!(report.counts.fail + report.counts.warn, 0, "{id}");
        let refused = honest().edit(&name, |probe| {
            probe.alone();
            probe.reply = Reply::answer(402, "{}");
        });
        let report = assert_verdict(&refused, id, Verdict::Info);
        assert_eq!(report.counts.fail + report.counts.warn, 0, "{id}");
        let mut without = honest();
        without.probes.retain(|probe| probe.name != name);
        assert!(check(&without.report(), id).verdict != Verdict::Pass);
    }
}

#[test]
fn each_member_that_the_client_lies_about_must_not_reach_the_facilitator() {
    let lies: [(&str, &'static str, Value); 7] = [
        ("/accepted/scheme", "scheme", json!("bogus")),
        ("/accepted/network", "network", json!("eip155:1")),
        ("/accepted/amount", "amount", json!("5000")),
        (
            "/accepted/asset",
            "asset",
            json!("0x57a46e5257a46e5257a46e5257a46e5257a46e52"),
        ),
        (
            "/accepted/payTo",
            "payTo",
            json!("0x57a46e5257a46e5257a46e5257a46e5257a46e52"),
        ),
        (
            "/accepted/maxTimeoutSeconds",
            "maxTimeoutSeconds",
            json!(99_999),
        ),
        (
            "/accepted/extra",
            "extra",
            json!({ "name": "USDC", "version": "2", "note": "mine" }),
        ),
    ];
    for (pointer, member, lie) in lies {
        let pointer: &'static str = pointer;
        let lied = honest().edit("v2/terms/max-timeout", |probe| {
            probe.payment = Some(Payment::With(vec![(pointer, lie.clone())]));
            probe.calls = vec![Call::verify(false)];
        });
        // Asked with its own terms, whatever the client said.
        assert_verdict(&lied, "SRV-TERM-007", Verdict::Pass);
        let copied = lied.edit("v2/terms/max-timeout", |probe| {
            probe.calls[0].requirements = vec![(member, lie.clone())];
        });
        let report = assert_fails(&copied, "SRV-TERM-007");
        assert!(
            check(&report, "SRV-TERM-007").detail.contains(member),
            "{member}"
        );
    }
}

#[test]
fn terms_that_were_offered_once_are_the_servers_own() {
    // A fresh quote id in every challenge, echoed and forwarded.
    let mut fresh = challenge_v2();
    fresh["accepts"][0]["extra"]["quoteId"] = json!("q-1");
    let echoed = fresh["accepts"][0]["extra"].clone();
    let mut shown = Probe::new("v2/quote", Reply::answer(402, "{}"));
    shown.header(header::PAYMENT_REQUIRED, Some(&encode(&fresh)));
    let mut script = honest().then(shown);
    script = script.edit("v2/good", |probe| {
        probe.payment = Some(Payment::With(vec![("/accepted/extra", echoed.clone())]));
        for call in &mut probe.calls {
            call.requirements = vec![("extra", echoed.clone())];
        }
    });
    assert_verdict(&script, "SRV-TERM-007", Verdict::Pass);
    // The same address in other letter case is no other address.
    let lower = json!(offer(V2)["payTo"].as_str().unwrap().to_lowercase());
    let script = honest().edit("v2/good", |probe| {
        probe.payment = Some(Payment::With(vec![("/accepted/payTo", lower.clone())]));
        for call in &mut probe.calls {
            call.requirements = vec![("payTo", lower.clone())];
        }
    });
    assert_verdict(&script, "SRV-TERM-007", Verdict::Pass);
}

#[test]
fn the_second_offer_is_what_the_facilitator_is_asked_about() {
    let mut second = offer(V2);
    second["maxTimeoutSeconds"] = json!(300);
    assert_verdict(&honest(), "SRV-TERM-008", Verdict::Skipped);
    let right = honest().and_second_offer(&second, 300);
    assert_verdict(&right, "SRV-TERM-008", Verdict::Pass);
    let first = honest().and_second_offer(&second, 60);
    assert_verdict(&first, "SRV-TERM-008", Verdict::Warn);
    let refused = right.edit("v2/terms/second-offer", |probe| {
        probe.alone();
        probe.status(402);
    });
    assert_verdict(&refused, "SRV-TERM-008", Verdict::Skipped);
}

#[test]
fn a_payment_on_a_free_route_may_be_looked_at_and_not_settled() {
    assert_verdict(&honest(), "SRV-TERM-013", Verdict::Info);
    let verified = honest().edit("v2/free/with-payment", |probe| {
        probe.calls = vec![Call::verify(true)];
    });
    let report = assert_verdict(&verified, "SRV-TERM-013", Verdict::Info);
    assert!(check(&report, "SRV-TERM-013").detail.contains("verified"));
    let settled = honest().edit("v2/free/with-payment", |probe| {
        probe.calls = vec![Call::verify(true), Call::settle(true)];
        probe.moves = vec![Moves::default()];
    });
    let report = assert_verdict(&settled, "SRV-TERM-013", Verdict::Warn);
    assert_eq!(report.counts.fail, 0);
    let report = assert_verdict(&Script::honest(V2), "SRV-TERM-013", Verdict::Skipped);
    assert!(check(&report, "SRV-TERM-013").detail.contains("`free`"));
}

#[test]
fn a_free_answer_to_a_payment_is_no_delivery_without_a_marker_either() {
    let script = honest().setup(|run| run.marker = None);
    let report = script.report();
    assert_eq!(report.money.unpaid_grants, 0);
    assert_eq!(report.counts.fail, 0);
}

#[test]
fn an_outdated_price_is_answered_with_the_new_one_or_honoured() {
    let mut refused = Probe::new("v2/terms/outdated-price", Reply::answer(402, "{}"));
    refused.payment = Some(Payment::Fresh(None));
    refused.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge_v2())));
    let name = refused.name.clone();
    let undeclared = honest().then(refused.clone());
    assert_verdict(&undeclared, "SRV-TERM-014", Verdict::Skipped);
    let script = undeclared.setup(|run| run.dynamic_price = true);
    assert_verdict(&script, "SRV-TERM-014", Verdict::Pass);
    assert_verdict(
        &script.clone().edit(&name, sell),
        "SRV-TERM-014",
        Verdict::Info,
    );
    let crashed = script.clone().edit(&name, |probe| probe.status(500));
    assert_verdict(&crashed, "SRV-TERM-014", Verdict::Warn);
    let mute = script
        .clone()
        .edit(&name, |probe| probe.header(header::PAYMENT_REQUIRED, None));
    assert_verdict(&mute, "SRV-TERM-014", Verdict::Warn);
    let given = script.edit(&name, |probe| probe.deliver());
    assert_verdict(&given, "SRV-TERM-014", Verdict::Warn);
}
