//! Commands that repeat a run or a finding.

use crate::model::Report;
use crate::text;

/// The command line that repeats the run; with an id, only that check.
pub fn command(report: &Report, check: Option<&str>) -> String {
    let mut command = "x402-assay run".to_owned();
    if let (Some(flag), Some(url)) = (target_flag(&report.target.kind), &report.target.url) {
        command.push_str(&format!(" {flag} {}", quote(url)));
    }
    command.push_str(&format!(" --seed {}", report.seed));
    if let Some(check) = check {
        command.push_str(&format!(" --check {}", quote(check)));
    }
    command
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
