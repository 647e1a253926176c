//! What target and run offer, and why a case cannot be run on them.

use x402_assay_protocol::Version;

use super::verifies::verify_missing;
use super::{Stage, links, restarts, routes};
use crate::config::TargetProfile;
use crate::config::profile::Route as PaidRoute;
use crate::link::LinkEnds;
use crate::load::SheetPace;
use crate::runner::path;
use crate::scenario::steps::{
    CannedBody, Chain, Fault, Generation, Replica, Restarted, Route, Send, Window,
};
use crate::scenario::{Case, Need, OddBody, ProtocolEvent, Role, Scenario, Scheme, Step};

/// What there is for scenarios to use.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// `anvil`, `memory` or `url`.
    pub(crate) chain: String,
    /// The target asked our facilitator about a payment.
    pub(crate) facilitator: bool,
    /// Generations of the challenge.
    pub(crate) versions: Vec<Version>,
    /// The positive control was served; without it nothing a scenario shows would mean anything.
    pub(crate) sells: bool,
    /// The challenge declares the payment-identifier extension.
    pub(crate) payment_identifier: bool,
    /// The first route with an `upto` offer that can be paid.
    pub(crate) upto: Option<PaidRoute>,
    /// Its offers declare that it settles before anything else.
    pub(crate) settles_first: bool,
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
    if let Some(why) = load_missing(scenario) {
        return Some(why);
    }
    let needs = scenario.needs.iter();
    needs
        .filter_map(|need| need_missing(stage, *need, scenario.role))
        .chain(case.steps.iter().filter_map(|step| {
            step_missing(stage, &step.step, scenario.role)
                .map(|why| format!("step {}: {why}", step.number))
        }))
        .chain(permit_missing(case))
        .chain(verify_missing(stage, case))
        .chain(copies_behind_link(case))
        .next()
}

/// Why a load scenario is not played among the others: it has a command, a report and exit codes of its own.
fn load_missing(scenario: &Scenario) -> Option<String> {
    let load = scenario.load.as_ref()?;
    let pace = match &load.pace {
        SheetPace::Arrivals(arrivals) => format!("a schedule ({arrivals})"),
        SheetPace::Users(users) => format!("{} users", users.count),
    };
    let name = &scenario.name;
    Some(format!(
        "it is a load scenario, {pace}: run it alone with `x402-assay load {name}` (or its file)"
    ))
}

fn need_missing(stage: &Stage<'_>, need: Need, role: Role) -> Option<String> {
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
        Need::Launch => match role {
            Role::Server => stage.target.fixed(),
            Role::Facilitator => stage.facilitator.fixed(),
        },
        Need::Replicas => stage.target.most_copies().err(),
        Need::SecondRoute => lacks(profile.routes.len() < 2, "second entry of routes"),
        Need::DearerRoute => routes::find(&profile.routes, &Route::Dearer)
            .is_none()
            .then(|| {
                "no entry of the profile's `routes` has a `price` above the first one's".to_owned()
            }),
        Need::ParameterRoute => route_missing(profile, &Route::Parameter, "a parameter"),
        Need::WildcardRoute => route_missing(profile, &Route::Wildcard, "a wildcard"),
        Need::BodyRoute => route_missing(profile, &Route::WithBody, "a body"),
        Need::PaymentIdentifier => (!stage.offered.payment_identifier)
            .then(|| "the target's challenge does not declare payment-identifier".to_owned()),
        Need::Upto => upto_missing(&stage.offered),
    }
}

/// Why no payment by use can be settled.
fn upto_missing(offered: &Offered) -> Option<String> {
    if offered.chain != "memory" {
        return Some(format!(
            "`upto` is settled on the memory ledger only (on a chain Permit2 and the upto proxy are stubs), and the ledger of this run is `{}`",
            offered.chain
        ));
    }
    let none =
        "no route of the target offers `upto` with a `facilitatorAddress` on this run's chain";
    offered.upto.is_none().then(|| none.to_owned())
}

