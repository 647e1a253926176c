//! The audit: books per authorization, and the invariants they must keep. Pure: no clock, no I/O.

pub mod books;
mod by_use;
pub mod delivery;
pub mod interleaving;
pub mod invariants;
pub mod ledger;
pub mod money;
pub mod receipt;
pub mod siblings;
pub mod span;
pub mod timeline;

pub use books::{Book, Books, runs_in};
pub use delivery::{Contents, Delivery};
pub(crate) use invariants::declares_upfront;
pub use ledger::Moved;
pub use siblings::Blind;
pub use span::{Recovery, Round, Span};
