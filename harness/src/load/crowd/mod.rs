//! Load by virtual users: goose in a process of its own, the records of which are audited here.

mod caveats;
mod collect;
#[cfg(test)]
mod collect_tests;
mod exchange;
mod order;
mod process;
mod run;
mod shop;
mod task;
mod visit;
#[cfg(test)]
mod visit_tests;
mod wire;
mod words;

pub(super) use caveats::caveats;
pub use process::run_if_users;
pub(super) use run::{Crowd, run};
pub(super) use task::{Place, task};
pub(super) use wire::Task;
pub use words::Journeys;
