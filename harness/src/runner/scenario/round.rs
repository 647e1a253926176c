//! One round of a case: its steps in order, what goes on in the background, and taking everything back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::call::Calls;
use super::chain_faults;
use super::faults::{self};
use super::restarts::Restarts;
use super::send::Volley;
use super::state::{Paying, State};
use super::{Stage, injected, restarts, routes, sign, wait};
use crate::client::Payer;
use crate::config::profile::Route as Paid;
use crate::history::What;
use crate::history::case_ran::CaseRan;
use crate::http::now_us;
use crate::runner::facilitator_events::CallCounts;
use crate::runner::session::SendError;
use crate::runner::stage::RunTrouble;
use crate::scenario::steps::{Call, FaultPlace, OriginBehaviour, Route, Send};
use crate::scenario::{Case, CaseStep, Expect, Expectation, PREDEFINED_PAYERS, Role, Step};
use crate::service::ControlError;

/// Time for the facilitator to become quiet at the end of a round.
const REST: Duration = Duration::from_secs(10);

/// Which round of which case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) scenario: &'a str,
    pub(super) role: Role,
    pub(super) number: u32,
    pub(super) round: u32,
    /// Number of the round inside its repeat.
    pub(super) turn: u32,
    /// Seed of the repeat.
    pub(super) seed: u64,
}

impl Place<'_> {
    /// How the probes of the round begin; the first round has no number of its own.
    pub(super) fn probe(&self) -> String {
        let Self {
            scenario,
            number,
            round,
            ..
        } = self;
        match round {
            1 => format!("scenario/{scenario}/{number}"),
            _ => format!("scenario/{scenario}/{number}.{round}"),
        }
    }
}

/// Why a round stopped before its last step.
#[derive(Debug)]
pub(super) enum Broken {
    /// It cannot show anything.
    Trouble(String),
    /// The run cannot go on.
    Run(RunTrouble),
}

impl From<SendError> for Broken {
    fn from(error: SendError) -> Self {
        Self::Run(error.into())
    }
}

impl From<ControlError> for Broken {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused { message, .. } => Self::Trouble(message),
            other => Self::Run(other.into()),
        }
    }
}

type Background<'s> = FuturesUnordered<BoxFuture<'s, Result<(), SendError>>>;

/// What goes on in the background.
enum Beside {
    Volley(Box<Volley>),
    Calls(Calls),
}

pub(super) struct Round<'s> {
    pub(super) stage: &'s Stage<'s>,
    pub(super) case: &'s Case,
    pub(super) place: Place<'s>,
    pub(super) prefix: String,
    pub(super) state: State,
    before: CallCounts,
}

/// Plays one round and takes back whatever it injected; what it saw goes into `ran`.
pub(super) async fn play(
    stage: &Stage<'_>,
    case: &Case,
    place: Place<'_>,
    ran: &mut CaseRan,
) -> Result<(), RunTrouble> {
    let session = stage.session;
    let mut round = Round {
        stage,
        case,
        place,
        prefix: format!(
            "{}.{}.{}.{}",
            stage.run, place.scenario, place.number, place.round
        ),
        state: State::default(),
        before: session.call_counts().await,
    };
    for (index, name) in PREDEFINED_PAYERS.iter().enumerate() {
        let payer = &session.payers[(index + 2) % session.payers.len()];
        let payer = Arc::new(Payer::new(payer.key().clone()));
        round.state.payers.push(((*name).to_owned(), payer));
    }
    let before = executions(stage).await;
    session.read_clocks().await?;
    let transactions = round.count_transactions().await?;
    let mut background = Background::new();
    let mut restarts = Restarts::default();
    if let Some(why) = restarts::revive(stage).await {
        ran.troubles.push(why);
        return Ok(());
    }
    let steps = round.steps(&mut background, &mut restarts, ran);
    let ended = match tokio::time::timeout(case.timeout, steps).await {
        Ok(ended) => ended,
        Err(_) => Err(Broken::Trouble(format!(
            "the round was not over after {:?}",
            case.timeout
        ))),
    };
    let restarted = restarts.finish().await;
    restarts.take_back(stage, ran).await;
    round.take_back(ran).await?;
    chain_faults::take_back(stage, &mut round.state, ran).await?;
    round.take_links_back(ran).await;
    let rest = tokio::time::timeout(REST, finish(&mut background)).await;
    if rest.is_err() {
        ran.troubles.push(format!(
            "requests were still open {REST:?} after the last step"
        ));
    }
    drop(background);
    if !session.settle_down_within(REST).await? {
        ran.troubles
            .push(format!("a facilitator call was still open after {REST:?}"));
    }
    ran.executions = before.zip(executions(stage).await);
    ran.transactions = transactions.zip(round.count_transactions().await?);
    round.tell(ran);
    round.end_copies(ran).await;
    match ended.and(restarted) {
        Ok(()) => rest.unwrap_or(Ok(())).map_err(RunTrouble::from),
        Err(Broken::Trouble(why)) => {
            ran.troubles.push(why);
            Ok(())
        }
        Err(Broken::Run(trouble)) => Err(trouble),
    }
}

