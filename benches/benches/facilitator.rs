//! The mock's `/verify` on a memory ledger, without a socket.

use criterion::{Criterion, criterion_group, criterion_main};
use x402_assay_benches::facilitator::Bench;

fn verify(criterion: &mut Criterion) {
    let bench = Bench::new().expect("a facilitator starts");
    let request = bench.request().expect("a payment is made");
    let answer = || bench.ask("/verify", request.clone()).expect("it answers");
    assert!(answer().contains("\"isValid\":true"));
    criterion.bench_function("facilitator/verify in memory", |b| b.iter(answer));
}

criterion_group!(benches, verify);
criterion_main!(benches);
