//! Load: what is sent when, what is demanded of it. The plan and its words; nothing here sends a request.

pub mod arrivals;
pub mod mix;
pub mod plan;
pub mod sheet;
#[cfg(test)]
mod tests;
mod text;
pub mod thresholds;
pub mod users;
pub mod words;

pub use arrivals::{Arrivals, RATE_MAX, Segment, Step};
pub use mix::{Mix, Part, Shares};
pub use plan::{Closed, Connections, LoadPlan, Pace, Signing};
pub use sheet::{LoadSheet, SheetPace};
pub use thresholds::Threshold;
pub use users::{Journey, Users};