/// The origin's count, if it counts.
async fn executions(stage: &Stage<'_>) -> Option<u64> {
    let newest = stage.session.newest_exchange()?;
    stage.session.read_executions(newest).await
}

async fn beside_restarts<T>(restarts: &mut Restarts<'_>, what: impl Future<Output = T>) -> T {
    tokio::select! {
        ended = what => ended,
        never = restarts.go_on() => match never {},
    }
}

async fn finish(background: &mut Background<'_>) -> Result<(), SendError> {
    while let Some(ended) = background.next().await {
        ended?;
    }
    Ok(())
}

/// Waits for a step while the background and armed restarts go on.
async fn beside<T>(
    background: &mut Background<'_>,
    restarts: &mut Restarts<'_>,
    step: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Broken> {
    tokio::pin!(step);
    let restarting = restarts.go_on();
    tokio::pin!(restarting);
    loop {
        tokio::select! {
            ended = &mut step => return ended,
            never = &mut restarting => match never {},
            Some(done) = background.next(), if !background.is_empty() => done?,
        }
    }
}

impl<'s> Round<'s> {
    async fn steps(
        &mut self,
        background: &mut Background<'s>,
        restarts: &mut Restarts<'s>,
        ran: &mut CaseRan,
    ) -> Result<(), Broken> {
        let case = self.case;
        chain_faults::deepen(self.stage, case).await?;
        for step in &case.steps {
            restarts.finish().await?;
            if let Step::Restart(restart) = &step.step
                && let Some(event) = restart.when
            {
                let whose = restarts::whose(restart.of, self.place.role);
                restarts.arm(self.stage, (step.number, whose), (restart, event))?;
                continue;
            }
            self.record(step);
            if let Step::SettleDown(settle) = &step.step {
                let until = Instant::now() + settle.within;
                let over = beside_restarts(restarts, finish(background));
                if tokio::time::timeout(settle.within, over).await.is_err() {
                    ran.not_observed
                        .push(format!("step {}: requests stayed open", step.number));
                }
                let left = until
                    .saturating_duration_since(Instant::now())
                    .max(Duration::from_millis(100));
                let quiet = beside(background, restarts, async {
                    Ok(self.stage.session.settle_down_within(left).await?)
                });
                if !quiet.await? {
                    ran.not_observed.push(format!(
                        "step {}: a facilitator call stayed open",
                        step.number
                    ));
                }
                continue;
            }
            let stage = self.stage;
            match beside(background, restarts, Box::pin(self.step(step, ran))).await? {
                Some(Beside::Volley(volley)) => background.push(Box::pin(volley.run(stage))),
                Some(Beside::Calls(calls)) => background.push(Box::pin(calls.run(stage))),
                None => {}
            }
        }
        Ok(())
    }

    /// Puts the step onto the axis of time that client, server, facilitator and chain share.
    fn record(&self, step: &CaseStep) {
        let what = What::Step {
            round: self.place.probe(),
            step: u32::try_from(step.number).unwrap_or(u32::MAX),
            name: step.step.name().to_owned(),
        };
        self.stage.session.recorder.append(now_us(), what);
    }

    /// Does one step; a `send` or `call` that goes on in the background is handed back.
    async fn step(&mut self, step: &CaseStep, ran: &mut CaseRan) -> Result<Option<Beside>, Broken> {
        let stage = self.stage;
        let probe = format!("{}/{}", self.place.probe(), step.number);
        match &step.step {
            Step::Quote(quote) => self.quote(quote, &probe, ran).await?,
            Step::Sign(sign) => sign::sign(stage, &mut self.state, sign)?,
            Step::Payer(payer) => self.name_payer(payer, ran).await?,
            Step::Mutate(mutate) => sign::mutate(&mut self.state, mutate)?,
            Step::Reencode(reencode) => sign::rewrite(&mut self.state, reencode),
            Step::Send(send) => return self.send(send, probe, ran).await,
            Step::Call(call) => return self.call(call, probe).await,
            Step::Buy(buy) => self.buy(buy, &probe, ran).await?,
            Step::Wait(step_wait) => {
                let late = wait::wait(stage, &self.state, step_wait, self.before).await?;
                ran.not_observed
                    .extend(late.map(|what| format!("step {}: {what}", step.number)));
            }
            Step::Hold(hold) => self.hold(hold, step.number).await?,
            Step::Release(_) => self.release(ran).await?,
            Step::Facilitator(fault) => {
                let payers = self.payers();
                let names = self.names(step.number, &payers);
                for spec in faults::fault_specs(fault, &self.state, &names) {
                    let added = stage.session.control.add_fault(&spec).await?;
                    self.state.faults.push((added.name, step.number));
                }
            }
            Step::Origin(origin) => {
                let route = self.origin(origin.behaviour)?;
                self.state.routes.insert(origin.name.clone(), route);
            }
            Step::Chain(chain) => {
                let aim = chain_faults::Aim {
                    step: step.number,
                    seed: self
                        .names(step.number, &std::collections::BTreeSet::new())
                        .seed,
                };
                chain_faults::inject(stage, &mut self.state, chain, aim).await?;
            }
            Step::ClearFaults(clear) => {
                if clear.of.contains(&FaultPlace::Chain) {
                    chain_faults::take_back(stage, &mut self.state, ran).await?;
                }
                if clear.of.contains(&FaultPlace::Facilitator) {
                    self.take_back(ran).await?;
                }
                if clear.of.contains(&FaultPlace::Link) {
                    self.take_links_back(ran).await;
                }
            }
            Step::Link(link) => self.link(link, step.number)?,
            Step::Restart(restart) => {
                let whose = restarts::whose(restart.of, self.place.role);
                restarts::now(stage, (step.number, whose), restart, ran).await?;
            }
            Step::Replicas(replicas) => self.copy(replicas.count, step.number).await?,
            Step::SettleDown(_) => {
                return Err(Broken::Trouble(format!(
                    "step {} cannot be done",
                    step.number
                )));
            }
        }
        Ok(None)
    }

    async fn send(
        &mut self,
        send: &Send,
        probe: String,
        ran: &mut CaseRan,
    ) -> Result<Option<Beside>, Broken> {
        let named = send
            .route
            .as_ref()
            .map(|route| self.route(route))
            .transpose()?;
        let main = self.route(&Route::Main)?;
        let routes = &self.stage.session.profile.routes;
        let volley = Volley::new(&mut self.state, send, probe, main, named, routes);
        if send.background {
            return Ok(Some(Beside::Volley(Box::new(volley))));
        }
        let sent = volley.run(self.stage);
        // A request that is sent again may come later: then only the hold itself can tell.
        if self.state.counting.is_empty() || send.retry.is_some() {
            sent.await?;
            return Ok(None);
        }
        tokio::pin!(sent);
        let held = self.state.counting.clone();
        tokio::select! {
            over = &mut sent => over?,
            complete = injected::complete(self.stage, &held) => {
                complete?;
                self.end_complete(ran).await?;
                sent.await?;
            }
        }
        Ok(None)
    }

    async fn call(&mut self, call: &Call, probe: String) -> Result<Option<Beside>, Broken> {
        let calls = Calls::new(&mut self.state, call, probe)?;
        if call.background {
            return Ok(Some(Beside::Calls(calls)));
        }
        calls.run(self.stage).await?;
        Ok(None)
    }

    pub(super) fn route(&self, route: &Route) -> Result<Paid, Broken> {
        let found = match route {
            Route::Named(name) => self.state.routes.get(name).cloned(),
            Route::Upto => self.stage.offered.upto.clone(),
            _ => routes::find(&self.stage.session.profile.routes, route),
        };
        found.ok_or_else(|| Broken::Trouble(format!("there is no route {route:?}")))
    }

    fn origin(&self, behaviour: OriginBehaviour) -> Result<Paid, Broken> {
        let origin = &self.stage.session.profile.origin;
        let path = match behaviour {
            OriginBehaviour::Status(status) => origin
                .status
                .as_ref()
                .map(|path| path.replace("{code}", &status.to_string())),
            OriginBehaviour::Delay(delay) => origin
                .delay
                .as_ref()
                .map(|path| path.replace("{ms}", &delay.as_millis().to_string())),
            OriginBehaviour::Stream => origin.stream.clone(),
        };
        let path = path
            .ok_or_else(|| Broken::Trouble("the profile's origin has no such route".to_owned()))?;
        self.route(&Route::Path(path))
    }

    /// Of the facilitator's accounts, if the case asks for it.
    async fn count_transactions(&self) -> Result<Option<u64>, RunTrouble> {
        let asked =
            |expected: &Expectation| matches!(expected.expect, Expect::WastedTransactions(_));
        let session = self.stage.session;
        let known = session.clocks.chains().first().copied();
        match self.stage.chain_id.or(known) {
            Some(chain_id) if self.case.expect.iter().any(asked) => {
                Ok(session.transactions(chain_id).await?)
            }
            _ => Ok(None),
        }
    }

    fn tell(&self, ran: &mut CaseRan) {
        let numbers = |payments: &[Paying]| payments.iter().map(|payment| payment.number).collect();
        let payments = self.state.payments.iter();
        ran.payments = payments
            .map(|(name, all)| (name.clone(), numbers(all)))
            .collect();
        let payers = self.state.payers.iter();
        ran.payers = payers
            .map(|(name, payer)| (name.clone(), payer.address()))
            .collect();
    }
}
