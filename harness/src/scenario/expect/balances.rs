//! `balances`: by how much balances changed, in prices.

use super::super::scope::{NameKind, Scope};
use super::super::value::SignedRange;
use super::super::words::Need;
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

/// From the start of the round to its end, in multiples of the price of the route that was quoted first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances(pub Vec<(Holder, SignedRange)>);

/// Whose balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A payer.
    Payer(String),
    /// Who is paid, by the first offer that was quoted.
    Payee,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "balances",
    about: "by how many prices each payer's and the payee's balance changed",
    keys: &[],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    scope.need(view, Need::Chain, "`balances`");
    let map = view.as_map()?;
    let mut balances = Vec::new();
    for (name, _, value) in map.entries() {
        let holder = match name {
            "payee" => Some(Holder::Payee),
            _ => scope
                .refer_name(&value, name, NameKind::Payer)
                .map(|name| Holder::Payer(name.to_owned())),
        };
        let range = SignedRange::decode(&value);
        balances.extend(holder.zip(range));
    }
    if map.entries().next().is_none() {
        view.problem("is empty; name payers, or `payee`");
    }
    Some(Expect::Balances(Balances(balances)))
}
