//! Runs the cases of scenarios on a session, step by step; records everything, judges nothing.

mod available;
mod buying;
mod call;
mod carry;
mod chain_actions;
mod chain_faults;
pub(super) mod encode;
mod faults;
mod injected;
mod links;
mod request;
mod restarts;
mod round;
mod routes;
mod send;
mod sign;
mod state;
mod verifies;
mod wait;

use std::sync::Arc;

use x402_assay_protocol::Version;

pub(crate) use available::Offered;
pub(super) use encode::reencode;

use super::facilitator_control::FacilitatorControl;
use super::links::Links;
use super::prepare::Prepared;
use super::repeats::{Repeats, sub_seed};
use super::rest;
use super::session::{PaymentHeader, Session};
use super::stage::RunTrouble;
use super::target_control::TargetControl;
use crate::client;
use crate::history::What;
use crate::history::case_ran::CaseRan;
use crate::http::Response;
use crate::http::now_us;
use crate::link::LinkProxy;
use crate::scenario::{Case, Scenario};

/// A scenario with the text it was read from.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its text, which goes into the history so that it can be judged later.
    pub text: String,
}

/// What all scenarios of a run share.
#[derive(Debug)]
pub(crate) struct Stage<'s> {
    pub(crate) session: &'s Session<'s>,
    pub(crate) seed: u64,
    pub(crate) chain_id: Option<u64>,
    pub(crate) version: Version,
    pub(crate) offered: Offered,
    pub(crate) links: &'s Links,
    pub(crate) target: &'s dyn TargetControl,
    pub(crate) facilitator: &'s dyn FacilitatorControl,
    /// Begins the names of this run's faults and holds.
    pub(crate) run: String,
}

/// Runs every case of every scenario; a case that cannot be run is recorded as skipped before anything is sent.
pub(crate) async fn run_all(
    stage: &Stage<'_>,
    prepared: &mut Prepared,
    sheets: &[Sheet],
    repeats: &Repeats<'_>,
) -> Result<(), RunTrouble> {
    let session = stage.session;
    for sheet in sheets {
        let scenario = sheet.scenario.as_ref();
        let at_us = now_us();
        let body = session.recorder.body(at_us, sheet.text.as_bytes());
        let name = scenario.name.clone();
        session
            .recorder
            .append(at_us, What::Scenario { name, body });
        for index in repeats.chosen(scenario.expand().len()) {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let case = &scenario.expand()[index];
            run_case(stage, prepared, (scenario, case, number), repeats).await?;
        }
    }
    Ok(())
}

async fn run_case(
    stage: &Stage<'_>,
    prepared: &mut Prepared,
    (scenario, case, number): (&Scenario, &Case, u32),
    repeats: &Repeats<'_>,
) -> Result<(), RunTrouble> {
    let session = stage.session;
    let title = format!("{} {}", scenario.name, case.label);
    session.progress.stage(&title);
    let blank = |repeat, round| CaseRan {
        scenario: scenario.name.clone(),
        case: number,
        round,
        repeat,
        seed: Some(sub_seed(stage.seed, repeat)),
        label: case.label.clone(),
        started_us: now_us(),
        ..CaseRan::default()
    };
    if let Some(reason) = available::missing(stage, scenario, case) {
        let ran = CaseRan {
            skipped: Some(reason),
            ended_us: now_us(),
            ..blank(1, 1)
        };
        session
            .recorder
            .append(now_us(), What::CaseRan(Box::new(ran)));
        return Ok(());
    }
    for repeat in 1..=repeats.count {
        if repeat > 1 {
            if session.recorder.is_nearly_full() {
                let done = repeat - 1;
                session.note(
                    None,
                    format!(
                        "{title}: repeated {done} times of {}, then the history was nearly full",
                        repeats.count
                    ),
                );
                return Ok(());
            }
            let tenth = |repeat: u32| repeat * 10 / repeats.count;
            if tenth(repeat) != tenth(repeat - 1) {
                let (percent, count) = (tenth(repeat) * 10, repeats.count);
                let text = format!("{title}: {percent}% of {count} repeats");
                session.progress.stage(&text);
            }
        }
        play_rounds(stage, prepared, (scenario, case, number), repeat, &blank).await?;
        if repeats.is_enough(repeat, || session.recorder.snapshot()) {
            return Ok(());
        }
    }
    Ok(())
}

/// Every round of one repeat.
async fn play_rounds(
    stage: &Stage<'_>,
    prepared: &mut Prepared,
    (scenario, case, number): (&Scenario, &Case, u32),
    repeat: u32,
    blank: &impl Fn(u32, u32) -> CaseRan,
) -> Result<(), RunTrouble> {
    let session = stage.session;
    for turn in 1..=case.rounds {
        let round = (repeat - 1)
            .saturating_mul(case.rounds)
            .saturating_add(turn);
        let mut ran = blank(repeat, round);
        let place = round::Place {
            scenario: &scenario.name,
            role: scenario.role,
            number,
            round,
            turn,
            seed: sub_seed(stage.seed, repeat),
        };
        if links::needs_client_link(&case.steps) {
            session.go_through(stage.links.client.as_ref().ok().map(LinkProxy::addr));
        }
        // Boxed, as are its steps: the futures of all steps together are more than a thread's stack should carry.
        let played = Box::pin(round::play(stage, case, place, &mut ran)).await;
        session.go_through(None);
        played?;
        rest::read_ledger(session, prepared).await?;
        ran.ended_us = now_us();
        let sells = control_purchase(stage, &format!("{}/control", place.probe())).await?;
        session
            .recorder
            .append(now_us(), What::CaseRan(Box::new(ran)));
        if !sells {
            restarts::renew(stage, &place.probe()).await;
        }
    }
    Ok(())
}

/// One honest purchase after a case: does the target still sell? Nothing about it is judged here; tells whether it was
/// answered with success.
async fn control_purchase(stage: &Stage<'_>, probe: &str) -> Result<bool, RunTrouble> {
    let session = stage.session;
    let Some(route) = session.profile.routes.first() else {
        return Ok(false);
    };
    let quoted = session.send(probe, route, None).await?;
    let challenge = quoted
        .response()
        .and_then(|response| client::read(stage.version, response).ok());
    let Some(read) = challenge else {
        return Ok(false);
    };
    let Ok(choice) = client::choose(&read.challenge, stage.chain_id) else {
        return Ok(false);
    };
    let resource = read.challenge.resource();
    session.read_clocks().await?;
    let (now, honest) = session.clocks.honest(choice.terms.domain.chain_id);
    let payment = client::sign(&session.payers[0], &choice, resource, now, &honest);
    let number = session.record_signed(&payment, None);
    let header = PaymentHeader::of(&payment, number);
    let bought = session.send(probe, route, Some(&header)).await?;
    Ok(bought.response().is_some_and(Response::is_success))
}
