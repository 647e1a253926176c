//! The mock's `/verify` on a memory ledger, without a socket.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use criterion::{Criterion, criterion_group, criterion_main};
use tower::ServiceExt;
use x402_assay_benches::payment as sample;
use x402_assay_protocol::{Version, facilitator, header};
use x402_mock_facilitator::{Facilitator, Ledger, MemoryLedger, Options, router};

fn verify(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let (offer, terms) = sample::offer();
    let payer = sample::payer();
    let ledger = MemoryLedger::new(terms.domain.chain_id);
    ledger.register_token(terms.domain.clone());
    ledger
        .mint(
            terms.domain.verifying_contract,
            payer.address(),
            terms.amount,
        )
        .expect("the token is registered");
    let now = runtime
        .block_on(ledger.now())
        .expect("a memory ledger has a clock");
    let served = Arc::new(Facilitator::new(Options::default()));
    served.add_ledger(Arc::new(ledger));
    let router = router(served);

    // A day ahead, so that the payment outlives the bench.
    let payment = sample::pay(&sample::challenge_header(), &payer, now + 86_400);
    let payment = header::decode(payment.as_bytes()).expect("our own header decodes");
    let body = facilitator::request(Version::V2, &payment.value, &offer.raw).to_string();
    let answer = || {
        let request = Request::post("/verify")
            .header("content-type", "application/json")
            .body(Body::from(body.clone()))
            .expect("the request is well-formed");
        router.clone().oneshot(request)
    };
    runtime.block_on(async {
        let answer = answer().await.expect("a router cannot fail");
        assert_eq!(answer.status(), StatusCode::OK);
        let bytes = axum::body::to_bytes(answer.into_body(), 10_000).await;
        let text = String::from_utf8_lossy(&bytes.expect("the body is whole")).into_owned();
        assert!(text.contains("\"isValid\":true"), "{text}");
    });

    criterion.bench_function("facilitator/verify in memory", |b| {
        b.iter(|| runtime.block_on(answer()));
    });
}

criterion_group!(benches, verify);
criterion_main!(benches);
