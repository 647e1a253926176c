//! Workflow commands: what GitHub shows beside a change, one line for each thing to act on.

use crate::finding::{Finding, findings};
use crate::model::{Report, RunVerdict, Verdict};
use crate::text;

/// Most annotations of one kind; GitHub shows ten of each for a step and drops the rest without a word.
const EACH_MAX: usize = 10;
/// Longest title and longest message, in characters.
const TITLE_MAX: usize = 200;
const TEXT_MAX: usize = 1_000;

/// Verdict first, then findings in the order in which they should be fixed; what is expected is left out.
pub fn render(report: &Report) -> String {
    let mut lines = vec![verdict(report)];
    let found = findings(report);
    let open: Vec<&Finding<'_>> = found
        .iter()
        .filter(|finding| finding.expected().is_none())
        .collect();
    for kind in [Kind::Error, Kind::Warning] {
        let of_kind = open
            .iter()
            .filter(|finding| Kind::of(finding.verdict) == kind);
        let all: Vec<String> = of_kind.map(|finding| annotation(kind, finding)).collect();
        let room = EACH_MAX - usize::from(kind == kind_of(report.verdict));
        let left = all.len().saturating_sub(room);
        lines.extend(all.into_iter().take(room));
        if left > 0 {
            let more = format!("{} more in the report", text::counted(left, "finding"));
            lines.push(command(Kind::Notice, "x402-assay", &more));
        }
    }
    let remarks = report.expectations.iter().flat_map(|file| file.remarks());
    for (kind, note) in remarks.take(EACH_MAX) {
        let title = format!("{kind} expectation");
        lines.push(command(
            Kind::Notice,
            &title,
            &text::line(&note.told(), TEXT_MAX),
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The three kinds of annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

impl Kind {
    /// What could not be judged is a warning: that the whole run came to nothing is told by its first line.
    const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::Error,
            _ => Self::Warning,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

const fn kind_of(verdict: RunVerdict) -> Kind {
    match verdict {
        RunVerdict::Conformant => Kind::Notice,
        RunVerdict::Nonconformant | RunVerdict::Inconclusive => Kind::Error,
    }
}

fn verdict(report: &Report) -> String {
    let word = match report.verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    };
    let title = format!(
        "x402-assay: {word}: {}",
        text::line(&report.target.name, TITLE_MAX)
    );
    let summary = text::line(&report.summary, TEXT_MAX);
    command(kind_of(report.verdict), &title, &summary)
}

fn annotation(kind: Kind, finding: &Finding<'_>) -> String {
    let title = format!("{}: {}", finding.id(), finding.title());
    let mut message = text::line(finding.detail(), TEXT_MAX);
    if let Some(fix) = finding.fix() {
        message.push_str("\nfix: ");
        message.push_str(&text::line(fix, TEXT_MAX));
    }
    command(kind, &text::line(&title, TITLE_MAX), &message)
}

/// One command. The runner reads `%`, line breaks and, inside a property, `:` and `,` as its own: they are escaped, so
/// that no text of a target ends the line and begins another command.
fn command(kind: Kind, title: &str, message: &str) -> String {
    let message = match message.is_empty() {
        true => title,
        false => message,
    };
    format!(
        "::{} title={}::{}",
        kind.word(),
        property(title),
        data(message)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
