//! The order of a run.

use rand::Rng as _;
use x402_assay_protocol::{Challenge, Requirement, Version};

use super::battery::Battery;
use super::battery::facilitator::FacilitatorBench;
use super::facilitator_control::FacilitatorControl;
use super::links::Links;
use super::prepare::Prepared;
use super::repeats::Repeats;
use super::scenario::{self, Sheet};
use super::session::{SendError, Session};
use super::target_control::TargetControl;
use super::{detect, rest};
use crate::client;
use crate::config::profile::{PRICE_DECIMALS, Route};
use crate::http::Exchange;
use crate::service::ControlError;

/// How much of the battery is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Battery,
    /// One purchase per version: what `doctor` does.
    PositiveControl,
    /// The controls that scenarios stand on.
    Controls,
    /// Everything, of a facilitator that is asked directly.
    Facilitator,
    /// One good payment and one with a flipped signature, of a facilitator that is asked directly.
    FacilitatorControls,
}

/// Scenarios to run after the controls.
#[derive(Debug, Clone, Copy)]
pub struct Plays<'p> {
    /// The scenarios; none for the battery alone.
    pub sheets: &'p [Sheet],
    /// Seed of faults and orders.
    pub seed: u64,
    /// What the ledger is: `anvil`, `memory` or `url`.
    pub chain: &'p str,
    /// Faults of the network.
    pub links: &'p Links,
    /// The target's processes.
    pub target: &'p dyn TargetControl,
    /// The facilitator's process.
    pub facilitator: &'p dyn FacilitatorControl,
    /// How often, and which of their cases.
    pub repeats: Repeats<'p>,
}

/// What the controls showed.
#[derive(Debug, Default)]
struct Shown {
    version: Option<Version>,
    versions: Vec<Version>,
    sells: bool,
    payment_identifier: bool,
    /// The first route with an `upto` offer.
    upto: Option<Route>,
    /// Every offer of the first route declares that money moves before anything else.
    settles_first: bool,
}

/// Why a run ended before its plan.
#[derive(Debug, thiserror::Error)]
pub enum RunTrouble {
    /// Ctrl-C.
    #[error("the run was stopped")]
    Interrupted,
    /// Something of ours, or the profile's budget.
    #[error("{0}")]
    Stopped(String),
}

impl From<SendError> for RunTrouble {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Cancelled => Self::Interrupted,
            SendError::Control(error) => error.into(),
            other => Self::Stopped(other.to_string()),
        }
    }
}

impl From<ControlError> for RunTrouble {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused { message, .. } => Self::Stopped(format!("chain: {message}")),
            other => Self::Stopped(other.to_string()),
        }
    }
}

/// Requests one version takes on a server with this many routes, roughly.
pub fn planned_requests(routes: usize) -> usize {
    Battery::requests_full(Version::V2)
        + routes.saturating_sub(1) * (Battery::REQUESTS_CORE + 1)
        + 1
}

/// Runs the battery, and reads the ledger whatever became of it.
///
/// # Errors
/// When the run was stopped or could not go on; what happened until then is recorded.
pub async fn run(
    session: &Session<'_>,
    scope: Scope,
    versions: Option<&[Version]>,
    chain_id: Option<u64>,
    plays: Plays<'_>,
) -> Result<(), RunTrouble> {
    let mut prepared = Prepared::for_repeats(plays.repeats.count);
    if matches!(scope, Scope::Facilitator | Scope::FacilitatorControls) {
        let bench = FacilitatorBench {
            session,
            chain_id,
            in_memory: plays.chain == "memory",
            facilitator: plays.facilitator,
            versions,
            is_brief: scope == Scope::FacilitatorControls,
        };
        return bench.run(&mut prepared).await;
    }
    let shown = exchanges(
        session,
        &mut prepared,
        scope,
        versions,
        (chain_id, plays.target),
    )
    .await;
    let ledger = rest::read_ledger(session, &mut prepared).await;
    let shown = shown?;
    ledger?;
    if plays.sheets.is_empty() {
        return Ok(());
    }
    let stage = scenario::Stage {
        session,
        seed: plays.seed,
        chain_id,
        version: shown.version.unwrap_or(Version::V2),
        offered: scenario::Offered {
            chain: plays.chain.to_owned(),
            facilitator: session.uses_our_facilitator().await,
            versions: shown.versions,
            sells: shown.sells,
            payment_identifier: shown.payment_identifier,
            upto: shown.upto,
            settles_first: shown.settles_first,
        },
        links: plays.links,
        target: plays.target,
        facilitator: plays.facilitator,
        run: format!("run{:08x}", rand::rng().random::<u32>()),
    };
    let played = scenario::run_all(&stage, &mut prepared, plays.sheets, &plays.repeats).await;
    let ledger = rest::read_ledger(session, &mut prepared).await;
    played?;
    ledger.map_err(RunTrouble::from)
}

