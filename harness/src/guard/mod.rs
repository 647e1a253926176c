//! Children that die with us.
//!
//! A child never runs directly under the bench but under a *guard*: our own binary, started with
//! a few environment variables set. The guard holds a connection to us (the lifeline), runs the
//! real program in a process group of its own, and ends that group when the connection closes.
//! The kernel closes it even when we are killed with `kill -9`, so no orphan is left.
//!
//! `main` calls [`run_if_guard`] before anything else.

mod child;
mod command;
mod error;
mod group;
mod lifeline;
mod mode;
mod orders;
mod tail;
mod wire;

pub use child::GuardedChild;
pub use command::{ChildPipes, GuardedCommand};
pub use error::GuardError;
pub use lifeline::{ChildEnd, ChildStatus, Lifeline};
pub use mode::run_if_guard;
pub use orders::GuardOrders;
pub use tail::LogTail;
