//! Renderers on sample reports.

mod hostile;
mod json;
mod markdown;
mod samples;
mod scenarios;
mod schema;
mod terminal;
