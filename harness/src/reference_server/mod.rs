//! A correct resource server with the origin contract, the switches that make it wrong, and those that make it unusual.

mod alias;
mod ask;
mod breaker;
mod browser;
mod buyers;
mod challenge;
mod content;
mod cors;
mod deal;
mod defects;
mod deviations;
mod facilitator;
mod facilitator_auth;
mod guard;
mod guard_policy;
mod hygiene;
mod identifier;
mod incoming;
mod kinds;
mod leniency;
mod metered;
mod odd_offers;
mod offers;
mod one_at_a_time;
mod options;
mod outage;
mod page;
mod purchase;
mod receipt;
mod replays;
mod server;
mod settlement;
mod shop;
mod signed;
mod start;
mod streaming;
mod switches;
mod variants;
mod wire;
mod witness;

pub use defects::{Defect, DefectSet};
pub use deviations::Deviations;
pub use facilitator_auth::FacilitatorAuth;
pub use options::{
    MARKER, METERED_PRICE, PREMIUM_PRICE, PRICE, ReferenceServerOptions, StartError,
};
pub use server::ReferenceServer;
pub use switches::{Switches, UnknownSwitch};
pub use variants::{Variant, VariantSet};
pub(crate) use witness::Watched;
pub use witness::Witness;

#[cfg(test)]
mod tests;
