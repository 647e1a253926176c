//! Files and flags that say what is tested: YAML with line and column, `${VAR}` expansion, target
//! profiles. Reads files and the environment; starts nothing and prints nothing.

mod duration;
mod expand;
pub mod profile;
mod suggest;
pub mod yaml;

pub use duration::{parse_duration, parse_positive_duration};
pub use expand::{Lookup, expand, process_environment};
pub use profile::TargetProfile;
pub use suggest::{did_you_mean, nearest};
