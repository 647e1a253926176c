//! `payer`: names one more payer.

use super::super::scope::{NameKind, Scope};
use super::super::value::Amount;
use super::super::words::{Need, words};
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// A contract that holds the money; the payer's key is its owner's.
    pub enum Wallet {
        /// It has code, and says itself whose signature counts (ERC-1271).
        Deployed = "deployed",
        /// It has none yet; its signatures say how it is deployed (ERC-6492).
        Undeployed = "undeployed",
    }
}

/// A payer with a test key of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// What it owns of the token at the start; terms of the price mean the main route's.
    pub funds: Amount,
    /// The contract that pays, if not a plain account does.
    pub wallet: Option<Wallet>,
    /// Its name.
    pub name: String,
}

pub(super) const KIND: StepKind = StepKind {
    name: "payer",
    about: "names one more payer with its own test key and funds",
    keys: &["funds", "wallet", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    scope.need(map.view(), Need::Chain, "`payer`");
    let funds = match map.optional("funds") {
        Some(view) => Amount::decode(&view),
        None => Some(Amount::PriceTimes(1_000)),
    };
    let wallet = map.optional("wallet").and_then(|view| {
        scope.need(&view, Need::Anvil, "`wallet`");
        view.one_of(Wallet::ALL)
    });
    let name = scope.define(map, NameKind::Payer, 1);
    Some(Step::Payer(Payer {
        funds: funds?,
        wallet,
        name: name?,
    }))
}
