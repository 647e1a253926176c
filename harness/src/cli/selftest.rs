//! `selftest`: the kill matrix, measured and compared with what is recorded.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use x402_assay_reports::html::kill_matrix;
use x402_assay_reports::text::counted;

use super::args::SelftestOptions;
use super::exit::Exit;
use super::output::{self, WriteError};
use super::print;
use super::progress::Teller;
use super::run::{guard_binary, refuse};
use crate::bench::BenchError;
use crate::checks::CHECKS;
use crate::runner::Progress as _;
use crate::selftest::{self, Difference, Row};

/// Runs under way at once: most of a run is waiting, for the ledger and for what must not happen.
const WIDTH: usize = 20;

pub(super) async fn selftest(
    options: SelftestOptions,
    quiet: bool,
    cancel: CancellationToken,
) -> Exit {
    let guard = match guard_binary() {
        Ok(guard) => guard,
        Err(error) => return refuse(&error),
    };
    // Before the measuring, which takes its time.
    if let Some(out) = &options.out
        && let Err(error) = output::folder(out)
    {
        print::message(&format!("error: --out: {error}"));
        return Exit::Usage;
    }
    let teller = Teller::new(quiet);
    let began = Instant::now();
    let told = |done: usize, total: usize| {
        // Every line stays in a log that is no terminal: a few are enough.
        if done.is_multiple_of(20) || done == total {
            teller.stage(&format!("{done} of {total} runs"));
        }
    };
    let measured = measured(&guard, &cancel, told).await;
    teller.finish();
    if cancel.is_cancelled() {
        print::message("stopped: the matrix was not measured to its end");
        return Exit::Interrupted;
    }
    let measured = match measured {
        Ok(rows) => rows,
        Err((defect, error)) => {
            print::message(&format!("error: {defect}: {error}"));
            return match error {
                BenchError::Usage(_) => Exit::Usage,
                BenchError::Internal(_) => Exit::Internal,
            };
        }
    };
    let differences = selftest::differences(&measured, &recorded());
    let shown = Shown {
        rows: &measured,
        differences: &differences,
        seconds: began.elapsed().as_secs_f64(),
    };
    let text = match options.json {
        true => shown.as_json(),
        false => shown.as_text(),
    };
    if let Err(error) = print::result(&text) {
        print::message(&format!("error: stdout: {error}"));
        return Exit::Internal;
    }
    if let Some(out) = &options.out
        && let Err(error) = shown.write(out)
    {
        print::message(&format!("error: --out: {error}"));
        return Exit::Internal;
    }
    match differences.is_empty() {
        true => Exit::Ok,
        false => Exit::Nonconformant,
    }
}

/// Rows of the facilitator, under the names that tell them from the server's.
fn of_facilitator(rows: Vec<Row>) -> impl Iterator<Item = Row> {
    rows.into_iter().map(|row| Row {
        defect: format!("facilitator:{}", row.defect),
        ..row
    })
}

async fn measured(
    guard: &std::path::Path,
    cancel: &CancellationToken,
    told: impl Fn(usize, usize),
) -> Result<Vec<Row>, (String, BenchError)> {
    let mut rows = selftest::measure(guard, WIDTH, cancel, &told).await?;
    let more = selftest::measure_facilitator(guard, WIDTH, cancel, &told).await?;
    rows.extend(of_facilitator(more));
    Ok(rows)
}

fn recorded() -> Vec<Row> {
    let mut rows = selftest::recorded();
    rows.extend(of_facilitator(selftest::recorded_facilitator()));
    rows
}

/// What is told.
struct Shown<'a> {
    rows: &'a [Row],
    differences: &'a [Difference],
    seconds: f64,
}

