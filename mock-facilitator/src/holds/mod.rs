//! Holds: calls that are parked until enough of them are in flight, then released in a chosen order.

mod hold;
#[cfg(test)]
mod hold_tests;
mod spec;

pub(crate) use hold::{Hold, Turn};
pub use spec::{HoldSpec, HoldView, Point, Release, RoundView};
