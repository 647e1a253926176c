//! Runs the battery on the reference server, once for each of its defects.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::Version;
use x402_assay_reports::Report;

use super::matrix::Row;
use crate::bench::{self, Bench, BenchError};
use crate::cli::args::Setup;
use crate::reference_server::{Defect, Variant};
use crate::runner::{Repeats, Scope, Silent};
use crate::verdict::{self, Judging};

/// Stands for the server without a defect.
pub const NONE: &str = "none";

/// Longest wait for one answer of the reference server.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for something that may never happen: the reference server does what it does at once.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// The reference server with these defects, as its row of the matrix is measured.
pub fn built_in(defects: &[&str]) -> Setup {
    let mut names: Vec<String> = defects.iter().map(|name| (*name).to_owned()).collect();
    // It goes wrong in a flow that is declared.
    if defects.contains(&Defect::UpfrontLate.name()) {
        names.push(Variant::Upfront.name().to_owned());
    }
    Setup {
        versions: versions(defects),
        ..Setup::built_in(names, TIMEOUT)
    }
}

/// A server that speaks both versions is asked for both, but for a defect of v1 alone: it hides that v1 is spoken.
fn versions(defects: &[&str]) -> Option<Vec<Version>> {
    let mut names = defects.iter();
    names
        .any(|name| name.starts_with("v1-"))
        .then(|| vec![Version::V1])
}

/// The report of one run of the battery; `guard` is the bench's own binary.
///
/// # Errors
/// When the bench could not be started.
pub async fn report_of(
    setup: &Setup,
    guard: &Path,
    patience: Duration,
    cancel: CancellationToken,
) -> Result<Report, BenchError> {
    let bench = Bench {
        setup,
        scope: match setup.is_about_facilitator() {
            true => Scope::Facilitator,
            false => Scope::Battery,
        },
        scenarios: &[],
        repeats: Repeats::default(),
        seed: 1,
        out: None,
        strict: false,
        patience,
        guard: guard.to_owned(),
        cancel,
        progress: &Silent,
    };
    let outcome = bench::run(&bench).await?;
    Ok(verdict::judge_history(
        &outcome.history,
        None,
        &Judging::default(),
    ))
}

/// Measures the whole matrix, `width` runs at once; `told` hears how many are done of how many.
///
/// # Errors
/// When a bench could not be started, with its defect.
pub async fn measure(
    guard: &Path,
    width: usize,
    cancel: &CancellationToken,
    told: impl Fn(usize, usize),
) -> Result<Vec<Row>, (String, BenchError)> {
    let names = names(Defect::ALL.iter().map(|defect| defect.name()));
    measure_all(guard, (width, names), built_in, cancel, told).await
}

/// The names in order, after the one without a defect.
pub(super) fn names(all: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut names: Vec<&str> = all.collect();
    names.sort_unstable();
    names.insert(0, NONE);
    names
}

/// Measures one row for each of these defects.
pub(super) async fn measure_all(
    guard: &Path,
    (width, names): (usize, Vec<&'static str>),
    setup: fn(&[&str]) -> Setup,
    cancel: &CancellationToken,
    told: impl Fn(usize, usize),
) -> Result<Vec<Row>, (String, BenchError)> {
    let total = names.len();
    let runs = names.into_iter().map(|name| async move {
        let defects = if name == NONE { vec![] } else { vec![name] };
        let report = report_of(&setup(&defects), guard, PATIENCE, cancel.clone()).await;
        let report = report.map_err(|error| (name.to_owned(), error))?;
        Ok(Row::of(name, &report))
    });
    // In the order of the names, whichever ends first.
    let mut running = futures_util::stream::iter(runs).buffered(width);
    let mut rows = Vec::with_capacity(total);
    while let Some(row) = running.next().await {
        if cancel.is_cancelled() {
            break;
        }
        rows.push(row?);
        told(rows.len(), total);
    }
    Ok(rows)
}