async fn exchanges(
    session: &Session<'_>,
    prepared: &mut Prepared,
    scope: Scope,
    versions: Option<&[Version]>,
    (chain_id, target): (Option<u64>, &dyn TargetControl),
) -> Result<Shown, RunTrouble> {
    let mut shown = Shown::default();
    let routes = session.profile.routes.clone();
    let Some(firsts) = ask_for_terms(session, &routes).await? else {
        return Ok(shown);
    };
    check_origin(session).await?;
    let (sold, missing) = tell_apart(&routes, firsts);
    for (index, (route, first)) in sold.into_iter().enumerate() {
        let spoken = detect::versions(&first, versions);
        for version in &spoken {
            place_offers(session, prepared, route, &first, *version, chain_id).await?;
        }
        if shown.upto.is_none() && detect::offers_upto(&first, chain_id) {
            shown.upto = Some(route.clone());
        }
        let leading = spoken
            .iter()
            .copied()
            .max_by_key(|version| version.number());
        if index == 0 {
            let newest = spoken.iter().find(|version| **version == Version::V2);
            shown.versions.clone_from(&spoken);
            shown.version = newest.or_else(|| spoken.first()).copied();
            shown.payment_identifier =
                newest.is_some() && detect::declares(&first, "payment-identifier");
            shown.settles_first = shown
                .version
                .is_some_and(|version| detect::is_upfront(&first, version));
        }
        for version in spoken {
            let battery = Battery {
                session,
                route,
                version,
                leads: leading == Some(version),
                target,
                chain_id,
            };
            let sold = perform(&battery, scope, index == 0).await?;
            shown.sells |= sold && shown.version == Some(version);
        }
    }
    for path in session.profile.free.clone() {
        session.get(&format!("free{path}"), &path).await?;
    }
    match missing.as_slice() {
        [] => Ok(shown),
        missing => Err(RunTrouble::Stopped(format!(
            "`routes` of the profile: {}: correct its path and method",
            missing.join(", ")
        ))),
    }
}

/// The first answer of each route; `None` when nothing answers at all, which the judges explain.
async fn ask_for_terms(
    session: &Session<'_>,
    routes: &[Route],
) -> Result<Option<Vec<Exchange>>, RunTrouble> {
    let mut firsts = Vec::with_capacity(routes.len());
    for (index, route) in routes.iter().enumerate() {
        session.progress.stage(&format!(
            "asking {} {} for its terms",
            route.method, route.path
        ));
        let first = detect::preflight(session, route).await?;
        if first.response().is_none() && index == 0 {
            return Ok(None);
        }
        firsts.push(first);
    }
    Ok(Some(firsts))
}

/// The routes that are there with their first answers, and what those answered that are not. Where nothing is there at
/// all, every route is kept: the judges say why.
fn tell_apart(routes: &[Route], firsts: Vec<Exchange>) -> (Vec<(&Route, Exchange)>, Vec<String>) {
    let somewhere = firsts.iter().any(|first| !is_nowhere(first));
    let both = routes.iter().zip(firsts);
    let (missing, sold): (Vec<_>, Vec<_>) =
        both.partition(|(_, first)| somewhere && is_nowhere(first));
    let told = missing.iter().map(|(route, first)| {
        let status = first.status().unwrap_or_default();
        format!("{} {} answers HTTP {status}", route.method, route.path)
    });
    (sold, told.collect())
}

/// What the scope asks for on one route: everything on the first, a purchase on the others. Tells whether the controls sold.
async fn perform(battery: &Battery<'_>, scope: Scope, is_first: bool) -> Result<bool, RunTrouble> {
    let (version, path) = (battery.version, &battery.route.path);
    let plan = |requests, what: &str| {
        battery
            .session
            .plan(requests, &format!("{version} {what} on {path}"));
    };
    match scope {
        Scope::Battery if is_first => {
            plan(Battery::requests_full(version), "battery");
            battery.full().await?;
            Ok(false)
        }
        Scope::Controls if is_first => {
            plan(Battery::REQUESTS_CONTROLS, "controls");
            Ok(battery.controls().await?)
        }
        _ => {
            plan(Battery::REQUESTS_CORE, "purchase");
            battery.core().await?;
            Ok(false)
        }
    }
}

/// True when a route of the profile is not there.
fn is_nowhere(first: &Exchange) -> bool {
    matches!(first.status(), Some(404 | 405 | 410))
}

/// A counter that is declared and does not count is a mistake of the profile, said before anything is bought.
async fn check_origin(session: &Session<'_>) -> Result<(), RunTrouble> {
    let Some(path) = &session.profile.origin.executions else {
        return Ok(());
    };
    match session.counts(&[None]).await {
        Some(_) => Ok(()),
        None => Err(RunTrouble::Stopped(format!(
            "`origin.executions` of the profile: {path} does not answer {{\"count\": n}}: correct it, or leave it out"
        ))),
    }
}

async fn place_offers(
    session: &Session<'_>,
    prepared: &mut Prepared,
    route: &Route,
    first: &Exchange,
    version: Version,
    chain_id: Option<u64>,
) -> Result<(), RunTrouble> {
    let Some(read) = first
        .response()
        .and_then(|response| client::read(version, response).ok())
    else {
        return Ok(());
    };
    prepared.offer(session, &read.challenge, chain_id).await?;
    note_price(session, route, &read.challenge);
    Ok(())
}

/// A declared price that no offer asks for is told; what is right is the user's to say.
fn note_price(session: &Session<'_>, route: &Route, challenge: &Challenge) {
    let Some(price) = &route.price else { return };
    let meant = price.base_units(PRICE_DECIMALS);
    let asked: Vec<&str> = challenge
        .accepts
        .iter()
        .filter_map(Requirement::amount)
        .collect();
    if !asked.iter().any(|amount| meant.as_deref() == Some(amount)) {
        session.note(
            None,
            format!(
                "price of {}: the profile says {price}, the server asks for {} base units",
                route.path,
                asked.join(" or ")
            ),
        );
    }
}
