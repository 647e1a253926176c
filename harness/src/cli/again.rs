//! The command that repeats a run.

use super::args::Setup;
use crate::config::TargetProfile;
use crate::config::profile::{Route, UrlTemplate};

/// The command that makes this run again. Values of headers are secrets and stay out of it.
pub(crate) fn run_again(setup: &Setup) -> String {
    let mut words = vec!["x402-assay".to_owned(), "run".to_owned()];
    match (&setup.profile, &setup.target) {
        (Some(profile), _) => {
            let flag = role_flag(setup.target.as_ref());
            words.extend([flag, quote(&profile.display().to_string())]);
        }
        (None, Some(target)) => words.extend(target_words(target)),
        (None, None) if setup.built_in_facilitator => {
            words.extend(["--facilitator".to_owned(), "builtin".to_owned()]);
        }
        (None, None) => {}
    }
    words.extend(
        setup
            .defects
            .iter()
            .map(|defect| format!("--defect {}", quote(defect))),
    );
    if let Some(chosen) = &setup.personality {
        let named = quote(&chosen.named);
        words.push(format!("--facilitator-personality {named}"));
    }
    words.join(" ")
}

fn role_flag(target: Option<&TargetProfile>) -> String {
    format!("--{}", target.map_or("server", TargetProfile::kind_name))
}

fn target_words(target: &TargetProfile) -> Vec<String> {
    let route = target.routes.first();
    let base = target.url().map(UrlTemplate::as_text).unwrap_or_default();
    let path = route.map(Route::request_path).unwrap_or_default();
    let mut words = vec![role_flag(Some(target)), quote(&format!("{base}{path}"))];
    if let Some(launch) = &target.launch {
        words.extend(["--launch".to_owned(), quote(&launch.command)]);
    }
    if let Some(route) = route {
        if route.method != http::Method::GET {
            words.extend(["-X".to_owned(), route.method.to_string()]);
        }
        if let Some(body) = &route.body {
            words.extend(["-d".to_owned(), quote(&String::from_utf8_lossy(body))]);
        }
    }
    let headers = target
        .headers
        .iter()
        .chain(route.iter().flat_map(|route| &route.headers));
    words.extend(headers.map(|header| format!("-H '{}: …'", header.name)));
    words
}

/// One word for a POSIX shell.
pub(super) fn quote(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
