//! Personalities: the measured behaviour of known kinds of facilitators, one data file each in `personalities/`.

mod builtin;
mod model;
mod read;

pub use builtin::{PERSONALITIES, PersonalityError, builtin, named_or_file};
pub use model::Personality;
