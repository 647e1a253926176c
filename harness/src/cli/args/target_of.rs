//! Target flags → profile: which role, URL or file, and the flags beside it.

use std::path::{Path, PathBuf};

use x402_assay_protocol::Version;

use super::Surroundings;
use super::parse::Parsed;
use super::target::TargetArgs;
use crate::config::TargetProfile;
use crate::config::profile::{RequestFlags, Role, load};

/// `--facilitator` with this names the bench's own.
pub(super) const BUILT_IN: &str = "builtin";

/// What the target flags name; no profile means a built-in target.
#[derive(Default)]
pub(super) struct Found {
    pub(super) profile: Option<TargetProfile>,
    pub(super) file: Option<PathBuf>,
    /// The built-in facilitator, not the reference server.
    pub(super) built_in_facilitator: bool,
}

pub(super) fn resolve(
    args: &TargetArgs,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<Found> {
    let flags = request_flags(args);
    let Some((role, target)) = chosen(args, parsed, problems)? else {
        refuse_without_target(parsed, problems);
        return Some(Found::default());
    };
    if role == Role::Facilitator && target.trim() == BUILT_IN {
        refuse_without_target(parsed, problems);
        return Some(Found {
            built_in_facilitator: true,
            ..Found::default()
        });
    }
    if parsed.typed("defects") {
        problems.push(format!(
            "--defect breaks the built-in reference server; it does not go with --{}",
            role.word()
        ));
    }
    let target = target.trim();
    let path = surroundings.folder.join(target);
    let result = if is_file_name(role, target, &path) {
        from_file(role, target, &path, &flags, parsed, surroundings).map(|profile| Found {
            profile: Some(profile),
            file: Some(path),
            ..Found::default()
        })
    } else {
        TargetProfile::from_url(role, target, &flags, surroundings.folder).map(|profile| Found {
            profile: Some(profile),
            ..Found::default()
        })
    };
    result.map_err(|found| problems.extend(found)).ok()
}

/// The versions of `--x402`, in order and each once.
pub(super) fn versions(args: &TargetArgs) -> Option<Vec<Version>> {
    let mut versions = args.versions.clone()?;
    versions.sort();
    versions.dedup();
    Some(versions)
}

/// The one target; `Some(None)` is the built-in server, `None` an error.
fn chosen<'a>(
    args: &'a TargetArgs,
    parsed: &Parsed,
    problems: &mut Vec<String>,
) -> Option<Option<(Role, &'a str)>> {
    let all = [
        (Role::Server, &args.server),
        (Role::Facilitator, &args.facilitator),
        (Role::Client, &args.client),
    ];
    let given: Vec<(Role, &str)> = all
        .iter()
        .filter_map(|(role, value)| Some((*role, value.as_deref()?)))
        .collect();
    // A typed target beats one from the environment.
    let typed: Vec<_> = given
        .iter()
        .copied()
        .filter(|(role, _)| parsed.typed(role.word()))
        .collect();
    match if typed.is_empty() { given } else { typed }.as_slice() {
        [] => Some(None),
        [one] => Some(Some(*one)),
        several => {
            let flags: Vec<String> = several
                .iter()
                .map(|(role, _)| format!("--{}", role.word()))
                .collect();
            let names = flags.join(" and ");
            problems.push(format!(
                "{names} exclude each other (flags or X402_ASSAY_* variables); keep one"
            ));
            None
        }
    }
}

fn request_flags(args: &TargetArgs) -> RequestFlags {
    RequestFlags {
        method: args.method.clone(),
        headers: args
            .headers
            .iter()
            .filter(|line| !line.is_empty())
            .cloned()
            .collect(),
        data: args.data.clone(),
        marker: args.marker.clone(),
        launch: args.launch.clone(),
        timeout: args.timeout,
        versions: versions(args),
    }
}

/// Without a target, flags that describe one would be ignored silently.
fn refuse_without_target(parsed: &Parsed, problems: &mut Vec<String>) {
    let flags = [
        ("method", "-X"),
        ("headers", "-H"),
        ("data", "-d"),
        ("marker", "--marker"),
        ("launch", "--launch"),
        ("owned_hosts", "--i-own"),
    ];
    for (_, flag) in flags.iter().filter(|(id, _)| parsed.typed(id)) {
        problems.push(format!("{flag} needs a target; add --server URL"));
    }
}

/// An existing file or a `.yaml` name is a profile; a client's command never looks like a file.
fn is_file_name(role: Role, target: &str, path: &Path) -> bool {
    let named = [".yaml", ".yml"].iter().any(|end| target.ends_with(end));
    let spaced = role == Role::Client && target.contains(char::is_whitespace);
    !target.contains("://") && !spaced && (named || (role != Role::Client && path.is_file()))
}

fn from_file(
    role: Role,
    shown: &str,
    path: &Path,
    flags: &RequestFlags,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
) -> Result<TargetProfile, Vec<String>> {
    let mut profile = load(path, shown, surroundings.lookup).map_err(|error| error.lines())?;
    let mut problems = Vec::new();
    if profile.kind_name() != role.word() {
        problems.push(format!(
            "{shown} describes a {kind}; use --{kind} {shown}",
            kind = profile.kind_name()
        ));
    }
    for (id, flag) in [("method", "-X"), ("data", "-d")] {
        if parsed.typed(id) {
            problems.push(format!(
                "{flag} goes with a URL; put it into `routes:` of {shown}"
            ));
        }
    }
    problems.extend(profile.apply(flags).err().unwrap_or_default());
    if problems.is_empty() {
        Ok(profile)
    } else {
        Err(problems)
    }
}