impl Shown<'_> {
    fn killed(&self) -> BTreeSet<&str> {
        self.rows.iter().flat_map(Row::killed).collect()
    }

    /// Differences first, then the matrix, then the sum of it.
    fn as_text(&self) -> String {
        let mut text = String::new();
        for difference in self.differences {
            text.push_str(&format!("DIFFERS {}\n", difference.told()));
        }
        if !self.differences.is_empty() {
            text.push('\n');
        }
        text.push_str(&selftest::text_under(selftest::HEAD, self.rows));
        text.push_str(&format!("\n{}\n", self.summary()));
        text
    }

    /// Writes the page, the JSON and the text; tells where they are.
    fn write(&self, out: &Path) -> Result<(), WriteError> {
        let page = kill_matrix::render(&selftest::page(
            self.rows,
            self.differences,
            &self.summary(),
        ));
        for (name, text) in [
            ("kill-matrix.html", page),
            ("kill-matrix.json", self.as_json()),
            (
                "kill-matrix.txt",
                selftest::text_under(selftest::HEAD, self.rows),
            ),
        ] {
            output::write_file(&out.join(name), &text)?;
        }
        print::message(&format!(
            "the matrix is in {}",
            out.join("kill-matrix.html").display()
        ));
        Ok(())
    }

    fn summary(&self) -> String {
        let killed = self.killed();
        let checks = CHECKS.iter();
        let red = checks.filter(|check| killed.contains(check.id)).count();
        let is_none = |row: &&Row| row.defect.ends_with(selftest::NONE);
        let unnoticed = self.rows.iter().filter(|row| row.is_unnoticed());
        let unnoticed = unnoticed.filter(|row| !is_none(row)).count();
        let defects = self.rows.iter().filter(|row| !is_none(row)).count();
        let outcome = match self.differences.len() {
            0 => "as recorded".to_owned(),
            count => format!("{} from what is recorded", counted(count, "difference")),
        };
        format!(
            "{outcome}: {}, {red} of {} turned red, {} that only scenarios or a node show; {:.1} s",
            counted(defects, "defect"),
            counted(CHECKS.len(), "check"),
            counted(unnoticed, "defect"),
            self.seconds
        )
    }

    fn as_json(&self) -> String {
        let differing: BTreeSet<&str> =
            self.differences.iter().map(|d| d.defect.as_str()).collect();
        let row = |row: &Row| {
            json!({
                "defect": row.defect,
                "verdict": row.verdict,
                "red": row.red,
                "as_recorded": !differing.contains(row.defect.as_str()),
            })
        };
        let difference = |one: &Difference| {
            json!({
                "defect": one.defect,
                "text": one.told(),
                "measured": one.measured.as_ref().map(|row| &row.red),
                "recorded": one.recorded.as_ref().map(|row| &row.red),
            })
        };
        let killed = self.killed();
        let never: Vec<&str> = CHECKS
            .iter()
            .map(|check| check.id)
            .filter(|id| !killed.contains(id))
            .collect();
        let value = json!({
            "as_recorded": self.differences.is_empty(),
            "summary": self.summary(),
            "differences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "matrix": self.rows.iter().map(row).collect::<Vec<_>>(),
            "checks_never_red": never,
        });
        format!("{value:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_stand_first_and_the_sum_last() {
        let recorded = super::recorded();
        let mut measured = recorded.clone();
        let place = measured.iter().position(|row| !row.red.is_empty()).unwrap();
        let gone = measured[place].red.remove(0);
        let differences = selftest::differences(&measured, &recorded);
        let shown = Shown {
            rows: &measured,
            differences: &differences,
            seconds: 1.0,
        };
        let text = shown.as_text();
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with("DIFFERS ") && first.contains(&gone),
            "{first}"
        );
        let last = text.lines().last().unwrap();
        assert!(
            last.starts_with("1 difference from what is recorded"),
            "{last}"
        );
        let value: serde_json::Value = serde_json::from_str(&shown.as_json()).unwrap();
        assert_eq!(value["as_recorded"], false);
        assert_eq!(value["matrix"].as_array().unwrap().len(), measured.len());
        assert_eq!(value["matrix"][place]["as_recorded"], false);
    }
}
