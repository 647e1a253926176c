//! Causes that keep every answer away.

use super::scene::Scene;
use crate::history::event::Trouble;
use crate::history::exchange::Outcome;

fn trouble(scene: &Scene<'_, '_>, wanted: Trouble) -> Option<String> {
    match scene.reach()?.outcome {
        Outcome::Unanswered(trouble, message) if trouble == wanted => Some(message.to_owned()),
        _ => None,
    }
}

pub(super) fn refused(scene: &Scene<'_, '_>) -> Option<String> {
    trouble(scene, Trouble::Refused)?;
    Some(format!(
        "nothing listens at {}; start the server, or let --launch start it, and check host and port",
        scene.target_url()
    ))
}

pub(super) fn unresolved(scene: &Scene<'_, '_>) -> Option<String> {
    trouble(scene, Trouble::Unresolved)?;
    Some(format!(
        "the host name of {} was not found; check the URL",
        scene.target_url()
    ))
}

pub(super) fn tls(scene: &Scene<'_, '_>) -> Option<String> {
    let message = trouble(scene, Trouble::Tls)?;
    Some(format!(
        "TLS with {} failed ({message}); give the authority with tls.ca in the profile, or use http",
        scene.target_url()
    ))
}

pub(super) fn timed_out(scene: &Scene<'_, '_>) -> Option<String> {
    trouble(scene, Trouble::TimedOut)?;
    let what = if scene.paid.is_some() {
        "a payment"
    } else {
        "a request"
    };
    Some(format!(
        "{what} to {} got no answer in time; see whether the server waits for something, or raise timeout in the profile",
        scene.target_url()
    ))
}

pub(super) fn too_large(scene: &Scene<'_, '_>) -> Option<String> {
    if let Some(message) = trouble(scene, Trouble::TooLarge) {
        return Some(format!(
            "the answer is larger than the bench takes ({message}); keep the challenge header below 8 KiB"
        ));
    }
    (scene.decisive_status() == Some(431)).then(|| {
        "the server answered 431 to the payment: its limit on request headers is below the size of a payment; raise it".to_owned()
    })
}

pub(super) fn closed(scene: &Scene<'_, '_>) -> Option<String> {
    let message = trouble(scene, Trouble::Closed)?;
    Some(format!(
        "the connection to {} closed before the answer was whole ({message}); look at the server's log",
        scene.target_url()
    ))
}

pub(super) fn malformed(scene: &Scene<'_, '_>) -> Option<String> {
    let message = trouble(scene, Trouble::Malformed)?;
    Some(format!(
        "{} does not answer in HTTP ({message}); check the port, and http against https",
        scene.target_url()
    ))
}

pub(super) fn run_trouble(scene: &Scene<'_, '_>) -> Option<String> {
    let trouble = scene.judged.facts.ending?.trouble?;
    Some(format!("the run could not go on: {trouble}"))
}