/// Why a payment for an `upto` offer cannot be made as a step wants it.
fn permit_missing(case: &Case) -> Option<String> {
    let by_use = |name: &str| {
        let mut quotes = case.steps.iter().filter_map(|step| match &step.step {
            Step::Quote(quote) => Some(quote),
            _ => None,
        });
        quotes.any(|quote| quote.name == name && quote.scheme == Scheme::Upto)
    };
    case.steps.iter().find_map(|step| match &step.step {
        Step::Sign(sign) if sign.wrong.is_some() && by_use(&sign.offer) => Some(format!(
            "step {}: wrong payments are made for `exact` offers only",
            step.number
        )),
        _ => None,
    })
}

fn route_missing(profile: &TargetProfile, route: &Route, what: &str) -> Option<String> {
    let found = routes::find(&profile.routes, route);
    found
        .is_none()
        .then(|| format!("no entry of the profile's `routes` has {what}"))
}

/// Why a path cannot be written in the form a step wants.
fn form_missing(stage: &Stage<'_>, send: &Send) -> Option<String> {
    let form = send.path_form?;
    let wanted = send.route.as_ref().unwrap_or(&Route::Main);
    let route = routes::find(&stage.session.profile.routes, wanted)?;
    let url = stage.session.url(route.request_path());
    path::target(&route, &url, form)
        .is_none()
        .then(|| format!("{} cannot be written as {}", url.path(), form.word()))
}

/// The link on which an event is seen.
pub(super) const fn seen_at(event: ProtocolEvent) -> LinkEnds {
    match event {
        ProtocolEvent::BeforeQuote
        | ProtocolEvent::AfterQuote
        | ProtocolEvent::BeforePayment
        | ProtocolEvent::AfterPayment => LinkEnds::ClientServer,
        ProtocolEvent::BeforeVerify
        | ProtocolEvent::AfterVerify
        | ProtocolEvent::BeforeSettle
        | ProtocolEvent::AfterSettle
        | ProtocolEvent::BeforeSupported
        | ProtocolEvent::AfterSupported => LinkEnds::ServerFacilitator,
    }
}

/// Why a fault cannot strike: no link at its place, or none where its event is seen.
fn no_link(stage: &Stage<'_>, at: LinkEnds, seen: LinkEnds) -> Option<String> {
    let lacks = |ends| stage.links.between(ends).err().map(str::to_owned);
    lacks(at).or_else(|| lacks(seen))
}

/// One link leads to the first copy only.
pub(super) fn copies_behind_link(case: &Case) -> Option<String> {
    let spread = case.steps.iter().any(|step| match &step.step {
        Step::Send(send) => send.replica != Replica::First,
        _ => false,
    });
    (spread && links::needs_client_link(&case.steps)).then(|| {
        "the link between client and server leads to one copy of the target only".to_owned()
    })
}

fn step_missing(stage: &Stage<'_>, step: &Step, role: Role) -> Option<String> {
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
        Step::Link(link) => no_link(stage, links::ends_of(link), seen_at(link.on)),
        Step::Restart(restart) => {
            let fixed = match restarts::whose(restart.of, role) {
                Restarted::Target => stage.target.fixed(),
                Restarted::Facilitator => stage.facilitator.fixed(),
            };
            let seen = restart.when.map(seen_at);
            fixed.or_else(|| seen.and_then(|ends| no_link(stage, ends, ends)))
        }
        Step::Replicas(replicas) => match stage.target.most_copies() {
            Ok(most) if most < replicas.count => Some(format!(
                "{} copies of the target are wanted, and its profile declares `replicas: {most}`",
                replicas.count
            )),
            Ok(_) => None,
            Err(why) => Some(why),
        },
        Step::Quote(quote) => {
            let wanted = quote.version.map(Generation::version)?;
            let spoken = &stage.offered.versions;
            (!spoken.contains(&wanted)).then(|| format!("the target does not speak {wanted}"))
        }
        Step::Send(send) => form_missing(stage, send),
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
