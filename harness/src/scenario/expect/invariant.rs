//! `invariant: [I1, I3]`: invariants of the books.

use super::super::scope::Scope;
use super::super::words::words;
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

words! {
    /// An invariant of the books (design section 6).
    pub enum InvariantId {
        /// Nothing is given that was not paid.
        I1 = "I1",
        /// Nobody is charged without being served.
        I2 = "I2",
        /// One authorization is served once.
        I3 = "I3",
        /// What moved is what the server advertised.
        I4 = "I4",
        /// Receipts are true.
        I5 = "I5",
        /// Verify changes nothing.
        I6 = "I6",
        /// Every fault fails closed.
        I7 = "I7",
        /// A client signs one live authorization for a purchase.
        I8 = "I8",
        /// After a fault good payments settle again.
        I9 = "I9",
        /// No byte of the paid body before settlement.
        I10 = "I10",
    }
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "invariant",
    about: "invariants that the scenario defends; each must be observed",
    keys: &[],
    decode,
};

fn decode(view: &View<'_>, _: &mut Scope<'_>) -> Option<Expect> {
    let items = view.as_list()?;
    if items.is_empty() {
        view.problem("is empty; name at least one, I1 to I10");
    }
    let ids = items
        .iter()
        .filter_map(|item| item.one_of(InvariantId::ALL));
    Some(Expect::Invariant(ids.collect()))
}
