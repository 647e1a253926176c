//! Files and flags that say what is tested: YAML with line and column, `${VAR}` expansion, target
//! profiles. Reads files and the environment; starts nothing and prints nothing.

mod expand;
pub mod profile;

pub use expand::{Lookup, expand, process_environment};
pub use profile::TargetProfile;
pub use x402_assay_yaml::{
    self as yaml, did_you_mean, nearest, parse_duration, parse_positive_duration,
};
