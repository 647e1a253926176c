//! Faults strike at the event they name, and nowhere else.

use std::time::Duration;

use alloy_primitives::{Address, B256};
use x402_assay_protocol::header::encode;

use super::support::*;
use crate::link::{Answer, LinkFault, LinkSelect};

#[tokio::test]
async fn reset_before_forwarded_and_after_differ_in_what_the_facilitator_saw() {
    for (on, arrives) in [
        ("before-settle", false),
        ("forwarded-settle", true),
        ("after-settle", true),
    ] {
        let mut origin = Origin::ok().await;
        let link = facilitator_link(&origin);
        let rule = arm(&link, on, LinkFault::Reset);
        let mut caller = Caller::connect(&link).await;
        caller
            .ask(&call("verify", Address::ZERO, B256::ZERO))
            .await
            .unwrap();
        origin.request().await;
        caller.send(&settle(1)).await;
        assert!(caller.reset().await, "{on}");
        let hit = link.hit_of(rule, LIMIT).await.unwrap();
        assert_eq!(hit.what.on.to_string(), on);
        assert_eq!(hit.what.about.payer, Some(Address::repeat_byte(1)));
        assert_eq!(hit.what.about.nonce, Some(B256::repeat_byte(1)));
        if arrives {
            assert!(origin.request().await.starts_with("POST /settle"), "{on}");
        } else {
            assert_eq!(origin.next().await, Seen::Ended, "{on}");
        }
    }
}

#[tokio::test]
async fn close_ends_in_good_order() {
    let origin = Origin::ok().await;
    let link = client_link(&origin);
    arm(&link, "after-quote", LinkFault::Close);
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    assert_eq!(caller.rest().await.unwrap(), "");
}

#[tokio::test]
async fn a_selected_payment_is_struck_and_others_pass() {
    let origin = Origin::ok().await;
    let link = facilitator_link(&origin);
    let select = LinkSelect {
        nonces: vec![B256::repeat_byte(2), B256::repeat_byte(3)],
        nth: Some(2),
        ..LinkSelect::default()
    };
    arm_for(
        &link,
        "before-settle",
        select,
        LinkFault::Answer(Answer::status(503)),
    );
    let mut caller = Caller::connect(&link).await;
    let mut statuses = Vec::new();
    for number in [1, 2, 1, 3, 2] {
        let answer = caller.ask(&settle(number)).await.unwrap();
        statuses.push(answer[9..12].to_owned());
    }
    assert_eq!(statuses, ["200", "200", "200", "503", "200"]);
}

#[tokio::test]
async fn a_payment_header_makes_a_payment() {
    let origin = Origin::ok().await;
    let link = client_link(&origin);
    arm(
        &link,
        "before-payment",
        LinkFault::Answer(Answer::status(502)),
    );
    let payment = serde_json::json!({"x402Version": 1, "payload": {"authorization": {
        "from": Address::repeat_byte(7).to_string(), "to": Address::ZERO.to_string(), "value": "1",
        "validAfter": "0", "validBefore": "1", "nonce": B256::repeat_byte(8).to_string(),
    }}});
    for (field, status) in [
        ("PAYMENT-SIGNATURE", "502"),
        ("x-payment", "502"),
        ("x-other", "200"),
    ] {
        let mut caller = Caller::connect(&link).await;
        let request = format!("GET / HTTP/1.1\r\n{field}: {}\r\n\r\n", encode(&payment));
        assert_eq!(
            caller.ask(&request).await.unwrap()[9..12],
            *status,
            "{field}"
        );
    }
    let hits = link.hits(0, Duration::ZERO).await.hits;
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[0].what.about.payer, Some(Address::repeat_byte(7)));
    assert_eq!(hits[0].what.about.nonce, Some(B256::repeat_byte(8)));
    assert!(serde_json::to_string(&hits[0]).unwrap().len() <= 400);
}

#[tokio::test]
async fn a_hang_lasts_until_it_is_disarmed() {
    let mut origin = Origin::ok().await;
    let link = client_link(&origin);
    let rule = arm(&link, "after-quote", LinkFault::Hang);
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    origin.request().await;
    link.hit_of(rule, LIMIT).await.unwrap();
    assert_eq!(link.open_exchanges(), 1);
    assert!(link.disarm(rule));
    assert!(caller.reset().await);
}

