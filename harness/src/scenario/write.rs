//! Scenario → text: one case without `vary`, for replay files and for copying a minimised failure out.

use std::fmt::Write as _;

use super::substitute::substitute;
use super::{Case, Scenario};
use crate::config::yaml::{Entry, Node, NodeKind, Scalar, Style};

/// Keys of steps whose number may be made smaller.
const COUNTS: [&str; 3] = ["copies", "count", "concurrency"];

impl Scenario {
    /// A scenario file of its own for one case: references put in, no `vary`, and only the steps whose numbers `keep`
    /// says to keep. Reading it gives the same steps and expectations again, numbered anew.
    pub fn case_file(&self, case: &Case, keep: impl Fn(usize) -> bool) -> String {
        self.case_file_of(case, keep, |_| true)
    }

    /// As [`Self::case_file`], with only the expectations whose numbers, from 1, `expected` says to keep.
    pub fn case_file_of(
        &self,
        case: &Case,
        keep: impl Fn(usize) -> bool,
        expected: impl Fn(usize) -> bool,
    ) -> String {
        let tree = substitute(&self.tree, &case.parameters);
        let mut text = String::new();
        let NodeKind::Map(entries) = &tree.kind else {
            return text;
        };
        for Entry { key, value, .. } in entries.iter().filter(|entry| entry.key != "vary") {
            match &value.kind {
                NodeKind::Seq(items) if key == "steps" || key == "expect" => {
                    let _ = writeln!(text, "{key}:");
                    let kept = |number| match key.as_str() {
                        "steps" => keep(number),
                        _ => expected(number),
                    };
                    let numbered = items.iter().enumerate();
                    for (_, item) in numbered.filter(|(i, _)| kept(i + 1)) {
                        let _ = writeln!(text, "  - {}", flow(item));
                    }
                }
                _ => {
                    let _ = writeln!(text, "{key}: {}", flow(value));
                }
            }
        }
        text
    }
}

impl Scenario {
    /// The varied names that say how many of something there are: they can be made smaller.
    pub fn counts(&self) -> Vec<String> {
        let mut found = Vec::new();
        find_counts(&self.tree, &mut found);
        let names = self.vary.iter().map(|vary| &vary.name);
        names
            .filter(|name| found.contains(&format!("${{{name}}}")))
            .cloned()
            .collect()
    }
}

/// Collects what stands under keys that count.
fn find_counts(node: &Node, found: &mut Vec<String>) {
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::Seq(items) => items.iter().for_each(|item| find_counts(item, found)),
        NodeKind::Map(entries) => {
            for Entry { key, value, .. } in entries {
                match &value.kind {
                    NodeKind::Scalar(scalar) if COUNTS.contains(&key.as_str()) => {
                        found.push(scalar.text.clone());
                    }
                    _ => find_counts(value, found),
                }
            }
        }
    }
}

/// The value on one line. Text is quoted as JSON, which YAML reads.
fn flow(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scalar(scalar) => scalar_text(scalar),
        NodeKind::Seq(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Map(entries) if entries.is_empty() => "{}".to_owned(),
        NodeKind::Map(entries) => {
            let entry = |entry: &Entry| format!("{}: {}", key_text(&entry.key), flow(&entry.value));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn scalar_text(scalar: &Scalar) -> String {
    if scalar.style == Style::Plain && is_plain(&scalar.text) {
        return scalar.text.clone();
    }
    quoted(&scalar.text)
}

fn key_text(key: &str) -> String {
    if is_plain(key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// Whether a text needs no quotes anywhere, and no escape of `$`.
fn is_plain(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+');
    !text.is_empty() && !text.starts_with(['-', '.']) && text.chars().all(safe)
        || text.parse::<i64>().is_ok()
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.replace('$', "$$")).to_string()
}
