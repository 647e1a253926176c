//! Load: what is sent when, what is demanded of it. The plan and its words; nothing here sends a request.

pub mod arrivals;
pub mod mix;
pub mod plan;
#[cfg(test)]
mod tests;
mod text;
pub mod thresholds;
pub mod words;

pub use arrivals::{Arrivals, RATE_MAX, Segment, Step};
pub use mix::{Mix, Part, Shares};
pub use plan::{Closed, Connections, LoadPlan, Pace, Signing};
pub use thresholds::Threshold;
