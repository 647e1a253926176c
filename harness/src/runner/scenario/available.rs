//! What target and run offer, and why a case cannot be run on them.

use super::Stage;
use crate::config::TargetProfile;
use crate::scenario::steps::{CannedBody, Chain, Fault, Window};
use crate::scenario::{Case, Need, OddBody, Role, Scenario, Step};

/// What there is for scenarios to use.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// `anvil`, `memory` or `url`.
    pub(crate) chain: String,
    /// The target asked our facilitator about a payment.
    pub(crate) facilitator: bool,
    /// The positive control was served; without it nothing a scenario shows would mean anything.
    pub(crate) sells: bool,
}

/// Why this case cannot be run; decided before anything of it is sent.
pub(super) fn missing(stage: &Stage<'_>, scenario: &Scenario, case: &Case) -> Option<String> {
    let access = &stage.session.access;
    match scenario.role {
        Role::Server if !access.is_ours() => {
            return Some("it is about a server, and the target is a facilitator".to_owned());
        }
        Role::Facilitator if !access.is_tested() => {
            return Some(
                "it is about a facilitator, and the target is a server; run it with --facilitator"
                    .to_owned(),
            );
        }
        _ => {}
    }
    if !stage.offered.sells {
        return Some("the target sold nothing to begin with (positive control)".to_owned());
    }
    let needs = scenario.needs.iter();
    needs
        .filter_map(|need| need_missing(stage, *need))
        .chain(case.steps.iter().filter_map(|step| {
            step_missing(stage, &step.step).map(|why| format!("step {}: {why}", step.number))
        }))
        .next()
}

fn need_missing(stage: &Stage<'_>, need: Need) -> Option<String> {
    let profile: &TargetProfile = &stage.session.profile;
    let lacks = |missing: bool, key: &str| missing.then(|| format!("the profile has no `{key}`"));
    match need {
        Need::Facilitator if !stage.session.access.is_ours() => {
            Some("faults are for the bench's facilitator, and another is under test".to_owned())
        }
        Need::Facilitator => (!stage.offered.facilitator)
            .then(|| "the target does not use the bench's facilitator".to_owned()),
        Need::Chain => None,
        Need::Evm | Need::Anvil => (stage.offered.chain != "anvil").then(|| {
            format!(
                "needs a node the bench controls, and the ledger of this run is `{}`",
                stage.offered.chain
            )
        }),
        Need::Origin => lacks(profile.origin.marker.is_none(), "origin.marker"),
        Need::Executions => lacks(profile.origin.executions.is_none(), "origin.executions"),
        Need::OriginStatus => lacks(profile.origin.status.is_none(), "origin.status"),
        Need::OriginDelay => lacks(profile.origin.delay.is_none(), "origin.delay"),
        Need::OriginStream => lacks(profile.origin.stream.is_none(), "origin.stream"),
        Need::Launch => Some("this version does not restart targets".to_owned()),
        Need::Replicas => Some("this version does not start replicas".to_owned()),
        Need::SecondRoute => lacks(profile.routes.len() < 2, "second entry of routes"),
        Need::PaymentIdentifier => Some("this version sends no payment identifiers".to_owned()),
    }
}

fn step_missing(stage: &Stage<'_>, step: &Step) -> Option<String> {
    let not_yet = |what: &str| Some(format!("this version has no {what}"));
    match step {
        Step::Call(_) if !stage.offered.facilitator => {
            Some("the target asks another facilitator than the one that would be called".to_owned())
        }
        Step::Chain(Chain::EmptyGas)
            if !stage.session.access.is_ours() && stage.session.access.accounts.is_empty() =>
        {
            Some(
                "neither /supported nor the profile's `fund` names the facilitator's accounts"
                    .to_owned(),
            )
        }
        Step::Link(_) => not_yet("link proxies"),
        Step::Restart(_) => not_yet("restarts"),
        Step::Replicas(_) => not_yet("replicas"),
        Step::Send(send) if send.path_form.is_some() => not_yet("raw request targets"),
        Step::Sign(sign)
            if sign.wrong.is_some()
                && (sign.value.is_some() || sign.window != Window::default()) =>
        {
            not_yet("wrong payments with a value or time window of their own")
        }
        Step::Sign(sign) => {
            let variation = sign.variation()?;
            (!variation.versions.contains(&stage.version)).then(|| {
                format!(
                    "the payment `{}` does not apply to {}",
                    variation.name, stage.version
                )
            })
        }
        Step::Facilitator(fault) => match &fault.fault {
            Some(Fault::Answer {
                status,
                body: CannedBody::Odd(body),
            }) if *status != 200
                && !matches!(body, OddBody::Html | OddBody::Empty | OddBody::TextOk) =>
            {
                Some(format!(
                    "the odd body `{}` is told with status 200 only",
                    body.word()
                ))
            }
            _ => None,
        },
        _ => None,
    }
}
