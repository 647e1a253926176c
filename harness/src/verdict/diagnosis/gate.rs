//! Causes that stand between the bench and the paywall.

use super::scene::Scene;
use crate::audit::Delivery;

pub(super) fn rate_limited(scene: &Scene<'_, '_>) -> Option<String> {
    (scene.decisive_status() == Some(429)).then(|| {
        "the target answered 429: a rate limit is in the way; raise it for the bench, or set limits.rps in the profile".to_owned()
    })
}

pub(super) fn challenge_status(scene: &Scene<'_, '_>) -> Option<String> {
    let unpaid = scene.unpaid?;
    let status = unpaid.status().filter(|status| *status != 402)?;
    unpaid.challenge(scene.version)?;
    Some(format!(
        "the challenge comes with status {status} instead of 402, so no client pays it; answer 402"
    ))
}

pub(super) fn redirect(scene: &Scene<'_, '_>) -> Option<String> {
    let exchange = scene.decisive()?;
    let status = exchange
        .status()
        .filter(|status| (300..400).contains(status))?;
    let place = exchange.header("location").unwrap_or("nowhere");
    Some(format!(
        "the target redirects (HTTP {status}) to {place}, and the bench follows no redirect; test the final URL"
    ))
}

pub(super) fn unauthorized(scene: &Scene<'_, '_>) -> Option<String> {
    let status = scene
        .decisive_status()
        .filter(|s| [401, 403, 407].contains(s))?;
    Some(format!(
        "the target answered {status}: it wants credentials before payment; give them with -H or headers in the profile"
    ))
}

pub(super) fn not_found(scene: &Scene<'_, '_>) -> Option<String> {
    let status = scene
        .decisive_status()
        .filter(|s| [404, 405, 410].contains(s))?;
    Some(format!(
        "the target answered {status}: there is no paid route at {}; check path and method (-X)",
        scene.target_url()
    ))
}

pub(super) fn server_error(scene: &Scene<'_, '_>) -> Option<String> {
    let status = scene.unpaid_status().filter(|status| *status >= 500)?;
    Some(format!(
        "the target answered {status} to a request without payment: most servers do so while they cannot read /supported; point it at our facilitator {} and look at its log",
        scene.facilitator_url()
    ))
}

pub(super) fn no_payment_required(scene: &Scene<'_, '_>) -> Option<String> {
    let unpaid = scene.unpaid.filter(|exchange| exchange.is_success())?;
    let status = unpaid.status()?;
    let what = if scene.judged.books.delivery(unpaid) == Delivery::Content {
        "it serves without payment"
    } else {
        "it asks for no payment"
    };
    Some(format!(
        "the target answered {status} to a request without payment: {what}; check that this route is behind the paywall"
    ))
}

pub(super) fn other_status(scene: &Scene<'_, '_>) -> Option<String> {
    let status = scene.unpaid_status().filter(|status| *status != 402)?;
    Some(format!(
        "the target answered {status} to a request without payment, not 402: the request may lack a method, a header or a body that the route wants (-X, -H, -d)"
    ))
}

pub(super) fn no_challenge(scene: &Scene<'_, '_>) -> Option<String> {
    let unpaid = scene
        .unpaid
        .filter(|exchange| exchange.status() == Some(402))?;
    if unpaid.challenge(scene.version).is_some() {
        return None;
    }
    let why = match unpaid.payment_required() {
        Some(Err(error)) => format!("its PAYMENT-REQUIRED header cannot be read ({error})"),
        _ => "it carries no challenge that can be read".to_owned(),
    };
    Some(format!(
        "the target answered 402 and {why}; send the challenge in PAYMENT-REQUIRED (v2) or as the JSON body (v1)"
    ))
}
