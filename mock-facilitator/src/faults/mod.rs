//! Faults: what goes wrong on purpose, added and removed at run time, decided by one seed.

mod armed;
mod body;
pub(crate) mod draw;
mod hang;
mod headers;
pub(crate) mod inject;
mod latency;
mod lie;
mod matching;
mod nth;
mod odd_bodies;
mod outage;
mod payers;
mod pending;
mod redirect;
pub(crate) mod registry;
#[cfg(test)]
mod registry_tests;
mod reset;
mod spec;
mod status;
pub(crate) mod steer;
mod supported;
#[cfg(test)]
mod trial;
mod words;

pub use body::{Body, Case};
pub use hang::Hang;
pub use headers::Headers;
pub use latency::{Latency, When};
pub use lie::{Hash, Lie};
pub use matching::Match;
pub use nth::Nth;
pub use odd_bodies::{ODD_BODIES, OddBody, Reading};
pub use outage::Outage;
pub use payers::Payers;
pub use pending::Pending;
pub use redirect::Redirect;
pub use registry::{AddError, Faults};
pub use reset::{Moment, Reset};
pub(crate) use spec::check_name;
pub use spec::{Fault, FaultSpec, FaultView};
pub use status::Status;
pub use supported::Supported;
