//! The paying client: reads a challenge, chooses an offer, signs for it, honestly or wrong on purpose.

mod challenge;
mod choose;
mod claims;
pub mod facilitator;
pub(crate) mod identifier;
mod payer;
mod sign;
mod upto;
mod variations;

pub use challenge::{ReadChallenge, Unreadable, detect, read, read_v1, read_v2};
pub use choose::{Choice, NoChoice, choose, choose_after};
pub use claims::{Claim, TERM_CLAIMS, VERSION_CLAIMS};
pub use payer::Payer;
pub use sign::{
    BACKDATED_SECONDS, LONGEST_LIFE_SECONDS, SHORTEST_LIFE_SECONDS, SignOptions, SignedPayment,
    sign,
};
pub use upto::{SignedPermit, choose_upto, sign_upto};
pub use variations::{
    CannotVary, How, MALFORMED, Malformed, STRANGER, VARIATIONS, Variation, vary,
};

#[cfg(test)]
pub(crate) mod testing;
