//! Commands that repeat a run or a finding.

use crate::model::{Report, Verdict};
use crate::text;

/// Most scenarios that are named one by one.
const NAMED_MAX: usize = 5;

/// The command line that repeats the run; with an id, only that check. Of scenarios, those with findings are named.
pub fn command(report: &Report, check: Option<&str>) -> String {
    let mut command = "x402-assay run".to_owned();
    if check.is_none() {
        for name in scenarios(report) {
            command.push_str(&format!(" {}", quote(name)));
        }
    }
    if let (Some(flag), Some(url)) = (target_flag(&report.target.kind), &report.target.url) {
        command.push_str(&format!(" {flag} {}", quote(url)));
    }
    if report.fidelity.chain == "memory" {
        command.push_str(" --chain memory");
    }
    command.push_str(&format!(" --seed {}", report.seed));
    if let Some(check) = check {
        command.push_str(&format!(" --check {}", quote(check)));
    }
    command
}

fn scenarios(report: &Report) -> Vec<&str> {
    let all = report.scenarios.iter();
    let found: Vec<&str> = all
        .clone()
        .filter(|row| matches!(row.verdict, Verdict::Fail | Verdict::Warn))
        .map(|row| row.name.as_str())
        .collect();
    let named: Vec<&str> = match found.is_empty() {
        true => all.map(|row| row.name.as_str()).collect(),
        false => found,
    };
    match named.len() {
        0..=NAMED_MAX => named,
        _ => vec!["all"],
    }
}

fn target_flag(kind: &str) -> Option<&'static str> {
    match kind {
        "server" => Some("--server"),
        "facilitator" => Some("--facilitator"),
        "client" => Some("--client"),
        _ => None,
    }
}

/// One word for a POSIX shell, whatever the text holds.
fn quote(word: &str) -> String {
    let word = text::command(word, 2_000);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_url_stays_one_shell_word() {
        assert_eq!(
            quote("http://127.0.0.1:3000/paid"),
            "http://127.0.0.1:3000/paid"
        );
        assert_eq!(quote("x'; rm -rf ~ #"), r"'x'\''; rm -rf ~ #'");
        assert_eq!(quote("$(id)\n`id`"), "'$(id) `id`'");
        assert_eq!(quote(""), "''");
    }
}
