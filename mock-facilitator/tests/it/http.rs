//! The protocol port as HTTP: paths, methods, odd bodies, limits.

use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::{CallStep, Endpoint};

use crate::bench::{Bench, PAYEE, PRICE};

#[tokio::test]
async fn any_base_path_works_and_authorization_is_tolerated() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2).to_string();
    for path in [
        "/verify",
        "/facilitator/verify",
        "/x/y/verify",
        "/v2/x402/verify/",
        "//verify",
    ] {
        let (status, answer) = bench.send(path, body.clone()).await;
        assert_eq!((status, &answer["isValid"]), (200, &json!(true)), "{path}");
    }
    let response = bench
        .client
        .post(format!("{}/facilitator/settle", bench.url))
        .bearer_auth("a token of somebody")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.json::<Value>().await.unwrap()["success"], true);
    assert_eq!(
        bench.balance(PAYEE).await,
        alloy_primitives::U256::from(PRICE)
    );
}

#[tokio::test]
async fn what_is_no_request_is_400_in_the_shape_of_the_endpoint() {
    let bench = Bench::start().await;
    let whole = bench.honest(Version::V2);
    let without = |name: &str| {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().shift_remove(name);
        body.to_string()
    };
    let table = [
        (String::new(), "invalid_json"),
        ("{".to_owned(), "invalid_json"),
        ("[".repeat(100_000), "invalid_json"),
        ("null".to_owned(), "missing_parameters"),
        ("[]".to_owned(), "missing_parameters"),
        ("{}".to_owned(), "missing_parameters"),
        (without("paymentPayload"), "missing_parameters"),
        (without("paymentRequirements"), "missing_parameters"),
        (
            json!({ "paymentPayload": "x", "paymentRequirements": [] }).to_string(),
            "missing_parameters",
        ),
    ];
    for (body, code) in table {
        let shown: String = body.chars().take(40).collect();
        let (status, answer) = bench.send("/verify", body.clone()).await;
        assert_eq!(
            (status, &answer["isValid"]),
            (400, &json!(false)),
            "{shown}"
        );
        assert_eq!(answer["invalidReason"], code, "{shown}");
        let (status, answer) = bench.send("/settle", body).await;
        assert_eq!(
            (status, &answer["success"]),
            (400, &json!(false)),
            "{shown}"
        );
        assert_eq!(answer["errorReason"], code, "{shown}");
        assert_eq!(
            (&answer["transaction"], &answer["network"]),
            (&json!(""), &json!(""))
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_still_logged() {
    let bench = Bench::start().await;
    let (status, answer) = bench.send("/settle", vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!(
        (status, &answer["errorReason"]),
        (413, &json!("body_too_large"))
    );
    let events = bench.events();
    assert!(matches!(
        &events[0].what,
        CallStep::Received {
            endpoint: Endpoint::Settle,
            ..
        }
    ));
    assert!(matches!(
        &events[1].what,
        CallStep::Answered { status: 413, .. }
    ));

    let mut large = bench.honest(Version::V2);
    large["padding"] = json!("x".repeat(900_000));
    let (status, answer) = bench.send("/verify", large.to_string()).await;
    assert_eq!((status, &answer["isValid"]), (200, &json!(true)));
    let CallStep::Received { body, .. } = &bench.events()[2].what else {
        panic!("the third event is the second request");
    };
    assert_eq!(body.len(), x402_mock_facilitator::log::TEXT_MAX_BYTES);
}

#[tokio::test]
async fn other_methods_and_paths_are_405_and_404() {
    let bench = Bench::start().await;
    for path in ["verify", "settle"] {
        let (status, help) = bench.get(&format!("{}/{path}", bench.url)).await;
        assert_eq!((status, &help["endpoint"]), (200, &json!(path)));
    }
    let url = format!("{}/verify", bench.url);
    let response = bench.client.put(url).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
    assert_eq!(bench.send("/supported", "").await.0, 405);
    assert_eq!(bench.send("/verify/more", "").await.0, 404);
    assert_eq!(bench.get(&format!("{}/", bench.url)).await.0, 404);
    let head = bench
        .client
        .head(format!("{}/supported", bench.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.status().as_u16(), head.text().await.unwrap().len()),
        (200, 0)
    );
}

#[tokio::test]
async fn supported_lists_every_network_of_the_table() {
    let bench = Bench::start().await;
    let (status, answer) = bench
        .get(&format!("{}/a/base/path/supported", bench.url))
        .await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!("supported", answer);
}

#[tokio::test]
async fn health_answers_and_is_not_logged() {
    let bench = Bench::start().await;
    let (status, answer) = bench.get(&format!("{}/health", bench.url)).await;
    assert_eq!((status, &answer["status"]), (200, &json!("ok")));
    assert_eq!(bench.events(), vec![]);
}
