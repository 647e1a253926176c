//! What a `chain` step means: actions on a chain, and rules for its RPC. Sends nothing.

use std::collections::BTreeSet;

use alloy_primitives::{Address, Bytes};

use super::state::{Paying, State};
use crate::chain::chaos::{ChaosAction, MiningOrder, SignedTransfer, TokenCode, sign_cancel};
use crate::chain::{RpcFault as Fault, RpcFaultRule};
use crate::scenario::steps::{Chain, Mining, Rpc, RpcError, RpcFault, RpcLie, TokenKind};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deed {
    pub(super) chain_id: u64,
    pub(super) action: ChaosAction,
    /// Authorizations it is aimed at; none when it meets whatever is under way.
    pub(super) aims: Vec<u32>,
}

impl Deed {
    /// True when what it changes stays until it is taken back.
    pub(super) const fn lasts(&self) -> bool {
        matches!(
            self.action,
            ChaosAction::Mine {
                order: MiningOrder::Stop
            } | ChaosAction::BlockTime { .. }
                | ChaosAction::RevertSettlement { .. }
                | ChaosAction::Warp { .. }
                | ChaosAction::BaseFee { .. }
                | ChaosAction::Block { blocked: true, .. }
                | ChaosAction::Token { .. }
                | ChaosAction::EmptyGas { .. }
        )
    }
}

/// What a step other than `rpc` does on the chain; names are resolved here.
///
/// `gas` are the accounts whose gas the facilitator pays with; those of the bench's facilitator if empty.
pub(super) fn deeds(
    chain: &Chain,
    state: &State,
    chain_id: u64,
    gas: &[Address],
) -> Result<Vec<Deed>, String> {
    let every = || -> Vec<u32> {
        let all = state.payments.iter().flat_map(|(_, payments)| payments);
        let numbers: BTreeSet<u32> = all.map(|payment| payment.number).collect();
        numbers.into_iter().collect()
    };
    let at_large = |action| {
        let aims = every();
        Ok(vec![Deed {
            chain_id,
            action,
            aims,
        }])
    };
    match chain {
        Chain::Mine(order) => {
            let order = match order {
                Mining::Stop => MiningOrder::Stop,
                Mining::Resume => MiningOrder::Resume,
                Mining::One => MiningOrder::One,
            };
            at_large(ChaosAction::Mine { order })
        }
        Chain::BlockTime(time) => at_large(ChaosAction::BlockTime { ms: ms(*time) }),
        Chain::Reorg(depth) => at_large(ChaosAction::Reorg {
            depth: u64::from(*depth),
        }),
        Chain::Warp(time) => at_large(ChaosAction::Warp { ms: ms(*time) }),
        Chain::BaseFee(gwei) => at_large(ChaosAction::BaseFee {
            gwei: u64::from(*gwei),
        }),
        Chain::EmptyGas => at_large(ChaosAction::EmptyGas {
            accounts: gas.to_vec(),
        }),
        Chain::Token(kind) => {
            let code = token_code(*kind);
            let of_asset = |(chain_id, asset)| Deed {
                chain_id,
                action: ChaosAction::Token { asset, code },
                aims: every(),
            };
            Ok(assets(state)?.into_iter().map(of_asset).collect())
        }
        Chain::Drain(name) => of_payer(state, name, |asset, payer| ChaosAction::Drain {
            asset,
            payer,
        }),
        Chain::Block(name) => of_payer(state, name, |asset, account| ChaosAction::Block {
            asset,
            account,
            blocked: true,
        }),
        Chain::DropTransaction(name) => of_payment(state, name, |payment, _| {
            let nonce = payment.nonce;
            ChaosAction::DropTransaction { nonce }
        }),
        Chain::Revert(name) => {
            of_payment(state, name, |payment, _| ChaosAction::RevertSettlement {
                asset: payment.on_chain.domain.verifying_contract,
                payer: payment.payer.address(),
                nonce: payment.nonce,
            })
        }
        Chain::Cancel(name) => of_payment(state, name, cancel),
        Chain::Preempt(name) => of_payment(state, name, preempt),
        Chain::Rpc(_) => Ok(Vec::new()),
    }
}

fn preempt(payment: &Paying, transfer: &SignedTransfer) -> ChaosAction {
    ChaosAction::Preempt {
        asset: payment.on_chain.domain.verifying_contract,
        transfer: transfer.clone(),
    }
}

fn cancel(payment: &Paying, _: &SignedTransfer) -> ChaosAction {
    let domain = &payment.on_chain.domain;
    let signature = sign_cancel(payment.payer.key(), &domain.separator(), payment.nonce);
    ChaosAction::Cancel {
        asset: domain.verifying_contract,
        payer: payment.payer.address(),
        nonce: payment.nonce,
        signature: Bytes::copy_from_slice(&signature.0),
    }
}

