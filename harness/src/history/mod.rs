//! The history of a run: append-only events, the only thing that judges look at.

pub mod event;

pub use event::{Event, What};
