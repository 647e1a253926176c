//! Section I, red and green.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict};
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Moves, Probe, Reply, Script};

fn honest() -> Script {
    Script::whole(Version::V2)
}

#[test]
fn caching_is_judged_by_what_is_said() {
    let said = |probe: &'static str, value: &'static str| {
        honest().edit(probe, move |probe| {
            probe.header("cache-control", Some(value))
        })
    };
    for (probe, id) in [("v2/unpaid", "SRV-HTTP-001"), ("v2/good", "SRV-HTTP-002")] {
        assert_verdict(&honest(), id, Verdict::Info);
        for public in ["public, max-age=60", "s-maxage=5"] {
            assert_verdict(&said(probe, public), id, Verdict::Warn);
        }
        // Others carry no header at all, which is recorded.
        for private in ["no-store", "private, max-age=5", "max-age=60", "Private"] {
            assert_verdict(&said(probe, private), id, Verdict::Info);
        }
    }
}

#[test]
fn a_browser_is_answered_402_with_the_header() {
    let page = |status, with_header: bool| {
        honest().edit("v2/http/browser", move |probe| {
            probe.status(status);
            probe.header("content-type", Some("text/html; charset=utf-8"));
            if !with_header {
                probe.header(header::PAYMENT_REQUIRED, None);
            }
        })
    };
    assert_verdict(&page(402, true), "SRV-HTTP-003", Verdict::Info);
    assert_verdict(&page(402, true), "SRV-HTTP-004", Verdict::Pass);
    assert_verdict(&page(402, false), "SRV-HTTP-004", Verdict::Warn);
    assert_verdict(&page(200, true), "SRV-HTTP-003", Verdict::Warn);
    assert_verdict(&page(200, true), "SRV-HTTP-004", Verdict::Skipped);
    assert_verdict(&Script::whole(Version::V1), "SRV-HTTP-005", Verdict::Info);
}

#[test]
fn a_page_for_any_client_warns_unless_the_terms_can_be_read() {
    let page = |with_header: bool| {
        honest().edit("v2/http/accept-any", move |probe| {
            probe.header("content-type", Some("text/html"));
            if !with_header {
                probe.header(header::PAYMENT_REQUIRED, None);
            }
        })
    };
    assert_verdict(&page(false), "SRV-HTTP-006", Verdict::Warn);
    assert_verdict(&page(true), "SRV-HTTP-006", Verdict::Info);
    let v1 = Script::whole(Version::V1).edit("v1/http/accept-any", |probe| {
        probe.header("content-type", Some("text/html"));
        probe.body("<html>");
    });
    assert_verdict(&v1, "SRV-HTTP-006", Verdict::Warn);
    assert_verdict(&honest(), "SRV-HTTP-006", Verdict::Pass);
}

#[test]
fn head_is_judged_by_what_it_shows_and_runs() {
    let head = |name: &'static str, value: &'static str| {
        honest()
            .edit("v2/good", move |probe| probe.header(name, Some(value)))
            .edit("v2/http/head", move |probe| {
                probe.reply = Reply::answer(200, "").with(name, value);
            })
    };
    assert_verdict(&head("etag", "\"7f3a\""), "SRV-HTTP-008", Verdict::Warn);
    assert_verdict(&head("content-length", "44"), "SRV-HTTP-008", Verdict::Warn);
    // A free HEAD without a trace of the paid answer.
    assert_verdict(&head("content-length", "0"), "SRV-HTTP-008", Verdict::Info);
    assert_verdict(&honest(), "SRV-HTTP-008", Verdict::Pass);
    let report = assert_verdict(&head("etag", "\"7f3a\""), "SRV-HTTP-008", Verdict::Warn);
    assert_eq!(report.verdict, RunVerdict::Conformant);
}

#[test]
fn another_method_that_delivers_warns_and_breaks_i1() {
    let post = |body: &'static str| {
        honest().edit("v2/http/method/post", move |probe| {
            probe.reply = Reply::answer(200, body);
        })
    };
    let report = assert_verdict(&post(CONTENT), "SRV-HTTP-008", Verdict::Warn);
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    // Another resource under the same path is nobody's business.
    let other = assert_verdict(&post("{\"created\":true}"), "SRV-HTTP-008", Verdict::Info);
    assert_eq!(other.verdict, RunVerdict::Conformant);
}

fn written(name: &str, reply: Reply) -> Probe {
    Probe::new(&format!("v2/{name}"), reply)
}

#[test]
fn a_path_form_that_delivers_fails() {
    for name in ["path/encoded-letter", "path/parameter/encoded-slash"] {
        let script = honest().edit(&format!("v2/{name}"), |probe| probe.deliver());
        let report = assert_fails(&script, "SRV-HTTP-009");
        assert_eq!(report.verdict, RunVerdict::Nonconformant);
        assert_eq!(report.money.unpaid_grants, 1);
        // Its control was refused.
        let refused = written(&format!("{name}/sibling"), Reply::answer(404, "{}"));
        assert_fails(&script.then(refused), "SRV-HTTP-009");
    }
    assert_verdict(&honest(), "SRV-HTTP-009", Verdict::Pass);
}

#[test]
fn an_app_that_gives_its_content_on_any_path_is_not_blamed() {
    let script = honest()
        .edit("v2/path/encoded-letter", |probe| probe.deliver())
        .then(written(
            "path/encoded-letter/sibling",
            Reply::answer(200, CONTENT),
        ));
    let report = assert_verdict(&script, "SRV-HTTP-009", Verdict::Info);
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    assert_eq!(report.money.unpaid_grants, 0);
    // The control of one form says nothing about another.
    let other = script.edit("v2/path/query", |probe| probe.deliver());
    assert_fails(&other, "SRV-HTTP-009");
}

