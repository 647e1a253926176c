//! What holds for every message, not only for the golden ones.

mod any_json;
mod mutations;
mod numbers;
mod samples;
mod signing;
