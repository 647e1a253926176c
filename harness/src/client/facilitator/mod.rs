//! What a facilitator is asked about: requirements that the bench makes up, and payments for them, right or wrong.

mod case;
mod draft;

pub use case::{CASES, Case, How, MALFORMED_FACILITATOR, Meant, Written, find};
pub use draft::{AMOUNT, Ask, Desk, OTHER_ASSET, STRANGE_CHAIN, requirements};
