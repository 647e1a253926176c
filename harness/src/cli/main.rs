//! From words to an exit code.

use std::ffi::OsString;
use std::path::Path;

use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::args::{self, Command, Invocation, Surroundings, Verbosity};
use super::exit::Exit;
use super::{
    compare, doctor, down, explain, judge, list, load, print, replay, report, run, scenarios,
    selftest, up,
};
use crate::config::process_environment;

/// Runs the command line; the caller turns the result into the process's end.
pub fn main(words: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = match args::parse(words) {
        Ok(parsed) => parsed,
        Err(error) => {
            let code = error.0.exit_code();
            // clap prints help to stdout and errors to stderr; a closed pipe is nobody's fault.
            let _ = error.0.print();
            return if code == 0 { Exit::Ok } else { Exit::Usage };
        }
    };
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => {
            print::message(&format!(
                "error: the working folder cannot be read: {error}"
            ));
            return Exit::Usage;
        }
    };
    let surroundings = Surroundings {
        folder: &folder,
        lookup: &process_environment,
    };
    match args::resolve(&parsed, surroundings) {
        Ok(invocation) => perform(invocation, &folder),
        Err(error) => {
            for problem in &error.problems {
                print::message(&format!("error: {problem}"));
            }
            Exit::Usage
        }
    }
}

fn perform(invocation: Invocation, folder: &Path) -> Exit {
    start_logging(invocation.verbosity);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            print::message(&format!("error: the async runtime did not start: {error}"));
            return Exit::Internal;
        }
    };
    let quiet = invocation.verbosity.quiet;
    let exit = runtime.block_on(async {
        let cancel = on_interrupt();
        match invocation.command {
            Command::Run(options) => run::run(*options, invocation.verbosity, cancel).await,
            Command::Up(options) => up::up(options, quiet, cancel).await,
            Command::Down(options) => down::down(options).await,
            Command::List(options) => list::list(options),
            Command::Explain(id) => explain::explain(&id),
            Command::Doctor(options) => doctor::doctor(*options, quiet, cancel).await,
            Command::Selftest(options) => selftest::selftest(options, quiet, cancel).await,
            Command::Replay(options) => replay::replay(*options, quiet, cancel).await,
            Command::Load(options) => load::load(*options, invocation.verbosity, cancel).await,
            Command::Judge(options) => judge::judge(&options, invocation.verbosity),
            Command::Compare(options) => compare::compare(&options),
            Command::Report(options) => report::report(&options),
            Command::ScenarioCopy { name } => scenarios::copy(folder, &name),
            Command::Reserved { name } => reserved(name),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

/// A name that is taken and does nothing yet.
pub(super) fn reserved(name: &str) -> Exit {
    print::message(&format!(
        "error: `{name}` is a reserved name: it does not exist in this version (x402-assay --help lists what does)"
    ));
    Exit::Usage
}

/// A token that the first Ctrl-C (or SIGTERM) cancels; the second ends the process at once.
fn on_interrupt() -> CancellationToken {
    let cancel = CancellationToken::new();
    let told = cancel.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        print::message("stopping; the report of what ran will be written (again to quit at once)");
        told.cancel();
        wait_for_signal().await;
        #[expect(clippy::exit, reason = "the user asked twice; guards end the children")]
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
    cancel
}

async fn wait_for_signal() {
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if result.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = crate::os::asked_to_end() => {}
    }
}

fn start_logging(verbosity: Verbosity) {
    let level = match (verbosity.quiet, verbosity.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_env("X402_ASSAY_LOG").unwrap_or_else(|_| {
        EnvFilter::new(format!(
            "warn,x402_assay={level},x402_mock_facilitator={level}"
        ))
    });
    // A subscriber that a test has set already stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
