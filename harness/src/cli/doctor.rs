//! `doctor`: is everything there, and does one purchase work?

use rand::Rng as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use x402_assay_reports::Report;

use super::args::{DoctorOptions, FailOn};
use super::exit::Exit;
use super::print;
use super::progress::Teller;
use super::run::{exit_code, guard_binary, judge, refuse, show_log};
use crate::bench::{self, Bench};
use crate::chain::{self, AnvilSearch};
use crate::runner::{Repeats, Scope};
use crate::verdict::Judging;

/// Longest wait for a target that answers 5xx.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn doctor(options: DoctorOptions, quiet: bool, cancel: CancellationToken) -> Exit {
    let tools = tools(&options).await;
    if !options.json {
        for (name, what) in &tools {
            print::message(&format!("{name:8} {what}"));
        }
    }
    let teller = Teller::new(quiet || options.json);
    let guard = match guard_binary() {
        Ok(guard) => guard,
        Err(error) => return refuse(&error),
    };
    let bench = Bench {
        setup: &options.setup,
        scope: Scope::PositiveControl,
        scenarios: &[],
        repeats: Repeats::default(),
        seed: rand::rng().random_range(0..1 << 53),
        out: None,
        strict: false,
        patience: PATIENCE,
        guard,
        cancel,
        progress: &teller,
    };
    let outcome = bench::run(&bench).await;
    teller.finish();
    match outcome {
        Err(error) => refuse(&error),
        Ok(outcome) => {
            let report = judge(&outcome, &Judging::default());
            show_log(&outcome, &report);
            tell(&options, &report, &tools)
        }
    }
}

/// What the machine offers: name and finding.
async fn tools(options: &DoctorOptions) -> Vec<(&'static str, String)> {
    let search = AnvilSearch::from_env(options.setup.chain.anvil.clone(), false);
    let anvil = match chain::discover(&search) {
        Ok(Some(found)) => {
            let version = chain::probe_version(&found.path).await;
            let version = version.unwrap_or_else(|error| error.to_string());
            format!("{version} ({})", found.path.display())
        }
        Ok(None) => "not found; the first run installs it through npm".to_owned(),
        Err(error) => error.to_string(),
    };
    let npm = search
        .on_path("npm")
        .and_then(|npm| {
            let mut command = std::process::Command::new(npm);
            let stdin = std::process::Stdio::null();
            command.arg("--version").stdin(stdin).output().ok()
        })
        .filter(|output| output.status.success())
        .map_or_else(
            || "not found; needed only to install Anvil".to_owned(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        );
    vec![("anvil", anvil), ("npm", npm)]
}

/// Doctor looks at the positive control alone: the mutation control belongs to `run`.
fn tell(options: &DoctorOptions, report: &Report, tools: &[(&'static str, String)]) -> Exit {
    let positive = &report.controls.positive;
    let text = if options.json {
        let tools: serde_json::Map<_, _> = tools
            .iter()
            .map(|(name, what)| ((*name).to_owned(), json!(what)))
            .collect();
        let answer = json!({
            "positive": positive,
            "target": report.target,
            "fidelity": report.fidelity,
            "tools": tools,
        });
        format!("{answer:#}\n")
    } else if positive.held {
        format!("a purchase works: {}\n", positive.detail)
    } else {
        let cause = positive.cause.as_deref().unwrap_or("unknown");
        format!("no purchase: {cause}: {}\n", positive.detail)
    };
    if let Err(error) = print::result(&text) {
        print::message(&format!("error: stdout: {error}"));
    }
    match exit_code(report, FailOn::Fail) {
        Exit::Interrupted => Exit::Interrupted,
        _ if positive.held => Exit::Ok,
        _ => Exit::Inconclusive,
    }
}
