//! The sections of a profile: launch, auth, tls, limits, origin, accounts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::Address;
use x402_assay_protocol::Version;

use super::networks::caip2;
use super::route::decode_path;
use super::{Auth, Launch, Limits, Origin, Secret, Tls};
use crate::config::yaml::{MapView, View};

/// How long a target may take to start if the profile does not say.
pub(super) const LAUNCH_TIMEOUT: Duration = Duration::from_secs(30);
/// How long printed headers are good for if the profile does not say.
const AUTH_TTL: Duration = Duration::from_secs(60);

pub(super) fn decode_launch(view: &View<'_>, base_dir: &Path) -> Option<Launch> {
    let map = view.as_map()?;
    map.unknown_keys(&["command", "cwd", "ready", "timeout", "env"]);
    let cwd = map
        .optional("cwd")
        .and_then(|view| decode_directory(&view, base_dir));
    let ready = map
        .optional("ready")
        .and_then(|view| decode_path(&view))
        .map(str::to_owned);
    let timeout = map
        .optional_positive_duration("timeout")
        .unwrap_or(LAUNCH_TIMEOUT);
    let env = map
        .optional("env")
        .map(|view| decode_environment(&view))
        .unwrap_or_default();
    Some(Launch {
        command: map.required_str("command")?.into(),
        cwd: cwd.unwrap_or_else(|| base_dir.to_owned()),
        ready,
        timeout,
        env,
    })
}

fn decode_directory(view: &View<'_>, base_dir: &Path) -> Option<PathBuf> {
    let path = base_dir.join(view.as_non_empty_str()?);
    if !path.is_dir() {
        view.problem(format!("{} is not a folder", path.display()));
        return None;
    }
    Some(path)
}

fn decode_environment(view: &View<'_>) -> Vec<(String, Secret)> {
    let Some(map) = view.as_map() else {
        return Vec::new();
    };
    let mut env = Vec::new();
    for (name, _, value) in map.entries() {
        let Some(text) = value.as_text() else {
            continue;
        };
        if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
            value.problem("is not an environment variable: no `=` in the name, no NUL anywhere");
            continue;
        }
        env.push((name.to_owned(), Secret::new(text)));
    }
    env
}

pub(super) fn decode_auth(view: &View<'_>) -> Option<Auth> {
    let map = view.as_map()?;
    map.unknown_keys(&["command", "ttl"]);
    let ttl = map.optional_positive_duration("ttl").unwrap_or(AUTH_TTL);
    Some(Auth {
        command: map.required_str("command")?.into(),
        ttl,
    })
}

pub(super) fn decode_tls(view: &View<'_>, base_dir: &Path) -> Option<Tls> {
    let map = view.as_map()?;
    map.unknown_keys(&["ca", "insecure"]);
    let ca = map.optional("ca").and_then(|view| {
        let path = base_dir.join(view.as_non_empty_str()?);
        let opened = std::fs::File::open(&path).and_then(|file| file.metadata());
        match opened {
            Ok(metadata) if metadata.is_file() => Some(path),
            Ok(_) => view.check(Err(format!("{} is not a file", path.display()))),
            Err(error) => view.check(Err(format!("cannot read {}: {error}", path.display()))),
        }
    });
    Some(Tls {
        ca,
        insecure: map.optional_bool("insecure").unwrap_or(false),
    })
}

pub(super) fn decode_limits(view: &View<'_>) -> Option<Limits> {
    let map = view.as_map()?;
    map.unknown_keys(&["rps", "requests"]);
    let rps = map.optional("rps").and_then(|view| view.as_positive_f64());
    Some(Limits {
        rps,
        requests: map.optional_u64("requests", 1..=u64::MAX),
    })
}

pub(super) fn decode_origin(view: &View<'_>) -> Option<Origin> {
    let map = view.as_map()?;
    map.unknown_keys(&["marker", "executions", "status", "delay", "stream"]);
    Some(Origin {
        marker: map.optional_str("marker").map(str::to_owned),
        executions: origin_path(&map, "executions", None),
        status: origin_path(&map, "status", Some("{code}")),
        delay: origin_path(&map, "delay", Some("{ms}")),
        stream: origin_path(&map, "stream", None),
    })
}

/// A path of the origin section; `wanted` is the placeholder it must hold.
fn origin_path(map: &MapView<'_>, key: &str, wanted: Option<&str>) -> Option<String> {
    let view = map.optional(key)?;
    let path = decode_path(&view)?;
    if let Some(wanted) = wanted
        && !path.contains(wanted)
    {
        view.problem(format!(
            "must hold the placeholder {wanted}: \"{path}/{wanted}\""
        ));
        return None;
    }
    Some(path.into())
}

pub(super) fn decode_versions(view: &View<'_>) -> Option<Vec<Version>> {
    let mut versions = Vec::new();
    let items = view.as_list()?;
    if items.is_empty() {
        view.problem("names no version; remove the key to have them detected");
    }
    for item in items {
        let number = item.as_u64(1..=2).and_then(Version::from_number);
        match number {
            Some(version) if versions.contains(&version) => item.problem("is given twice"),
            Some(version) => versions.push(version),
            None => {}
        }
    }
    versions.sort();
    Some(versions)
}

pub(super) fn decode_accounts(items: &[View<'_>]) -> Vec<Address> {
    items.iter().filter_map(decode_account).collect()
}

fn decode_account(view: &View<'_>) -> Option<Address> {
    // Unquoted, an address is a hexadecimal number to YAML; as text it can mean nothing else.
    let text = view.as_text()?;
    let digits = text.strip_prefix("0x").unwrap_or_default();
    if digits.len() != 40 {
        view.problem(format!(
            "`{text}` is not an address: `0x` and 40 hexadecimal digits"
        ));
        return None;
    }
    let parsed = text.parse::<Address>();
    view.check(
        parsed.map_err(|_| format!("`{text}` is not an address: `0x` and 40 hexadecimal digits")),
    )
}

pub(super) fn decode_networks(items: &[View<'_>]) -> Vec<String> {
    let network = |view: &View<'_>| view.check(caip2(view.as_non_empty_str()?));
    items.iter().filter_map(network).collect()
}
