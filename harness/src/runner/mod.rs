//! Which exchanges a run performs, in which order. Records everything, judges nothing.

mod auth;
mod battery;
mod builtin;
mod detect;
mod facilitator_events;
mod prepare;
mod progress;
mod repeats;
mod rest;
mod safety;
mod scenario;
mod secrets;
mod session;
mod stage;

pub use builtin::builtin_profile;
pub use progress::{Progress, Silent};
pub use repeats::{Enough, REPEATS_MAX, Repeats, sub_seed};
pub use safety::{NotOurs, check_host};
pub use scenario::Sheet;
pub use secrets::Secrets;
pub(crate) use session::now_us;
pub use session::{Session, SessionOptions};
pub use stage::{Plays, RunTrouble, Scope, planned_requests, run};
