//! Headers and message readers.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use x402_assay_benches::payment as sample;
use x402_assay_protocol::{Challenge, Payment, Version, header};

fn messages(criterion: &mut Criterion) {
    let challenge = sample::challenge();
    let challenge_header = header::encode(&challenge);
    let payment_header = sample::pay(&challenge_header, &sample::payer(), 1_770_000_000);
    let payment = header::decode(payment_header.as_bytes())
        .expect("our own header decodes")
        .value;

    let mut group = criterion.benchmark_group("messages");
    group.throughput(Throughput::Bytes(payment_header.len() as u64));
    group.bench_function("header encode", |b| {
        b.iter(|| header::encode(black_box(&payment)))
    });
    group.bench_function("header decode", |b| {
        b.iter(|| header::decode(black_box(payment_header.as_bytes())));
    });
    group.bench_function("payment read", |b| {
        b.iter_batched(|| payment.clone(), Payment::read, BatchSize::SmallInput);
    });
    group.throughput(Throughput::Bytes(challenge_header.len() as u64));
    group.bench_function("challenge read", |b| {
        let read = |value| Challenge::read(Version::V2, value);
        b.iter_batched(|| challenge.clone(), read, BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, messages);
criterion_main!(benches);
