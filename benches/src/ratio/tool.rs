//! The programs a bar runs: our own binary, wrk and oha.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::cpu;

/// What a generator did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generated {
    /// Requests answered in a second.
    pub(super) per_s: f64,
    /// CPU of the generator for each, in microseconds.
    pub(super) cpu_us: f64,
}

/// Our own binary: it lies beside this program.
pub(super) fn own() -> Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("x402-assay");
    ensure!(
        beside.is_file(),
        "{} is missing; build it first: cargo build --release",
        beside.display()
    );
    Ok(beside)
}

/// A program on the PATH; nothing if it is not there.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A load of our own; its report.
pub(super) fn load(words: &[&str]) -> Result<Value> {
    let out = tempfile::tempdir()?;
    let mut command = Command::new(own()?);
    command.arg("load").args(words).arg("--json");
    command.arg("--out").arg(out.path().join("report"));
    let output = finished(&mut command)?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`load {}` printed no report", words.join(" ")))?;
    ensure!(
        report["load"].is_object(),
        "`load {}` measured nothing: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(report)
}

/// A figure of a report's load section, by its JSON pointer.
pub(super) fn figure(report: &Value, pointer: &str) -> Result<f64> {
    let value = report["load"].pointer(pointer).and_then(Value::as_f64);
    value.with_context(|| format!("the report has no load{pointer}"))
}

/// CPU of one side of a load for each completed arrival, in microseconds.
pub(super) fn cpu_us(report: &Value, side: &str) -> Result<f64> {
    let shares = report["load"]["limited_by"]["cpu"].as_array();
    let share = shares
        .into_iter()
        .flatten()
        .find(|share| share["process"] == side)
        .with_context(|| format!("the report does not say what CPU `{side}` took"))?;
    let cores = share["cores"].as_f64().context("cores is a number")?;
    let completed = figure(report, "/arrivals/completed")?;
    ensure!(completed > 0.0, "nothing was completed");
    Ok(cores * figure(report, "/measured_s")? * 1e6 / completed)
}

/// Our engine without a schedule.
pub(super) fn engine(url: &str, seconds: u64) -> Result<Generated> {
    let length = format!("{seconds}s");
    let report = load(&[
        "--server",
        url,
        "--unpaid",
        "--closed",
        "--connections",
        "64",
        "--for",
        &length,
        "--chain",
        "memory",
    ])?;
    Ok(Generated {
        per_s: figure(&report, "/arrivals/achieved_per_s")?,
        cpu_us: cpu_us(&report, "bench")?,
    })
}

/// wrk with two threads.
pub(super) fn wrk(program: &Path, url: &str, seconds: u64) -> Result<Generated> {
    let mut command = Command::new(program);
    command.args(["-t2", "-c64", &format!("-d{seconds}s"), url]);
    let (output, cpu_s) = timed(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |before: &str| -> Option<f64> {
        let rest = text.split(before).nth(1)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let requests = text
        .lines()
        .find(|line| line.contains(" requests in "))
        .and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    let (per_s, requests) = number("Requests/sec:")
        .zip(requests)
        .with_context(|| format!("wrk said: {text}"))?;
    Ok(Generated {
        per_s,
        cpu_us: cpu_s * 1e6 / requests,
    })
}

/// oha.
pub(super) fn oha(program: &Path, url: &str, seconds: u64) -> Result<Generated> {
    let mut command = Command::new(program);
    let length = format!("{seconds}s");
    command.args([
        "-z",
        &length,
        "-c",
        "64",
        "--no-tui",
        "--output-format",
        "json",
        url,
    ]);
    let (output, cpu_s) = timed(&mut command)?;
    let report: Value = serde_json::from_slice(&output.stdout).context("oha printed no JSON")?;
    let per_s = report["summary"]["requestsPerSec"]
        .as_f64()
        .context("oha says no rate")?;
    let took = report["summary"]["total"]
        .as_f64()
        .context("oha says no time")?;
    Ok(Generated {
        per_s,
        cpu_us: cpu_s * 1e6 / (per_s * took),
    })
}

/// Runs a program to its end; its CPU seconds.
fn timed(command: &mut Command) -> Result<(Output, f64)> {
    let before = cpu::ended_children()?;
    let output = finished(command)?;
    Ok((output, cpu::ended_children()? - before))
}

fn finished(command: &mut Command) -> Result<Output> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{shown} did not start"))?;
    // A load that missed something still measured it.
    let measured = matches!(output.status.code(), Some(0 | 3 | 6));
    if !measured {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{shown} ended with {}: {said}", output.status);
    }
    Ok(output)
}
