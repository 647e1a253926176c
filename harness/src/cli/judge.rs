//! `judge`: judges a saved history again, without any network.

use super::args::{JudgeOptions, Verbosity};
use super::exit::Exit;
use super::run::{exit_code, grading, rendered};
use super::{output, print};
use crate::checks;
use crate::history::reader;
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
    let judging = Judging {
        grading: grading(options.grading),
        selected: Some(selected.iter().map(|check| check.id.to_owned()).collect()),
        replay_command: None,
    };
    let report = verdict::judge_history(&history.events, history.damage.as_ref(), &judging);
    let mut exit = exit_code(&report, options.fail_on);
    if let Err(error) = print::result(&rendered(&report, options.json, verbosity)) {
        print::message(&format!("error: stdout: {error}"));
    }
    if let Some(out) = &options.out {
        let written = output::folder(out).and_then(|()| output::write(out, &report));
        if let Err(error) = written {
            print::message(&format!("error: --out: {error}"));
            exit = exit.max(Exit::Internal);
        }
    }
    exit
}
