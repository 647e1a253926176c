//! Starting, watching, stopping and restarting a launched target (design section 5, `launch`).

mod error;
mod plan;
mod port;
mod ready;
mod target;

pub use error::LaunchError;
pub use plan::LaunchPlan;
pub use port::free_port;
pub use target::{LaunchedTarget, STOP_GRACE};
