//! The schedule: is it kept, and does it show a stall?

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::row::Limit;
use super::server::{Manner, Server};
use super::tool::{figure, load};
use super::{Row, Size};

const RATE: f64 = 10_000.0;
/// A core is taken away for longer than this only on a busy machine.
const QUIET: Duration = Duration::from_micros(500);
/// Length of the stall run: ten stalls.
const STALL_SECONDS: u64 = 20;

pub(super) fn rate(size: Size) -> Result<Vec<Row>> {
    let server = Server::start(Manner::AtOnce)?;
    let (length, mut off, mut late) = (format!("{}s", size.seconds), Vec::new(), Vec::new());
    let mut gaps = Vec::new();
    for _ in 0..size.rounds {
        gaps.push(longest_gap().as_secs_f64() * 1e6);
        let report = load(&[
            "--server",
            &server.url(),
            "--unpaid",
            "--rate",
            "10000/s",
            "--for",
            &length,
            "--connections",
            "64",
            "--chain",
            "memory",
        ])?;
        off.push((figure(&report, "/arrivals/achieved_per_s")? / RATE - 1.0).abs() * 100.0);
        late.push(percentile(&report, "due_to_released", "p50_us")?);
    }
    let quiet = super::rounds::median(&gaps) <= QUIET.as_secs_f64() * 1e6;
    let lateness = Row::of_rounds("lateness of release, p50", &late, "us");
    Ok(vec![
        Row::of_rounds("longest gap of a spinning thread in 200 ms", &gaps, "us"),
        Row::of_rounds("achieved rate, off from what was asked", &off, "%")
            .held_to(Limit::AtMost(0.5)),
        match quiet {
            true => lateness.held_to(Limit::AtMost(150.0)),
            false => Row {
                what: format!(
                    "{} (not held to 150 us: the machine is busy)",
                    lateness.what
                ),
                ..lateness
            },
        },
    ])
}

pub(super) fn stall(_: Size) -> Result<Vec<Row>> {
    let server = Server::start(Manner::Stalls)?;
    let length = format!("{STALL_SECONDS}s");
    let report = load(&[
        "--server",
        &server.url(),
        "--unpaid",
        "--rate",
        "1000/s",
        "--for",
        &length,
        "--connections",
        "512",
        "--chain",
        "memory",
    ])?;
    let row = |name: &str, field: &str, true_ms: f64| -> Result<[Row; 2]> {
        let ms = percentile(&report, "whole_from_due", field)? / 1e3;
        let off = (ms / true_ms - 1.0).abs() * 100.0;
        Ok([
            Row::told(
                format!("{name} from the due time (truth: {true_ms} ms)"),
                ms,
                "ms",
            ),
            Row::told(format!("{name}, off from the truth"), off, "%").held_to(Limit::AtMost(10.0)),
        ])
    };
    let p95 = row("p95", "p95_us", 100.0)?;
    let p99 = row("p99", "p99_us", 180.0)?;
    Ok(p95.into_iter().chain(p99).collect())
}

/// A percentile of a phase.
fn percentile(report: &Value, phase: &str, field: &str) -> Result<f64> {
    let rows = report["load"]["latency"].as_array();
    let row = rows.into_iter().flatten().find(|row| row["phase"] == phase);
    let row = row.with_context(|| format!("the report has no phase {phase}"))?;
    row[field]
        .as_f64()
        .with_context(|| format!("{phase} has no {field}"))
}

/// The longest time a thread that only spins was not run, within 200 ms.
fn longest_gap() -> Duration {
    let began = Instant::now();
    let (mut last, mut longest) = (began, Duration::ZERO);
    while began.elapsed() < Duration::from_millis(200) {
        spin_loop();
        let now = Instant::now();
        longest = longest.max(now - last);
        last = now;
    }
    longest
}
