//! The expectations file: findings that are known and accepted for now, so that a run fails for new ones alone.
//! Reads and writes its text; what an entry covers is decided in `verdict/expected`.

mod day;
mod entry;
mod read;
mod write;

pub use day::Day;
pub use entry::{Entry, Expectations};
pub use read::{FILE, parse};
pub use write::text;