#[tokio::test]
async fn a_pause_gives_the_moment_to_somebody_else() {
    let mut origin = Origin::ok().await;
    let link = facilitator_link(&origin);
    let rule = arm(&link, "before-settle", LinkFault::Pause);
    let mut caller = Caller::connect(&link).await;
    caller.send(&settle(1)).await;
    link.hit_of(rule, LIMIT).await.unwrap();
    assert_eq!(origin.waiting(), 0);
    link.disarm(rule);
    origin.request().await;
    assert!(caller.read(ok("ok").len()).await.unwrap().ends_with("ok"));
}

#[tokio::test]
async fn delays_add_up_and_end_when_cleared() {
    let origin = Origin::ok().await;
    let link = client_link(&origin);
    for on in ["before-quote", "before-quote", "after-quote"] {
        arm(&link, on, LinkFault::Delay { ms: 60 });
    }
    let started = std::time::Instant::now();
    let mut caller = Caller::connect(&link).await;
    caller.ask(GET).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(180));
    let slow = arm(&link, "before-quote", LinkFault::Delay { ms: 200_000 });
    caller.send(GET).await;
    link.hit_of(slow, LIMIT).await.unwrap();
    link.clear().await.unwrap();
    caller.read(ok("ok").len()).await.unwrap();
}

#[tokio::test]
async fn an_event_elsewhere_strikes_the_open_exchanges_before_it_is_passed_on() {
    let mut shop = Origin::start(|_, _| Vec::new()).await;
    let facilitator = Origin::ok().await;
    let (clients, calls) = (client_link(&shop), facilitator_link(&facilitator));
    clients.follow(&calls);
    let rule = arm(&clients, "after-settle", LinkFault::Reset);
    let mut buyer = Caller::connect(&clients).await;
    buyer.send(GET).await;
    shop.request().await;
    let mut server = Caller::connect(&calls).await;
    server
        .ask(&call("verify", Address::ZERO, B256::ZERO))
        .await
        .unwrap();
    assert_eq!(clients.open_exchanges(), 1);
    server.ask(&settle(1)).await.unwrap();
    assert_eq!(
        clients.open_exchanges(),
        0,
        "struck before the answer was passed back"
    );
    assert!(buyer.reset().await);
    let hit = clients.hit_of(rule, LIMIT).await.unwrap();
    assert_eq!(
        (hit.what.on.to_string().as_str(), hit.what.exchange),
        ("after-settle", 1)
    );
    server.ask(&settle(2)).await.unwrap();
    let hits = clients.hits(0, Duration::ZERO).await.hits;
    assert_eq!(hits[1].what.note.as_deref(), Some("no exchange was open"));
}

#[tokio::test]
async fn strikes_from_elsewhere_answer_hold_and_cut() {
    let shop = Origin::start(|_, request| {
        if request.starts_with("GET /wait") {
            Vec::new()
        } else {
            ok("abcdef")
        }
    })
    .await;
    let facilitator = Origin::ok().await;
    let (clients, calls) = (client_link(&shop), facilitator_link(&facilitator));
    clients.follow(&calls);
    let mut server = Caller::connect(&calls).await;

    let rule = arm(
        &clients,
        "before-settle",
        LinkFault::Answer(Answer::status(504)),
    );
    let mut buyer = Caller::connect(&clients).await;
    buyer.send("GET /wait HTTP/1.1\r\n\r\n").await;
    let held = arm(&clients, "before-quote", LinkFault::Pause);
    let mut late = Caller::connect(&clients).await;
    late.send(GET).await;
    clients.hit_of(held, LIMIT).await.unwrap();
    while clients.open_exchanges() < 2 {
        tokio::task::yield_now().await;
    }
    server.ask(&settle(1)).await.unwrap();
    assert!(buyer.rest().await.unwrap().starts_with("HTTP/1.1 504 "));
    assert!(late.rest().await.unwrap().starts_with("HTTP/1.1 504 "));
    clients.disarm(rule);

    arm(&clients, "after-settle", LinkFault::Truncate { bytes: 2 });
    let mut late = Caller::connect(&clients).await;
    late.send(GET).await;
    while clients.open_exchanges() < 1 {
        tokio::task::yield_now().await;
    }
    server.ask(&settle(2)).await.unwrap();
    clients.disarm(held);
    assert!(late.rest().await.unwrap().ends_with("\r\n\r\nab"));
}
