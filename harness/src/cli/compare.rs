//! `compare`: two saved reports against each other, without any network.

use x402_assay_reports::compare::{self, Comparison, Outcome, Rule};

use super::args::{CompareOptions, FailOn};
use super::exit::Exit;
use super::report::read_report;
use super::{output, print};

pub(super) fn compare(options: &CompareOptions) -> Exit {
    let (base, new) = match (read_report(&options.base), read_report(&options.new)) {
        (Ok(base), Ok(new)) => (base, new),
        (base, new) => {
            for problem in [base.err(), new.err()].into_iter().flatten() {
                print::message(&format!("error: {problem}"));
            }
            return Exit::Usage;
        }
    };
    let rule = Rule {
        max_regression: options.max_regression,
        warnings_count: options.fail_on == FailOn::Warn,
    };
    let comparison = compare::compare(&base, &new, rule);
    let json = as_json(&comparison);
    let mut exit = match comparison.outcome {
        Outcome::Good => Exit::Ok,
        Outcome::Broken => Exit::Nonconformant,
        Outcome::Incomparable => Exit::Inconclusive,
        Outcome::Regressed => Exit::Missed,
    };
    let shown = match options.json {
        true => json.clone(),
        false => compare::render_terminal(&comparison),
    };
    if let Err(error) = print::result(&shown) {
        print::message(&format!("error: stdout: {error}"));
    }
    if let Some(out) = &options.out {
        let files = [
            ("compare.json", json),
            ("compare.md", compare::render_markdown(&comparison)),
            ("compare.html", compare::render_html(&comparison)),
        ];
        let written = output::folder(out).and_then(|()| {
            let mut files = files.iter();
            files.try_for_each(|(name, text)| output::write_file(&out.join(name), text))
        });
        if let Err(error) = written {
            print::message(&format!("error: --out: {error}"));
            exit = Exit::Internal;
        }
    }
    exit
}

fn as_json(comparison: &Comparison) -> String {
    let mut text = serde_json::to_string_pretty(comparison)
        .expect("a comparison has string keys and no fallible serializer");
    text.push('\n');
    text
}
