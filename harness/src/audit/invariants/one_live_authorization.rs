//! I8: a client pays once, within its budget.

use super::{Holding, Invariant};
use crate::audit::Span;

/// About clients: where the bench itself is the client there is nothing to observe.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I8",
    title: "A client signs at most one live authorization per purchase, within budget and policy",
    judge,
};

/// The bench signs every payment of a history itself, so no client under test is in it.
fn judge(_span: &Span<'_, '_>) -> Holding {
    Holding::default()
}