#[test]
fn other_answers_to_odd_paths_are_fine() {
    for status in [301, 308, 400, 402, 404, 414] {
        let script = honest().edit("v2/path/encoded-letter", |probe| probe.status(status));
        assert_verdict(&script, "SRV-HTTP-009", Verdict::Pass);
    }
    let page = honest().edit("v2/path/encoded-letter", |probe| {
        probe.reply = Reply::answer(200, "<html>our shop</html>");
    });
    let report = assert_verdict(&page, "SRV-HTTP-009", Verdict::Info);
    assert_eq!(report.verdict, RunVerdict::Conformant);
    let hung_up = honest().edit("v2/path/encoded-letter", |probe| {
        probe.reply = Reply::Trouble(Trouble::Closed);
    });
    assert_verdict(&hung_up, "SRV-HTTP-009", Verdict::Info);
    // Contents that nobody can tell apart prove nothing, and break no invariant.
    let unknown = honest()
        .setup(|run| run.marker = None)
        .edit("v2/good", |probe| probe.body("alpha"))
        .edit("v2/good-2", |probe| probe.body("-beta"))
        .edit("v2/path/encoded-letter", |probe| {
            probe.reply = Reply::answer(200, "<html>our shop</html>");
        });
    let report = assert_verdict(&unknown, "SRV-HTTP-009", Verdict::Skipped);
    assert_eq!(report.money.unpaid_grants, 0);
}

#[test]
fn a_route_that_is_served_unpaid_anyway_shows_nothing_about_paths() {
    let script = honest().edit_unpaid(|probe| probe.deliver());
    for id in ["SRV-HTTP-008", "SRV-HTTP-009", "SRV-HTTP-014"] {
        assert_verdict(&script, id, Verdict::Skipped);
    }
}

#[test]
fn request_headers_that_browsers_send_are_no_reason_to_refuse() {
    let refused = honest().edit("v2/http/expose-headers", |probe| {
        probe.alone();
        probe.reply = Reply::answer(400, "{}");
    });
    assert_verdict(&refused, "SRV-HTTP-011", Verdict::Warn);
    assert_verdict(&honest(), "SRV-HTTP-011", Verdict::Pass);
    for id in ["SRV-HTTP-007", "SRV-HTTP-010", "SRV-HTTP-012"] {
        assert_verdict(&honest(), id, Verdict::Info);
    }
}

#[test]
fn a_kept_connection_may_only_end_where_that_is_said() {
    let ends = |says: bool| {
        honest()
            .edit("v2/http/kept/unpaid", move |probe| {
                probe.header("connection", says.then_some("close"));
            })
            .edit("v2/http/kept/paid", |probe| {
                probe.alone();
                probe.reply = Reply::Trouble(Trouble::Closed);
            })
    };
    assert_verdict(&ends(false), "SRV-HTTP-013", Verdict::Warn);
    assert_verdict(&honest(), "SRV-HTTP-013", Verdict::Pass);
    // The bench sends nothing more where the end was announced.
    let mut announced = ends(true);
    announced.probes.retain(|probe| {
        !probe.name.starts_with("v2/http/kept/") || probe.name.ends_with("kept/unpaid")
    });
    assert_verdict(&announced, "SRV-HTTP-013", Verdict::Info);
    let other = honest().edit("v2/http/kept/unpaid-again", |probe| probe.status(500));
    assert_verdict(&other, "SRV-HTTP-013", Verdict::Warn);
}

#[test]
fn bodies_open_nothing_and_are_answered() {
    let answered = |probe: &'static str, reply: Reply| {
        honest().edit(probe, move |probe| probe.reply = reply.clone())
    };
    let given = answered("v2/http/body/batch", Reply::answer(200, CONTENT));
    let report = assert_verdict(&given, "SRV-HTTP-014", Verdict::Warn);
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    for trouble in [Trouble::TimedOut, Trouble::Closed] {
        let script = answered("v2/http/large-body", Reply::Trouble(trouble));
        assert_verdict(&script, "SRV-HTTP-014", Verdict::Warn);
    }
    let error = answered("v2/http/expect-continue", Reply::answer(500, ""));
    assert_verdict(&error, "SRV-HTTP-014", Verdict::Warn);
    // A limit, or a parser, ahead of the paywall.
    for (probe, status) in [
        ("v2/http/large-body", 413),
        ("v2/http/body/truncated", 400),
        ("v2/http/body/wrong-charset", 415),
    ] {
        let script = answered(probe, Reply::answer(status, ""));
        assert_verdict(&script, "SRV-HTTP-014", Verdict::Info);
    }
    assert_verdict(&honest(), "SRV-HTTP-014", Verdict::Pass);
}

#[test]
fn a_spoofed_header_that_changes_the_charge_warns() {
    use alloy_primitives::U256;
    use serde_json::json;
    let asked = honest().edit("v2/http/spoofed", |probe| {
        probe.calls[1].requirements = vec![("amount", json!("1"))];
        probe.calls[1].yes = false;
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    });
    assert_verdict(&asked, "SRV-HTTP-015", Verdict::Warn);
    let moved = honest().edit("v2/http/spoofed", |probe| {
        probe.moves = vec![Moves {
            value: Some(U256::from(1)),
            ..Moves::default()
        }];
    });
    assert_verdict(&moved, "SRV-HTTP-015", Verdict::Warn);
    // A server may refuse such a request.
    let refused = honest().edit("v2/http/spoofed", |probe| {
        probe.alone();
        probe.reply = Reply::answer(400, "{}");
    });
    assert_verdict(&refused, "SRV-HTTP-015", Verdict::Info);
    assert_verdict(&honest(), "SRV-HTTP-015", Verdict::Pass);
}