fn of_payment(
    state: &State,
    name: &str,
    action: impl Fn(&Paying, &SignedTransfer) -> ChaosAction,
) -> Result<Vec<Deed>, String> {
    let mut done = BTreeSet::new();
    let payments = state.payment(name).iter();
    // Copies under other names carry the same authorization.
    let distinct = payments.filter(|payment| done.insert(payment.nonce));
    let deed = |payment: &Paying| match &payment.on_chain.transfer {
        Some(transfer) => Ok(Deed {
            chain_id: payment.on_chain.domain.chain_id,
            action: action(payment, transfer),
            aims: vec![payment.number],
        }),
        None => Err(format!(
            "`{name}` is a permit for `upto`: what is done to EIP-3009 authorizations cannot be done to it"
        )),
    };
    let deeds = distinct.map(deed).collect::<Result<Vec<Deed>, String>>()?;
    if deeds.is_empty() {
        return Err(format!("there is no payment `{name}`"));
    }
    Ok(deeds)
}

fn of_payer(
    state: &State,
    name: &str,
    action: impl Fn(Address, Address) -> ChaosAction,
) -> Result<Vec<Deed>, String> {
    let payer = state.payer(name).map(|payer| payer.address());
    let payer = payer.ok_or_else(|| format!("there is no payer `{name}`"))?;
    let signed = state.payments.iter().flat_map(|(_, payments)| payments);
    let theirs = signed.filter(|payment| payment.payer.address() == payer);
    let aims: BTreeSet<u32> = theirs.map(|payment| payment.number).collect();
    let of_asset = |(chain_id, asset)| Deed {
        chain_id,
        action: action(asset, payer),
        aims: aims.iter().copied().collect(),
    };
    Ok(assets(state)?.into_iter().map(of_asset).collect())
}

/// Chain and token of every offer that was quoted.
fn assets(state: &State) -> Result<BTreeSet<(u64, Address)>, String> {
    let domains = state
        .offers
        .values()
        .map(|quoted| &quoted.choice.terms.domain);
    let assets: BTreeSet<_> = domains
        .map(|domain| (domain.chain_id, domain.verifying_contract))
        .collect();
    if assets.is_empty() {
        return Err("quote an offer first: its token is meant".to_owned());
    }
    Ok(assets)
}

const fn token_code(kind: TokenKind) -> TokenCode {
    match kind {
        TokenKind::Honest => TokenCode::Honest,
        TokenKind::FeeOnTransfer => TokenCode::FeeOnTransfer,
        TokenKind::ReturnsFalse => TokenCode::ReturnsFalse,
        TokenKind::SilentOnUsedNonce => TokenCode::SilentOnUsedNonce,
        TokenKind::NoCode => TokenCode::NoCode,
        TokenKind::Paused => TokenCode::Paused,
    }
}

/// The rule of an `rpc` step; `seed` decides which calls `percent` means.
pub(super) fn rpc_rule(rpc: &Rpc, chain_id: u64, seed: u64) -> RpcFaultRule {
    let fault = match rpc.fault {
        RpcFault::Latency(time) => Fault::Latency { ms: ms(time) },
        RpcFault::Error(RpcError::RateLimited) => Fault::RateLimited,
        RpcFault::Error(RpcError::Internal) => Fault::Internal,
        RpcFault::Error(RpcError::Html) => Fault::Html,
        RpcFault::Error(RpcError::Timeout) => Fault::Timeout,
        RpcFault::Error(RpcError::Reset) => Fault::Reset,
        RpcFault::Lie(RpcLie::HeadZero, _) => Fault::HeadZero,
        RpcFault::Lie(RpcLie::WrongChainId, _) => Fault::WrongChainId {
            claims: if chain_id == 1 { 10 } else { 1 },
        },
        RpcFault::Lie(RpcLie::NoPendingState, _) => Fault::NoPendingState,
        RpcFault::Lie(RpcLie::Lag, blocks) => Fault::Lag {
            blocks: u64::from(blocks),
        },
        RpcFault::Lie(RpcLie::NoReceipts, _) => Fault::NoReceipts,
    };
    RpcFaultRule {
        methods: rpc.methods.clone(),
        percent: rpc.percent,
        seed,
        chain_id: Some(chain_id),
        ..RpcFaultRule::every(fault)
    }
}

/// Whether a node that is used at all meets the fault for certain; a lie about something it is never asked, some
/// methods only or a share of the calls may miss every call, and nobody is to blame.
pub(super) fn must_strike(rpc: &Rpc) -> bool {
    !matches!(rpc.fault, RpcFault::Lie(..)) && rpc.percent == 100 && rpc.methods.is_empty()
}

fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "chain_actions_tests.rs"]
mod tests;
