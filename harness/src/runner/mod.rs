//! Which exchanges a run performs, in which order. Records everything, judges nothing.

mod access;
mod auth;
mod battery;
mod builtin;
mod clock;
mod detect;
mod executions;
mod facilitator_auth;
mod facilitator_control;
mod facilitator_events;
mod links;
mod path;
mod prepare;
mod processes;
mod progress;
mod recording;
mod repeats;
mod rest;
mod safety;
mod scenario;
mod secrets;
mod session;
mod stage;
mod target_control;
mod transactions;
mod witness;

pub use access::{Access, Owner};
pub use battery::facilitator::planned_calls;
pub use builtin::{builtin_profile, metered_route};
pub use facilitator_auth::FreshHeaders;
pub use facilitator_control::{
    FacilitatorControl, NotOurFacilitator, OurFacilitator, Outcome as FacilitatorOutcome,
};
pub use links::Links;
pub use progress::{Progress, Silent};
pub use repeats::{Enough, REPEATS_MAX, Repeats, sub_seed};
pub use safety::{NotOurs, check_host};
pub use scenario::Sheet;
pub use secrets::Secrets;
pub use session::{Session, SessionOptions};
pub use stage::{Plays, RunTrouble, Scope, planned_requests, run};
pub use target_control::{Changed, Ending, NotOurProcess, TargetControl};
pub use witness::Bystander;
