//! Section B, red and green: unusual headers.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::Verdict;

use super::{assert_fails, assert_verdict};
use crate::history::event::Trouble;
use crate::history::script::{Call, Reply, Script};

fn honest() -> Script {
    Script::whole(Version::V2)
}

#[test]
fn a_name_in_other_letter_case_that_is_not_found_fails() {
    for version in [Version::V1, Version::V2] {
        let name = format!("{version}/header/name-mixed");
        let unfound = |script: Script| {
            script.edit(&name, |probe| {
                probe.alone();
                probe.reply = Reply::answer(402, "{}");
            })
        };
        assert_fails(&unfound(Script::whole(version)), "SRV-HDR-003");
        // Where nothing at all is sold the letter case is not what is wrong.
        let sold_out = Script::whole(version).edit_paid(|probe| {
            probe.alone();
            probe.reply = Reply::answer(402, "{}");
        });
        assert_verdict(&sold_out, "SRV-HDR-003", Verdict::Skipped);
    }
    assert_verdict(&honest(), "SRV-HDR-003", Verdict::Pass);
}

#[test]
fn a_handler_that_breaks_has_found_the_header() {
    let script = honest().edit("v2/header/name-upper", |probe| {
        probe.calls = vec![Call::verify(true)];
        probe.moves.clear();
        probe.reply = Reply::answer(500, "handler");
    });
    assert_verdict(&script, "SRV-HDR-003", Verdict::Inconclusive);
}

#[test]
fn two_headers_that_deliver_unsettled_or_crash_warn_and_others_are_recorded() {
    let answered = |status| {
        honest().edit("v2/header/twice", |probe| {
            probe.alone();
            probe.reply = Reply::answer(status, "{}");
        })
    };
    for status in [400, 402, 409] {
        assert_verdict(&answered(status), "SRV-HDR-009", Verdict::Info);
    }
    assert_verdict(&answered(500), "SRV-HDR-009", Verdict::Warn);
    let unsettled = honest().edit("v2/header/twice", |probe| {
        probe.calls = vec![Call::verify(true)];
        probe.moves.clear();
        probe.deliver();
    });
    let report = assert_verdict(&unsettled, "SRV-HDR-009", Verdict::Warn);
    assert_eq!(report.money.unpaid_grants, 1);
    assert_verdict(&honest(), "SRV-HDR-009", Verdict::Info);
}

#[test]
fn an_oversized_header_may_be_refused_in_any_way_but_a_crash() {
    let large = |reply: Reply| {
        honest().edit("v2/header/large-64k", move |probe| {
            probe.reply = reply.clone();
        })
    };
    for status in [400, 402, 413, 431] {
        let script = large(Reply::answer(status, ""));
        assert_verdict(&script, "SRV-HDR-010", Verdict::Pass);
    }
    // Hanging up without a word is no crash as long as the next request is answered.
    let hung_up = large(Reply::Trouble(Trouble::Closed));
    assert_verdict(&hung_up, "SRV-HDR-010", Verdict::Info);
    assert_verdict(&large(Reply::answer(500, "")), "SRV-HDR-010", Verdict::Warn);
    let gone = honest().edit("v2/header/after-large", |probe| {
        probe.reply = Reply::Trouble(Trouble::Refused);
    });
    assert_verdict(&gone, "SRV-HDR-010", Verdict::Warn);
}

#[test]
fn a_refusal_without_terms_warns_unless_it_is_no_402_or_a_failed_settlement() {
    let refused = |status, settles: bool| {
        honest().edit("v2/wrong/expired", move |probe| {
            probe.reply = Reply::answer(status, "{}");
            if settles {
                probe.calls = vec![Call::verify(true), Call::settle(false)];
            }
        })
    };
    assert_verdict(&refused(402, false), "SRV-HDR-013", Verdict::Warn);
    assert_verdict(&refused(400, false), "SRV-HDR-013", Verdict::Pass);
    assert_verdict(&refused(402, true), "SRV-HDR-013", Verdict::Pass);
    let elsewhere = honest().edit_unpaid(|probe| probe.header(header::PAYMENT_REQUIRED, None));
    assert_verdict(&elsewhere, "SRV-HDR-013", Verdict::Skipped);
}

#[test]
fn what_the_sources_leave_open_is_recorded_whatever_it_is() {
    for (probe, id) in [
        ("header/extra-member", "SRV-HDR-007"),
        ("header/base64url", "SRV-HDR-008"),
        ("header/foreign-name", "SRV-HDR-011"),
        ("header/empty", "SRV-HDR-012"),
    ] {
        assert_verdict(&honest(), id, Verdict::Info);
        let refused = honest().edit(&format!("v2/{probe}"), |probe| {
            probe.alone();
            probe.reply = Reply::answer(400, "{}");
        });
        assert_verdict(&refused, id, Verdict::Info);
    }
}
