//! `judge`: judges a saved history again, without any network.

use super::args::{JudgeOptions, Verbosity};
use super::exit::Exit;
use super::run::{exit_code, grading, rendered};
use super::{expectations, output, print};
use crate::checks;
use crate::history::{What, reader};
use crate::verdict::{self, Judging};

pub(super) fn judge(options: &JudgeOptions, verbosity: Verbosity) -> Exit {
    let selection = &options.selection;
    let selected = checks::select(&selection.check, &selection.skip, &selection.tags);
    if selected.is_empty() {
        print::message(
            "error: no check matches --check, --skip and --tag (x402-assay list shows them all)",
        );
        return Exit::Nothing;
    }
    let history = match reader::read(&options.history) {
        Ok(history) => history,
        Err(error) => {
            print::message(&format!("error: {error}"));
            return Exit::Usage;
        }
    };
    if let Some(damage) = &history.damage {
        print::message(&format!(
            "warning: {} is {damage}; it is judged up to there",
            options.history.display()
        ));
    }
    let own = history.events.iter().filter_map(|event| match &event.what {
        What::Scenario { name, .. } => Some(name.clone()),
        _ => None,
    });
    let own: Vec<String> = own.collect();
    let expectations = match expectations::read(options.expectations.as_deref(), false, &own) {
        Ok(expectations) => expectations,
        Err(exit) => return exit,
    };
    let judging = Judging {
        grading: grading(options.grading),
        selected: Some(selected.iter().map(|check| check.id.to_owned()).collect()),
        replay_command: None,
        expectations,
    };
    let report = verdict::judge_history(&history.events, history.damage.as_ref(), &judging);
    let mut exit = exit_code(&report, options.fail_on);
    if let Err(error) = print::result(&rendered(&report, options.json, verbosity)) {
        print::message(&format!("error: stdout: {error}"));
    }
    if let Some(out) = &options.out {
        let wanted = output::Wanted {
            also: &options.also,
            fail_on: options.fail_on,
            history: &history.events,
        };
        let written = output::folder(out).and_then(|()| output::write(out, &report, &wanted));
        if let Err(error) = written {
            print::message(&format!("error: --out: {error}"));
            exit = exit.max(Exit::Internal);
        }
    }
    exit
}
