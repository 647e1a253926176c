//! `list`: what can be selected.

use serde_json::json;

use super::args::{ListOptions, ListRole};
use super::exit::Exit;
use super::{personalities, print, scenarios};
use crate::checks::{self, Check, Need, Role};

pub(super) fn list(options: ListOptions) -> Exit {
    let text = if options.personalities {
        personalities::list(options.json)
    } else if options.scenarios {
        scenarios::list(options)
    } else {
        let chosen: Vec<&Check> = checks::CHECKS
            .iter()
            .filter(|check| wanted(check, options))
            .collect();
        if options.json {
            as_json(&chosen)
        } else {
            as_table(&chosen)
        }
    };
    match print::result(&text) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            print::message(&format!("error: stdout: {error}"));
            Exit::Internal
        }
    }
}

fn wanted(check: &Check, options: ListOptions) -> bool {
    match options.role {
        None => true,
        Some(ListRole::Server) => check.role == Role::ResourceServer,
        Some(ListRole::Facilitator) => check.role == Role::Facilitator,
        Some(ListRole::Client) => check.role == Role::Client,
    }
}

fn as_json(checks: &[&Check]) -> String {
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "title": check.title,
                "role": role(check.role),
                "grade": check.grade.name(),
                "level": check.level.name(),
                "requirement": check.requirement,
                "source": check.source,
                "versions": check.versions.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "needs": check.needs.iter().map(|need| need_name(*need)).collect::<Vec<_>>(),
                "probes": check.probes,
                "killed_by": check.killed_by,
                "tags": check.tags,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(rows))
}

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::ResourceServer => "server",
        Role::Facilitator => "facilitator",
        Role::Client => "client",
    }
}

pub(super) const fn need_name(need: Need) -> &'static str {
    match need {
        Need::Facilitator => "facilitator",
        Need::Evm => "evm",
    }
}

fn as_table(checks: &[&Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.id.len())
        .max()
        .unwrap_or_default();
    let mut text: String = checks
        .iter()
        .map(|check| {
            format!(
                "{:width$}  {:4}  {}\n",
                check.id,
                check.grade.name(),
                check.title
            )
        })
        .collect();
    text.push_str(&format!("{} checks\n", checks.len()));
    text
}
