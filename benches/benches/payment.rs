//! Signing and recovery, and how much a whole client payment costs above its bare signature.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use x402_assay_benches::payment as sample;

const NOW: u64 = 1_770_000_000;

fn payment(criterion: &mut Criterion) {
    let payer = sample::payer();
    let (_, terms) = sample::offer();
    let separator = terms.domain.separator();
    let authorization = sample::authorization(&terms, &payer, NOW);
    let digest = authorization.digest(&separator);
    let signature = payer.sign(&digest);
    let header = sample::challenge_header();

    let mut group = criterion.benchmark_group("payment");
    group.bench_function("bare signature", |b| {
        b.iter(|| payer.sign(black_box(&digest)))
    });
    group.bench_function("digest and signature", |b| {
        b.iter(|| sample::signed(black_box(&authorization), &separator, &payer));
    });
    group.bench_function("whole client payment", |b| {
        b.iter(|| sample::pay(black_box(&header), &payer, NOW));
    });
    group.bench_function("recover", |b| {
        b.iter(|| signature.recover(black_box(&digest)))
    });
    group.bench_function("domain separator", |b| {
        b.iter(|| black_box(&terms.domain).separator());
    });
    group.finish();
}

criterion_group!(benches, payment);
criterion_main!(benches);
