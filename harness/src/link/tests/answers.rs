//! What is answered, cut, doubled and kept.

use std::time::Duration;

use super::support::*;
use crate::link::{Answer, LinkError, LinkEvent, LinkFault, LinkRule, LinkSelect, Subject};

#[tokio::test]
async fn the_links_answer_replaces_the_servers() {
    let mut origin = Origin::ok().await;
    let link = facilitator_link(&origin);
    let answer = Answer {
        status: 308,
        headers: vec![(
            "Location".to_owned(),
            "http://127.0.0.1:1/\r\nx: y".to_owned(),
        )],
        body: "moved".to_owned(),
    };
    let rule = arm(&link, "before-supported", LinkFault::Answer(answer.clone()));
    let mut caller = Caller::connect(&link).await;
    let supported = "GET /supported HTTP/1.1\r\n\r\n";
    let expected = "HTTP/1.1 308 Permanent Redirect\r\nLocation: http://127.0.0.1:1/  x: y\r\n\
                    Content-Length: 5\r\n\r\nmoved";
    assert_eq!(caller.ask(supported).await.unwrap(), expected);
    assert_eq!(origin.waiting(), 0);
    link.disarm(rule);
    for on in ["after-supported", "forwarded-supported"] {
        let rule = arm(&link, on, LinkFault::Answer(answer.clone()));
        assert_eq!(caller.ask(supported).await.unwrap(), expected, "{on}");
        origin.request().await;
        link.disarm(rule);
        assert!(caller.ask(supported).await.unwrap().ends_with("ok"), "{on}");
        origin.request().await;
    }
    let on = LinkEvent::before(Subject::Settle);
    let fault = LinkFault::Answer(Answer::status(100));
    let refused = link.arm(LinkRule {
        on,
        select: LinkSelect::default(),
        fault,
    });
    assert!(matches!(refused, Err(LinkError::Status(100))));
}

#[tokio::test]
async fn bodies_are_cut_by_content() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    let mut origin = Origin::start(|_, request| {
        if request.contains("/chunked") {
            chunked.into()
        } else {
            ok("abcdef")
        }
    })
    .await;
    let link = client_link(&origin);
    for on in ["after-quote", "forwarded-quote"] {
        let rule = arm(&link, on, LinkFault::Truncate { bytes: 4 });
        let mut caller = Caller::connect(&link).await;
        caller.send("GET /chunked HTTP/1.1\r\n\r\n").await;
        assert!(
            caller
                .rest()
                .await
                .unwrap()
                .ends_with("\r\n3\r\nabc\r\n3\r\nd"),
            "{on}"
        );
        let mut caller = Caller::connect(&link).await;
        caller.send(GET).await;
        assert!(
            caller
                .rest()
                .await
                .unwrap()
                .ends_with("\r\nContent-Length: 6\r\n\r\nabcd"),
            "{on}"
        );
        link.disarm(rule);
    }
    origin.waiting();
    arm(&link, "before-quote", LinkFault::Truncate { bytes: 2 });
    let mut caller = Caller::connect(&link).await;
    caller
        .send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        .await;
    assert_eq!(caller.rest().await.unwrap(), "");
    while origin.next().await != Seen::Ended {}
    assert_eq!(origin.waiting(), 0, "a request that was cut is none");
}

#[tokio::test]
async fn a_duplicate_arrives_twice_and_is_answered_once() {
    for on in ["before-payment", "forwarded-payment", "after-payment"] {
        let mut origin = Origin::ok().await;
        let link = client_link(&origin);
        arm(&link, on, LinkFault::Duplicate);
        let mut caller = Caller::connect(&link).await;
        let request = "POST /buy HTTP/1.1\r\nX-PAYMENT: e30=\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(
            caller.ask(request).await.unwrap().as_bytes(),
            ok("ok"),
            "{on}"
        );
        for _ in 0..2 {
            assert_eq!(origin.request().await, request, "{on}");
        }
        assert_eq!(caller.ask(GET).await.unwrap().as_bytes(), ok("ok"));
        assert_eq!(origin.request().await, GET);
    }
}

#[tokio::test]
async fn the_first_of_two_answers_is_passed_on() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let first = AtomicBool::new(true);
    // The first copy to arrive is never answered.
    let origin = Origin::start(move |_, _| {
        if first.swap(false, Ordering::Relaxed) {
            Vec::new()
        } else {
            ok("copy")
        }
    })
    .await;
    let link = client_link(&origin);
    arm(&link, "before-payment", LinkFault::Duplicate);
    let mut caller = Caller::connect(&link).await;
    let request = "GET /buy HTTP/1.1\r\nX-PAYMENT: e30=\r\n\r\n";
    assert_eq!(caller.ask(request).await.unwrap().as_bytes(), ok("copy"));
    assert!(caller.ask(GET).await.unwrap().ends_with("copy"));
}

#[tokio::test]
async fn a_shared_cache_gives_a_paid_body_to_the_next_caller() {
    let mut origin = Origin::start(|_, request| {
        let policy = if request.contains("/public") {
            "public, max-age=60"
        } else {
            "private"
        };
        format!("HTTP/1.1 200 OK\r\nCache-Control: {policy}\r\nContent-Length: 4\r\n\r\npaid")
            .into_bytes()
    })
    .await;
    let link = client_link(&origin);
    let rule = arm(&link, "before-quote", LinkFault::Cache);
    let get = |path: &str, field: &str| format!("GET {path} HTTP/1.1\r\nHost: shop\r\n{field}\r\n");
    for (path, arrive) in [("/public", 1), ("/private", 2)] {
        let mut caller = Caller::connect(&link).await;
        caller.ask(&get(path, "X-PAYMENT: e30=\r\n")).await.unwrap();
        let second = caller.ask(&get(path, "")).await.unwrap();
        assert!(second.ends_with("\r\n\r\npaid"));
        assert_eq!(second.contains("\r\nAge: "), arrive == 1, "{path}");
        assert_eq!(origin.waiting(), arrive, "{path}");
    }
    let hits = link.hits(0, Duration::ZERO).await.hits;
    let notes: Vec<_> = hits
        .iter()
        .map(|hit| hit.what.note.as_deref().unwrap())
        .collect();
    let missed = "not in the cache";
    let expected = [missed, "stored", "answered from the cache", missed, missed];
    assert_eq!(notes, expected);
    link.disarm(rule);
    let mut caller = Caller::connect(&link).await;
    caller.ask(&get("/public", "")).await.unwrap();
    assert_eq!(origin.waiting(), 1, "without the rule it is no cache");
}
