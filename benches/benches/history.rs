//! Reading a history and judging it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use x402_assay::history::reader;
use x402_assay::verdict::{Judging, judge_history};

const EVENTS: u64 = 16_007;

fn history(criterion: &mut Criterion) {
    let mut written = Vec::new();
    x402_assay_benches::history::write(&mut written, EVENTS).expect("memory takes it");
    let read = || reader::read_from(black_box(written.as_slice())).expect("memory can be read");
    let history = read();
    assert_eq!(history.damage, None);
    let judging = Judging::default();

    let mut group = criterion.benchmark_group("history of 16,007 events");
    group.sample_size(20);
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("read", |b| b.iter(read));
    group.bench_function("judge", |b| {
        b.iter(|| judge_history(black_box(&history.events), None, &judging));
    });
    group.finish();
}

criterion_group!(benches, history);
criterion_main!(benches);
