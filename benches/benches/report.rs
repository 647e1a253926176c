//! Rendering a report of 10,000 checks.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use x402_assay_reports::{TerminalOptions, json, markdown, terminal};

fn render(criterion: &mut Criterion) {
    let report = x402_assay_benches::report::report(10_000);
    let text = json::render(&report);
    let mut group = criterion.benchmark_group("report of 10,000 checks");
    group.sample_size(20);
    group.bench_function("terminal", |b| {
        b.iter(|| terminal::render(black_box(&report), TerminalOptions::default()));
    });
    group.bench_function("markdown", |b| {
        b.iter(|| markdown::render(black_box(&report)))
    });
    group.bench_function("json", |b| b.iter(|| json::render(black_box(&report))));
    group.bench_function("json read", |b| b.iter(|| json::read(black_box(&text))));
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
