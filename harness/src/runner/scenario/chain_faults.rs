//! `chain` steps: done through the control API, recorded, and taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alloy_primitives::{Address, B256};

use super::Stage;
use super::chain_actions::{Deed, deeds, must_strike, rpc_rule};
use super::round::Broken;
use super::state::State;
use crate::chain::chaos::{ChaosAction, ChaosAnswer};
use crate::history::What;
use crate::history::case_ran::{CaseRan, FaultMet};
use crate::http::now_us;
use crate::scenario::steps::{Chain, Rpc};
use crate::scenario::{Case, Step};
use crate::service::ControlError;

/// Blocks between what a reorg may undo and what was before: the deepest reorg.
const DEEP: u64 = 12;
/// Authorizations named one by one in the history; a fault of more is one of all that is under way.
const AIMS_MAX: usize = 32;
/// Pages of struck RPC calls that are read at most.
const HIT_PAGES_MAX: usize = 16;

/// Which step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aim {
    pub(super) step: usize,
    pub(super) seed: u64,
}

/// What a round did to chains and their RPC, to be taken back.
#[derive(Debug, Default)]
pub(super) struct Injected {
    /// Chains on which something lasts.
    chains: BTreeSet<u64>,
    rules: Vec<Armed>,
    /// A rule is being armed: its number may never come.
    arming: bool,
    /// Settlements that are to revert, with their step.
    reverts: Vec<(B256, usize)>,
    /// Faults that are over already.
    met: Vec<FaultMet>,
}

#[derive(Debug)]
struct Armed {
    rule: u64,
    step: usize,
    kind: String,
    must_strike: bool,
}

/// The chain that a step without a payment means: that of the offers, else the run's.
pub(super) fn chain_of(stage: &Stage<'_>, state: &State) -> Result<u64, Broken> {
    let offers = state.offers.values();
    let offered = offers
        .map(|quoted| quoted.choice.terms.domain.chain_id)
        .min();
    let known = || stage.session.clocks.chains().first().copied();
    let found = offered.or(stage.chain_id).or_else(known);
    found.ok_or_else(|| Broken::Trouble("no chain is known yet: quote an offer first".to_owned()))
}

/// Does what a step says.
pub(super) async fn inject(
    stage: &Stage<'_>,
    state: &mut State,
    chain: &Chain,
    aim: Aim,
) -> Result<(), Broken> {
    let chain_id = chain_of(stage, state)?;
    if let Chain::Rpc(rpc) = chain {
        return Ok(arm(stage, state, rpc, chain_id, aim).await?);
    }
    let gas = gas_accounts(stage, chain)?;
    for deed in deeds(chain, state, chain_id, &gas).map_err(Broken::Trouble)? {
        if deed.lasts() {
            // Before it is asked for: a round may end meanwhile.
            state.chain.chains.insert(deed.chain_id);
        }
        let control = &stage.session.control;
        let answer = control.chaos(deed.chain_id, &deed.action).await?;
        record(stage, &deed, &answer);
        state.chain.note(&deed, &answer, aim.step);
    }
    Ok(stage.session.read_clocks().await?)
}

/// Whose gas a step takes: a target that does not use the bench's facilitator pays with the accounts of its profile.
fn gas_accounts(stage: &Stage<'_>, chain: &Chain) -> Result<Vec<Address>, Broken> {
    let access = &stage.session.access;
    if access.is_ours() || *chain != Chain::EmptyGas {
        return Ok(Vec::new());
    }
    let accounts = access.accounts.clone();
    if accounts.is_empty() {
        let text = "whose gas? name the facilitator's accounts under `fund` of the profile";
        return Err(Broken::Trouble(text.to_owned()));
    }
    Ok(accounts)
}

impl Injected {
    fn note(&mut self, deed: &Deed, answer: &ChaosAnswer, step: usize) {
        let fired = match &deed.action {
            ChaosAction::RevertSettlement { nonce, .. } => {
                self.reverts.push((*nonce, step));
                return;
            }
            // There may have been nothing to take.
            ChaosAction::Drain { .. } => u64::from(answer.transaction.is_some()),
            _ => 1,
        };
        let kind = deed.action.word().to_owned();
        self.met.push(FaultMet { step, kind, fired });
    }
}

fn record(stage: &Stage<'_>, deed: &Deed, answer: &ChaosAnswer) {
    let transaction = answer
        .transaction
        .map(|hash| format!(", transaction {hash}"));
    let fault = format!(
        "chain {}{}",
        deed.action.word(),
        transaction.unwrap_or_default()
    );
    tell(stage, &deed.aims, &fault);
}

