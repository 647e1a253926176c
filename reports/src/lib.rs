//! The report of a run: one typed model and pure renderers. No tokio, no HTTP, no clock.
//!
//! Everything inside a report may come from a hostile target: [`text`] makes it harmless, and every renderer that
//! people look at goes through it.

pub mod books_csv;
pub mod compare;
pub mod finding;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod kill_matrix;
mod load_text;
pub mod markdown;
pub mod model;
pub mod reproduce;
pub mod sarif;
mod skips;
pub mod terminal;
pub mod text;

pub use json::ReadError;
pub use model::Report;
pub use terminal::TerminalOptions;
