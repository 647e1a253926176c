//! Progress on stderr: one moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::print;
use crate::runner::Progress;

/// Seconds of a load between two plain lines.
const PLAIN_EVERY: u64 = 5;

/// Tells what a run does.
#[derive(Debug)]
pub(crate) struct Teller {
    bar: Option<ProgressBar>,
    quiet: bool,
    last_stage: Mutex<String>,
}

impl Teller {
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner:.dim} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            bar,
            quiet,
            last_stage: Mutex::default(),
        }
    }

    /// Takes the moving line away before a result is printed.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print::message(text)),
            None if self.quiet => {}
            None => print::message(text),
        }
    }
}

impl Progress for Teller {
    fn stage(&self, text: &str) {
        let changed = self.last_stage.lock().is_ok_and(|mut last| {
            let changed = *last != text;
            text.clone_into(&mut last);
            changed
        });
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.quiet || !changed => {}
            None => print::message(&format!("  {text}")),
        }
    }

    fn load(&self, second: u64, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.quiet || !second.is_multiple_of(PLAIN_EVERY) => {}
            None => print::message(&format!("  {text}")),
        }
    }

    fn request(&self, done: usize, total: usize, probe: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("request {done} of about {total}: {probe}"));
        }
    }
}