fn tell(stage: &Stage<'_>, aims: &[u32], fault: &str) {
    let one_by_one = (1..=AIMS_MAX).contains(&aims.len());
    let aims: Vec<Option<u32>> = match one_by_one {
        true => aims.iter().copied().map(Some).collect(),
        false => vec![None],
    };
    for authorization in aims {
        let what = What::FaultInjected {
            call: None,
            exchange: None,
            authorization,
            fault: fault.to_owned(),
        };
        stage.session.recorder.append(now_us(), what);
    }
}

async fn arm(
    stage: &Stage<'_>,
    state: &mut State,
    rpc: &Rpc,
    chain_id: u64,
    aim: Aim,
) -> Result<(), ControlError> {
    let rule = rpc_rule(rpc, chain_id, aim.seed);
    let kind = format!("rpc {}", rule.fault.word());
    state.chain.arming = true;
    let armed = stage.session.control.arm_rpc_fault(&rule).await?;
    state.chain.arming = false;
    state.chain.rules.push(Armed {
        rule: armed,
        step: aim.step,
        kind: kind.clone(),
        must_strike: must_strike(rpc),
    });
    tell(stage, &[], &kind);
    Ok(())
}

/// Takes everything back and notes what it did; what cannot be taken back is an error when all else was.
pub(super) async fn take_back(
    stage: &Stage<'_>,
    state: &mut State,
    ran: &mut CaseRan,
) -> Result<(), ControlError> {
    let injected = std::mem::take(&mut state.chain);
    let control = &stage.session.control;
    let mut first_error = None;
    if injected.arming {
        first_error = control.clear_rpc_faults().await.err();
    }
    ran.faults.extend(injected.met);
    if let Err(error) = disarm(stage, injected.rules, ran).await {
        first_error.get_or_insert(error);
    }
    let mut unmet = BTreeSet::new();
    for chain_id in &injected.chains {
        match control.chaos(*chain_id, &ChaosAction::Calm).await {
            Ok(answer) => unmet.extend(answer.unmet),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    ran.faults
        .extend(injected.reverts.into_iter().map(|(nonce, step)| FaultMet {
            step,
            kind: "revert-settlement".to_owned(),
            fired: u64::from(!unmet.contains(&nonce)),
        }));
    if !injected.chains.is_empty() {
        stage.session.read_clocks().await?;
    }
    first_error.map_or(Ok(()), Err)
}

/// Ends the rules of the RPC and counts the calls they struck.
async fn disarm(
    stage: &Stage<'_>,
    rules: Vec<Armed>,
    ran: &mut CaseRan,
) -> Result<(), ControlError> {
    if rules.is_empty() {
        return Ok(());
    }
    let control = &stage.session.control;
    for armed in &rules {
        control.disarm_rpc_fault(armed.rule).await?;
    }
    let mut struck: BTreeMap<u64, u64> = BTreeMap::new();
    let mut next = 0;
    for _ in 0..HIT_PAGES_MAX {
        let page = control.rpc_hits(next, Duration::ZERO).await?;
        if page.hits.is_empty() {
            break;
        }
        next = page.next;
        for hit in page.hits {
            *struck.entry(hit.what.rule).or_default() += 1;
        }
    }
    for armed in rules {
        let Armed { step, kind, .. } = armed;
        let fired = struck.get(&armed.rule).copied().unwrap_or_default();
        if fired == 0 && !armed.must_strike {
            let text = format!("step {step}: no call to the node that `{kind}` could strike");
            ran.not_observed.push(text);
        } else {
            ran.faults.push(FaultMet { step, kind, fired });
        }
    }
    Ok(())
}

/// Puts blocks over everything that was before, so that a reorg of the case does not undo it.
pub(super) async fn deepen(stage: &Stage<'_>, case: &Case) -> Result<(), ControlError> {
    let reorganises = |step: &Step| matches!(step, Step::Chain(Chain::Reorg(_)));
    if !case.steps.iter().any(|step| reorganises(&step.step)) {
        return Ok(());
    }
    let session = stage.session;
    for chain_id in session.clocks.chains() {
        let blocks = ChaosAction::MineBlocks { count: DEEP };
        session.control.chaos(chain_id, &blocks).await?;
    }
    session.read_clocks().await
}
