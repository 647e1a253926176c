//! Lines, columns and colours.

use super::TerminalOptions;
use crate::model::{RunVerdict, Verdict};
use crate::text;

/// ANSI styles; nothing is written where colours are off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Plain,
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "1;32",
            Self::Yellow => "1;33",
            Self::Red => "1;31",
        }
    }

    pub(super) const fn of_run(verdict: RunVerdict) -> Self {
        match verdict {
            RunVerdict::Conformant => Self::Green,
            RunVerdict::Nonconformant => Self::Red,
            RunVerdict::Inconclusive => Self::Yellow,
        }
    }

    pub(super) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Green,
            Verdict::Fail => Self::Red,
            Verdict::Warn | Verdict::Inconclusive => Self::Yellow,
            Verdict::Info | Verdict::Skipped => Self::Dim,
        }
    }
}

/// The page under construction. Text given to it is made harmless here, whatever it holds.
#[derive(Debug)]
pub(super) struct Page {
    out: String,
    options: TerminalOptions,
}

/// Longest id that is shown: the catalogue's are shorter, a saved report may hold anything.
pub(super) const ID_MAX: usize = 40;
/// Longest text of one member that is shown.
const CHARS_MAX: usize = 800;

impl Page {
    pub(super) const fn new(options: TerminalOptions) -> Self {
        Self {
            out: String::new(),
            options,
        }
    }

    pub(super) const fn verbose(&self) -> bool {
        self.options.verbose
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Ends a line.
    pub(super) fn end(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
    }

    /// A heading with a blank line before it.
    pub(super) fn heading(&mut self, title: &str) {
        self.end();
        self.put(Style::Bold, title);
        self.end();
    }

    /// Text in a style, on the line as it stands.
    pub(super) fn put(&mut self, style: Style, text: &str) {
        let text = text::line(text, CHARS_MAX);
        let code = style.code();
        if self.options.color && !code.is_empty() && !text.is_empty() {
            self.out.push_str("\x1b[");
            self.out.push_str(code);
            self.out.push('m');
            self.out.push_str(&text);
            self.out.push_str("\x1b[0m");
        } else {
            self.out.push_str(&text);
        }
    }

    /// Text in a style, cut and filled up with blanks to a column width; the last column stays blank.
    pub(super) fn column(&mut self, style: Style, text: &str, width: usize) {
        let text = text::line(text, width.saturating_sub(1));
        self.put(style, &text);
        self.blanks(width.saturating_sub(text.chars().count()));
    }

    /// So many blanks.
    pub(super) fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    /// A label and its text, wrapped below itself.
    pub(super) fn field(&mut self, indent: usize, label: &str, label_width: usize, value: &str) {
        self.blanks(indent);
        self.column(Style::Dim, label, label_width);
        self.paragraph(Style::Plain, indent + label_width, value);
    }

    /// Text that starts here and goes on, where it is too long, at column `indent` of the next lines.
    pub(super) fn paragraph(&mut self, style: Style, indent: usize, value: &str) {
        let value = text::line(value, CHARS_MAX);
        let width = self.options.width.saturating_sub(indent);
        for (index, line) in text::wrap(&value, width).iter().enumerate() {
            if index > 0 {
                self.blanks(indent);
            }
            self.put(style, line);
            self.end();
        }
    }

    /// Names that go on below each other; each is cut alone, so that a long list stays whole.
    pub(super) fn list(&mut self, style: Style, indent: usize, names: &[&str]) {
        let width = self.options.width.saturating_sub(indent);
        let names: Vec<String> = names.iter().map(|name| text::line(name, 60)).collect();
        for (index, line) in text::wrap(&names.join(", "), width).iter().enumerate() {
            if index > 0 {
                self.blanks(indent);
            }
            self.put(style, line);
            self.end();
        }
    }

    /// One line that keeps its blanks, cut where the line ends.
    pub(super) fn aligned(&mut self, indent: usize, label: &str, label_width: usize, line: &str) {
        self.blanks(indent);
        self.column(Style::Dim, label, label_width);
        let width = self
            .options
            .width
            .saturating_sub(indent + label_width)
            .max(40);
        self.put(Style::Plain, &text::line(line, width));
        self.end();
    }

    /// A command: never wrapped, so that it can be copied.
    pub(super) fn command(&mut self, indent: usize, label: &str, width: usize, command: &str) {
        self.blanks(indent);
        self.column(Style::Dim, label, width);
        self.out.push_str(&text::command(command, 4 * CHARS_MAX));
        self.end();
    }
}
