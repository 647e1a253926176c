//! The report of a run: one typed model and pure renderers. No tokio, no HTTP, no clock.

pub mod model;

pub use model::Report;
