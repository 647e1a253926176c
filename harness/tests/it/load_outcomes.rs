//! What a load report says where most requests fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::response::Response;
use x402_assay_reports::model::load::{LimitedBy, LoadEnds, LoadReport};

use crate::support::shop::{challenge, serve};
use crate::support::{FREE_SERVICES, assay};

/// A server that asks for payment once and is broken from then on: no rate is too high for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_at_everything_limits_no_rate() {
    let asked = Arc::new(AtomicBool::new(false));
    let answer = move || {
        let is_first = !asked.swap(true, Ordering::SeqCst);
        let status = if is_first { 402 } else { 500 };
        let response = Response::builder().status(status);
        let response = response.header("PAYMENT-REQUIRED", challenge(|_| {}));
        let response = response.body(axum::body::Body::empty()).unwrap();
        async move { response }
    };
    let shop = serve(Router::new().fallback(answer)).await;
    let server = format!("{}/paid", shop.url);
    let args = [
        "load",
        "--unpaid",
        "--closed",
        "--connections",
        "2",
        "--for",
        "1500ms",
        "--server",
        &server,
    ];
    let ran = assay(&[&args[..], &FREE_SERVICES].concat()).await.exits(0);
    let load: LoadReport = serde_json::from_value(ran.report()["load"].clone()).unwrap();
    assert_eq!(load.limited_by.by, LimitedBy::None, "{:?}", load.limited_by);
    let told = &load.limited_by.proof;
    assert!(told.contains("nothing else limited the rate"), "{told}");
    assert!(told.contains("most of them as `unpaid: 500`"), "{told}");
    let mut ends = LoadEnds::default();
    for interval in &load.series {
        ends.add(&interval.ends.unwrap());
    }
    let failed = LoadEnds {
        failed: load.arrivals.completed,
        ..LoadEnds::default()
    };
    assert_eq!(ends, failed);
    assert!(failed.failed > 0);
    let caveats = ran.stdout.matches("so stalls hide").count();
    assert_eq!(caveats, 1, "{}", ran.said());
}
