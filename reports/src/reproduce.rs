//! Commands that repeat a run or a finding.

use crate::model::load::{LoadKind, LoadReport};
use crate::model::{Report, Verdict};
use crate::text;

/// Most scenarios that are named one by one.
const NAMED_MAX: usize = 5;
/// Longest word of a command, in characters; a longer one ends in `…` and is not what was given.
const WORD_MAX: usize = 2_000;

/// The command line that repeats the run; with an id, only that check.
///
/// The report has it as it was given. Where it does not (the bench ran itself, or an earlier version wrote the report), it
/// is put together from what the report says: then flags of which it says nothing are missing, and of scenarios those with
/// findings are named.
pub fn command(report: &Report, check: Option<&str>) -> String {
    if let (Some(given), None) = (&report.command, check) {
        return given.clone();
    }
    let mut command = match (&report.load, check) {
        (Some(load), None) => format!("x402-assay load{}", plan(load)),
        _ => "x402-assay run".to_owned(),
    };
    if check.is_none() {
        for name in scenarios(report) {
            command.push_str(&format!(" {}", quote(name)));
        }
    }
    if let (Some(flag), Some(url)) = (target_flag(&report.target.kind), &report.target.url) {
        command.push_str(&format!(" {flag} {}", quote(url)));
    }
    if report.target.kind == "builtin-facilitator" {
        command.push_str(" --facilitator builtin");
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

/// Scenario, or schedule, mix and thresholds of a load, as flags.
fn plan(load: &LoadReport) -> String {
    let plan = &load.plan;
    if let Some(scenario) = &plan.scenario {
        return format!(" {}", quote(scenario));
    }
    let mut flags = String::new();
    let mut say = |flag: &str, value: &str| flags.push_str(&format!(" {flag} {}", quote(value)));
    if let Some(arrivals) = &plan.arrivals {
        say("--rate", arrivals);
    }
    // Steps may say themselves how long they are.
    let steps = plan.arrivals.as_ref();
    if !steps.is_some_and(|rate| rate.starts_with("steps:") && rate.contains('+')) {
        say("--for", &span(plan.duration_s));
    }
    if plan.warm_up_s > 0.0 {
        say("--warm-up", &span(plan.warm_up_s));
    }
    if matches!(plan.kind, LoadKind::Verify | LoadKind::Settle) {
        say("--calls", plan.kind.word());
    }
    let shares = plan.mix.iter();
    let shares = shares.map(|share| format!("{}={}", share.part, share.percent));
    let shares = shares.collect::<Vec<_>>().join(",");
    // Users wait in no queue: each has a connection of its own.
    let has_users = plan.arrivals.is_none() && plan.queue == 0;
    match has_users {
        true => {
            say("--users", &plan.connections);
            say("--journey", &shares);
        }
        false => {
            say("--connections", &plan.connections);
            if !shares.is_empty() && shares != "buy=100" {
                say("--mix", &shares);
            }
        }
    }
    for row in &load.thresholds {
        say("--threshold", &row.threshold);
    }
    let switches = [
        ("--closed", plan.arrivals.is_none() && !has_users),
        ("--unpaid", plan.kind == LoadKind::Unpaid),
        ("--sign-ahead", plan.signing == "ahead"),
        ("--search", load.highest_held_per_s.is_some()),
    ];
    let switches = switches.iter().filter(|(_, said)| *said);
    flags.extend(switches.map(|(flag, _)| format!(" {flag}")));
    flags
}

/// Whole milliseconds, as durations are typed.
fn span(seconds: f64) -> String {
    format!("{:.0}ms", seconds * 1_000.0)
}

/// One word for a POSIX shell, whatever the text holds. What does not show is made to show, and signatures are shortened:
/// such a word is harmless, and not what was given.
pub fn quote(word: &str) -> String {
    let word = text::command(word, WORD_MAX);
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
        assert_eq!(quote("\u{202e}x"), r"'\u{202e}x'");
        assert_eq!(quote(""), "''");
    }
}
