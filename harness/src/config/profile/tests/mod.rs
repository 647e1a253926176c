//! Whole profiles: the complete one, and everything that can be wrong with one.

mod bad;
mod flags;
mod good;

use std::path::Path;

use super::{TargetProfile, parse};
use crate::config::yaml::ProblemList;

/// Parses a profile with two known variables; relative paths start from `base`.
fn parse_in(base: &Path, text: &str) -> Result<TargetProfile, ProblemList> {
    let lookup = |name: &str| match name {
        "TOKEN" => Some("s3cret-token".to_owned()),
        "SHORT" => Some("abc".to_owned()),
        _ => None,
    };
    parse(text, "target.yaml", base, &lookup)
}
