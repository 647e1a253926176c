//! What the load engine does for every arrival: finding when it is due, and recording how long it took.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use x402_assay::load::schedule::{Arrivals, Schedule, Spacing, Stretch};
use x402_assay::load::times::{merge, record, times};

/// Arrivals of one walk through a schedule: a second of it.
const ARRIVALS: u64 = 10_000;

fn pacer(criterion: &mut Criterion) {
    let stretch = |from, to| Stretch {
        length: Duration::from_secs(1),
        from,
        to,
    };
    let (constant, ramp) = (stretch(1e4, 1e4), stretch(0.0, 2e4));
    let mut group = criterion.benchmark_group("pacer");
    group.throughput(Throughput::Elements(ARRIVALS));
    for (name, stretch, spacing) in [
        ("constant rate", constant, Spacing::Even),
        ("ramp", ramp, Spacing::Even),
        ("Poisson", constant, Spacing::Poisson(1)),
    ] {
        let schedule = Schedule::new(&[stretch], spacing);
        let due = Arrivals::of_shard(&schedule, 0, 1).count() as u64;
        assert!(due.abs_diff(ARRIVALS) < ARRIVALS / 20, "{name}: {due}");
        group.bench_function(name, |b| {
            b.iter(|| Arrivals::of_shard(black_box(&schedule), 0, 1).last());
        });
    }
    group.finish();
}

fn histogram(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("histogram");
    let mut kept = times();
    let mut us = 0;
    group.bench_function("record a time", |b| {
        b.iter(|| {
            // Spread over four decades, as latencies are.
            us = (us + 7_919) % 1_000_000;
            record(&mut kept, black_box(Duration::from_micros(us)));
        });
    });
    assert!(!kept.is_empty());
    group.bench_function("merge a second of one phase", |b| {
        b.iter_batched(
            times,
            |mut all| merge(&mut all, &kept),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, pacer, histogram);
criterion_main!(benches);
