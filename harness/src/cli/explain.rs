//! `explain`: all there is to know about one check.

use super::exit::Exit;
use super::list::{need_name, role};
use super::print;
use crate::checks::{self, CHECKS, Check, Role};
use crate::config::did_you_mean;

pub(super) fn explain(id: &str) -> Exit {
    let Some(check) = checks::find(id) else {
        let shown = x402_assay_reports::text::line(id, 80);
        let known = CHECKS.iter().map(|check| check.id);
        let hint = did_you_mean(&shown, known);
        print::message(&format!(
            "error: there is no check `{shown}`{hint} (x402-assay list shows them all)"
        ));
        return Exit::Usage;
    };
    match print::result(&text(check)) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            print::message(&format!("error: stdout: {error}"));
            Exit::Internal
        }
    }
}

fn text(check: &Check) -> String {
    let versions: Vec<String> = check.versions.iter().map(ToString::to_string).collect();
    let needs: Vec<&str> = check.needs.iter().map(|need| need_name(*need)).collect();
    let mut text = format!("{}  {}\n\n", check.id, check.title);
    let rows = [
        ("requirement", check.requirement.to_owned()),
        ("source", check.source.to_owned()),
        ("grade", check.grade.name().to_owned()),
        (
            "role",
            format!("{}, {}", role(check.role), versions.join(" and ")),
        ),
        ("needs", needs.join(", ")),
        ("seen", check.observe.to_owned()),
        ("probes", check.probes.join(", ")),
        ("good", check.good.to_owned()),
        ("bad", check.bad.to_owned()),
        ("likely cause", check.cause.to_owned()),
        ("fix", check.fix.to_owned()),
        ("tags", check.tags.join(", ")),
        (
            "again",
            format!("x402-assay run{} --check {}", target(check), check.id),
        ),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        for (index, line) in x402_assay_reports::text::wrap(value, 84).iter().enumerate() {
            let label = if index == 0 { name } else { "" };
            text.push_str(&format!("{label:12}  {line}\n"));
        }
    }
    text
}

/// The flag without which a run is about something else.
fn target(check: &Check) -> &'static str {
    match check.role {
        Role::Facilitator => " --facilitator URL",
        Role::ResourceServer | Role::Client => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_explained_whole() {
        for check in CHECKS {
            let text = text(check);
            for label in ["requirement", "source", "seen", "good", "bad", "fix"] {
                let mut lines = text.lines();
                assert!(
                    lines.any(|line| line.starts_with(label)),
                    "{}: {label}",
                    check.id
                );
            }
        }
        insta::assert_snapshot!(text(checks::find("SRV-REPL-001").unwrap()));
    }
}
