//! What the users are told, from the plan and the target's profile.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x402_assay_protocol::{PayerKey, Version};

use super::wire::Task;
use crate::config::TargetProfile;
use crate::load::plan::LoadPlan;
use crate::load::users::Users;

/// Where the users go, beside the profile.
#[derive(Debug)]
pub(in crate::load) struct Place<'a> {
    pub(in crate::load) profile: &'a TargetProfile,
    pub(in crate::load) port: u16,
    pub(in crate::load) version: Version,
    pub(in crate::load) chain_id: Option<u64>,
    pub(in crate::load) keys: &'a [PayerKey],
    pub(in crate::load) clock_ahead_s: i64,
}

/// The task; `None` for a target without a URL or a route.
pub(in crate::load) fn task(place: &Place<'_>, plan: &LoadPlan, users: &Users) -> Option<Task> {
    let profile = place.profile;
    let route = profile.routes.first()?;
    let url = |path: &str| profile.url_of(path, place.port);
    let ms =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let headers = profile.headers.iter().chain(&route.headers);
    Some(Task {
        url: url(route.request_path())?.to_string(),
        method: route.method.to_string(),
        headers: headers
            .map(|header| (header.name.to_string(), header.value.expose().to_owned()))
            .collect(),
        body: route.body.as_ref().map(|body| STANDARD.encode(body)),
        free: profile
            .free
            .first()
            .and_then(|path| url(path))
            .map(Into::into),
        ca: profile.tls.ca.clone(),
        insecure: profile.tls.insecure,
        version: place.version.number(),
        chain_id: place.chain_id,
        keys: place.keys.iter().map(PayerKey::to_hex).collect(),
        journeys: users.journeys.to_string(),
        think_ms: (ms(users.think.0), ms(users.think.1)),
        warm_up_ms: ms(plan.warm_up),
        length_ms: ms(plan.warm_up + users.duration),
        timeout_ms: ms(plan.timeout),
        seed: plan.seed,
        clock_ahead_s: place.clock_ahead_s,
        marker: profile.origin.marker.clone(),
    })
}
