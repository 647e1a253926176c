//! Which exchanges a run performs, in which order. Records everything, judges nothing.

mod access;
mod auth;
mod battery;
mod builtin;
mod clock;
mod detect;
mod facilitator_events;
mod prepare;
mod progress;
mod rest;
mod safety;
mod scenario;
mod secrets;
mod session;
mod stage;
mod witness;

pub use access::{Access, Owner};
pub use builtin::builtin_profile;
pub use progress::{Progress, Silent};
pub use safety::{NotOurs, check_host};
pub use scenario::Sheet;
pub use secrets::Secrets;
pub(crate) use session::now_us;
pub use session::{Session, SessionOptions};
pub use stage::{Plays, RunTrouble, Scope, planned_requests, run};
pub use witness::Bystander;
