//! What a plan comes to at a target: the request that is sent, where to, and when.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use url::Url;

use super::connection::{Peer, Template, tls};
use super::desk::AtFacilitator;
use super::engine;
use super::payment::LoadPayer;
use super::plan::{LoadPlan, Pace, Signing};
use super::run::{Field, LoadError};
use super::schedule::{Schedule, Spacing, Stretch};
use super::shard::Work;
use crate::config::TargetProfile;
use crate::config::profile::{Header, Route};
use crate::http::tls::client_config;

/// What every shard is told.
pub(super) async fn work(field: &Field<'_>, plan: &LoadPlan) -> Result<Work, LoadError> {
    let (url, template, desk) = match field.facilitator {
        None => {
            let route = field.profile.routes.first();
            let route =
                route.ok_or_else(|| LoadError::Usage("the profile names no route".to_owned()))?;
            let url = field.profile.url_of(route.request_path(), field.port);
            let url = url.ok_or_else(|| LoadError::Usage("the target has no URL".to_owned()))?;
            let template = request(field.profile, route, &url)?;
            (url, template, None)
        }
        Some(at) => {
            let url = at.call_url(plan.kind);
            let desk = at.desk(field.version).map_err(LoadError::Usage)?;
            let template = call(field.profile, at, &url)?;
            (url, template, Some(desk))
        }
    };
    let shards = match plan.pace {
        // All of them are in one process, which is as good as one shard.
        Pace::Users(_) => 1,
        Pace::Open(_) | Pace::Closed(_) => engine::shards(),
    };
    let (schedule, length) = schedule(plan);
    Ok(Work {
        kind: plan.kind,
        peer: peer(field.profile, &url).await?,
        template,
        desk,
        version: field.version,
        chain_id: field.chain.as_ref().map(|chain| chain.id),
        schedule,
        length,
        warm_up: plan.warm_up,
        mix: plan.mix.clone(),
        seed: plan.seed,
        timeout: plan.timeout,
        grace: plan.timeout,
        queue: plan.queue.div_ceil(shards),
        at_once: plan.connections.at_once().div_ceil(shards),
        per_payment: matches!(plan.connections, super::Connections::PerPayment { .. }),
        idempotent: field.profile.idempotent_replay,
        payers: field.payers.iter().cloned().map(LoadPayer::new).collect(),
        ahead: plan.signing == Signing::Ahead,
        clock_ahead_s: clock_ahead(field).await?,
        marker: field.profile.origin.marker.clone(),
        shards,
    })
}

/// The schedule with its warm-up in front, and how long all of it is.
fn schedule(plan: &LoadPlan) -> (Option<Schedule>, Duration) {
    let length = plan.warm_up + plan.pace.duration();
    let Pace::Open(arrivals) = &plan.pace else {
        return (None, length);
    };
    let warm = Stretch {
        length: plan.warm_up,
        from: arrivals.first_rate(),
        to: arrivals.first_rate(),
    };
    let warm = (!plan.warm_up.is_zero()).then_some(warm);
    let stretches = arrivals.segments().into_iter().map(|segment| Stretch {
        length: segment.duration,
        from: segment.from,
        to: segment.to,
    });
    let stretches: Vec<Stretch> = warm.into_iter().chain(stretches).collect();
    let spacing = match arrivals.is_random() {
        true => Spacing::Poisson(plan.seed),
        false => Spacing::Even,
    };
    (Some(Schedule::new(&stretches, spacing)), length)
}

async fn peer(profile: &TargetProfile, url: &Url) -> Result<Peer, LoadError> {
    let usage = |why: String| LoadError::Usage(why);
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let mut found = tokio::net::lookup_host((bare, port))
        .await
        .map_err(|error| usage(format!("{host}: {error}")))?;
    let addr = found
        .next()
        .ok_or_else(|| usage(format!("{host} has no address")))?;
    let tls = match url.scheme() {
        "https" => {
            let config = client_config(profile.tls.ca.as_deref(), profile.tls.insecure)
                .map_err(|error| usage(error.to_string()))?;
            Some(tls(config, host).map_err(usage)?)
        }
        _ => None,
    };
    Ok(Peer { addr, tls })
}

/// The request for a route of a server.
fn request(profile: &TargetProfile, route: &Route, url: &Url) -> Result<Template, LoadError> {
    let headers = headers(url, profile.headers.iter().chain(&route.headers))?;
    let body = route.body.as_deref().unwrap_or_default();
    Ok(Template::new(&route.method, &target(url)?, &headers, body))
}

/// What every call of a facilitator has in common.
fn call(profile: &TargetProfile, at: &AtFacilitator, url: &Url) -> Result<Template, LoadError> {
    let mut headers = headers(url, profile.headers.iter().chain(&at.headers))?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Template::new(&Method::POST, &target(url)?, &headers, b""))
}

/// Path and query.
fn target(url: &Url) -> Result<Uri, LoadError> {
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Uri::try_from(target).map_err(|error| wrong("the URL's path", &error))
}

/// The host of the URL, and these.
fn headers<'h>(url: &Url, named: impl Iterator<Item = &'h Header>) -> Result<HeaderMap, LoadError> {
    let mut headers = HeaderMap::new();
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let host = HeaderValue::try_from(authority).map_err(|error| wrong("the URL's host", &error))?;
    headers.insert(HOST, host);
    for header in named {
        let name = HeaderName::try_from(header.name.to_string())
            .map_err(|error| wrong("a header's name", &error))?;
        let value = HeaderValue::try_from(header.value.expose())
            .map_err(|error| wrong("a header's value", &error))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn wrong(what: &str, why: &dyn std::fmt::Display) -> LoadError {
    LoadError::Usage(format!("{what}: {why}"))
}

async fn clock_ahead(field: &Field<'_>) -> Result<i64, LoadError> {
    let Some(chain) = &field.chain else {
        return Ok(0);
    };
    let chain_s = field.control.chain_time(chain.id).await?;
    let now_s = crate::http::now_us() / 1_000_000;
    Ok(i64::try_from(chain_s)
        .unwrap_or(i64::MAX)
        .saturating_sub_unsigned(now_s))
}
