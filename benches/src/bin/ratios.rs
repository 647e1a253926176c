//! Prints the ratios the bench holds itself to: `cargo run --release -p x402-assay-benches --bin ratios -- NAME...`

use std::process::ExitCode;

use clap::Parser;
use x402_assay_benches::ratio::{BARS, Bar, Size};

/// Measures the bench against named things, in turn in one run. Build the bench first: cargo build --release
#[derive(Debug, Parser)]
#[command(name = "ratios")]
struct Args {
    /// Which ones; all when none is named
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(BARS.iter().map(|bar| bar.name)))]
    names: Vec<String>,
    /// Rounds of each pair
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Seconds of one timed run
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program whose result is what it prints"
)]
fn main() -> ExitCode {
    let args = Args::parse();
    let size = Size {
        rounds: usize::from(args.rounds),
        seconds: args.seconds,
    };
    let wanted =
        |bar: &&Bar| args.names.is_empty() || args.names.iter().any(|name| name == bar.name);
    let (mut missed, mut failed) = (false, false);
    for bar in BARS.iter().filter(wanted) {
        println!("{}: {}", bar.name, bar.about);
        match (bar.run)(size) {
            Ok(rows) => {
                for row in rows {
                    missed |= row.holds() == Some(false);
                    println!("  {row}");
                }
            }
            Err(error) => {
                failed = true;
                eprintln!("  {}: {error:#}", bar.name);
            }
        }
    }
    match (failed, missed) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(6),
        (false, false) => ExitCode::SUCCESS,
    }
}
