//! One failing case as a small file of its own: what it holds, how it is written without secrets, read, compared with
//! what a replay showed, and made smaller. Pure but for reading: no clock, no network.

mod candidates;
mod compare;
mod model;
mod profile_text;
mod read;
mod write;

pub use candidates::{Candidate, Minimiser};
pub use compare::{Replayed, compare};
pub use model::{Found, ReplayFile, ReplayTarget, VERSION};
pub use read::{Place, load, parse};
pub use write::{Written, write};

#[cfg(test)]
mod tests;
