//! Span tree → typed profile, reporting everything that is wrong.

use std::path::Path;

use http::Method;

use super::header::decode_headers;
use super::route::{decode_path, decode_price, decode_route};
use super::sections::{
    decode_accounts, decode_auth, decode_launch, decode_limits, decode_networks, decode_origin,
    decode_tls, decode_versions,
};
use super::{Flow, Route, RouteKind, TargetKind, TargetProfile, UrlTemplate};
use crate::config::yaml::{MapView, Node, Problems, View};

/// Every key of a profile, in the order of design section 5.
const KEYS: [&str; 21] = [
    "name",
    "server",
    "facilitator",
    "client",
    "launch",
    "versions",
    "headers",
    "auth",
    "tls",
    "limits",
    "timeout",
    "routes",
    "free",
    "origin",
    "flow",
    "idempotent_replay",
    "dynamic_price",
    "replicas",
    "fund",
    "budget",
    "networks",
];

/// Keys that mean something for one role only.
const ONLY_SERVER: [&str; 6] = [
    "routes",
    "free",
    "origin",
    "flow",
    "idempotent_replay",
    "dynamic_price",
];
const NOT_CLIENT: [&str; 4] = ["launch", "headers", "auth", "tls"];

/// More copies of one target than this are refused.
const REPLICAS_MAX: u64 = 16;

pub(super) fn decode(root: &Node, base_dir: &Path, problems: &Problems) -> Option<TargetProfile> {
    let map = View::root(root, problems).as_map()?;
    map.unknown_keys(&KEYS);
    let kind = decode_target(&map);
    if let Some(kind) = &kind {
        refuse_keys_of_other_roles(&map, kind);
    }
    let mut profile = TargetProfile::bare(
        TargetKind::Client {
            command: String::new(),
        },
        base_dir,
    );
    profile.name = map.optional_str("name").unwrap_or_default().to_owned();
    decode_access(&map, &mut profile);
    decode_behaviour(&map, &mut profile);
    profile.kind = kind?;
    Some(complete(profile))
}

/// How the target is started and reached.
fn decode_access(map: &MapView<'_>, profile: &mut TargetProfile) {
    let base_dir = profile.base_dir.as_path();
    profile.launch = map
        .optional("launch")
        .and_then(|view| decode_launch(&view, base_dir));
    profile.tls = map
        .optional("tls")
        .and_then(|view| decode_tls(&view, base_dir))
        .unwrap_or_default();
    profile.versions = map
        .optional("versions")
        .and_then(|view| decode_versions(&view));
    profile.headers = map
        .optional("headers")
        .map(|view| decode_headers(&view))
        .unwrap_or_default();
    profile.auth = map.optional("auth").and_then(|view| decode_auth(&view));
    profile.limits = map
        .optional("limits")
        .and_then(|view| decode_limits(&view))
        .unwrap_or_default();
    profile.timeout = map.optional_positive_duration("timeout");
    let replicas = map.optional_u64("replicas", 1..=REPLICAS_MAX).unwrap_or(1);
    profile.replicas = u32::try_from(replicas).expect("the range ends at REPLICAS_MAX");
}

/// What the target sells and how it behaves.
fn decode_behaviour(map: &MapView<'_>, profile: &mut TargetProfile) {
    let routes = map.list("routes");
    if routes.is_empty() && map.optional("routes").is_some_and(|view| view.is_list()) {
        map.problem_at_key(
            "routes",
            "`routes` is empty; remove the key or name a paid route",
        );
    }
    let base_dir = profile.base_dir.as_path();
    profile.routes = routes
        .iter()
        .filter_map(|view| decode_route(view, base_dir))
        .collect();
    profile.free = map
        .list("free")
        .iter()
        .filter_map(decode_path)
        .map(str::to_owned)
        .collect();
    profile.origin = map
        .optional("origin")
        .and_then(|view| decode_origin(&view))
        .unwrap_or_default();
    let flows = [
        ("authorization", Flow::Authorization),
        ("upfront", Flow::Upfront),
    ];
    profile.flow = map
        .optional("flow")
        .and_then(|view| view.one_of(&flows))
        .unwrap_or_default();
    profile.idempotent_replay = map.optional_bool("idempotent_replay").unwrap_or(false);
    profile.dynamic_price = map.optional_bool("dynamic_price").unwrap_or(false);
    profile.fund = decode_accounts(&map.list("fund"));
    profile.budget = map.optional("budget").and_then(|view| decode_price(&view));
    profile.networks = decode_networks(&map.list("networks"));
}

/// Fills in what follows from the rest: a name, and the route of a URL that names one.
pub(super) fn complete(mut profile: TargetProfile) -> TargetProfile {
    if profile.name.is_empty() {
        profile.name = match &profile.kind {
            TargetKind::Server { url } | TargetKind::Facilitator { url } => url.host(),
            TargetKind::Client { command } => command
                .split_whitespace()
                .next()
                .unwrap_or("client")
                .to_owned(),
        };
    }
    if let TargetKind::Server { url } = &mut profile.kind
        && profile.routes.is_empty()
    {
        let (origin, path) = url.split_path();
        *url = origin;
        profile.routes.push(Route {
            path,
            example: None,
            kind: RouteKind::Static,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            price: None,
        });
    }
    profile
}

/// The one of `server`, `facilitator` and `client` that is given.
fn decode_target(map: &MapView<'_>) -> Option<TargetKind> {
    let given: Vec<&str> = ["server", "facilitator", "client"]
        .into_iter()
        .filter(|key| map.optional(key).is_some())
        .collect();
    let key = match given.as_slice() {
        [] => {
            map.view()
                .problem("names no target; add `server:`, `facilitator:` or `client:`");
            return None;
        }
        [key] => *key,
        [_, second, ..] => {
            let message = format!(
                "{} exclude each other; keep one",
                quoted(&given).join(" and ")
            );
            map.problem_at_key(second, &message);
            return None;
        }
    };
    let view = map.optional(key)?;
    let text = view.as_non_empty_str()?;
    if key == "client" {
        return Some(TargetKind::Client {
            command: text.into(),
        });
    }
    let url = view.check(UrlTemplate::parse(text))?;
    if url.has_port_placeholder() && map.optional("launch").is_none() {
        view.problem("{port} needs `launch:`; without it write the port your target listens on");
    }
    Some(match key {
        "server" => TargetKind::Server { url },
        _ => TargetKind::Facilitator { url },
    })
}

fn refuse_keys_of_other_roles(map: &MapView<'_>, kind: &TargetKind) {
    let (role, refused) = match kind {
        // A server that pays others may declare a budget, so every key has a meaning here.
        TargetKind::Server { .. } => return,
        TargetKind::Facilitator { .. } => ("a facilitator", ONLY_SERVER.to_vec()),
        TargetKind::Client { .. } => ("a client", [&ONLY_SERVER[..], &NOT_CLIENT].concat()),
    };
    for key in refused
        .into_iter()
        .filter(|key| map.optional(key).is_some())
    {
        map.problem_at_key(key, &format!("`{key}` means nothing for {role}; remove it"));
    }
}

fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("`{word}`")).collect()
}
