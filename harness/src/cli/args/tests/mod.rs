//! The contract of the command line: help pages, what flags mean, what is refused.

mod again;
mod bad;
mod environment;
mod good;
mod help;

use std::ffi::OsString;
use std::path::Path;

use super::{Invocation, Surroundings, parse, resolve};

/// What a call means, or the text its user reads.
fn invoke(folder: &Path, words: &[&str]) -> Result<Invocation, String> {
    let lookup = |name: &str| (name == "TOKEN").then(|| "s3cret-token".to_owned());
    let words = ["x402-assay"].iter().chain(words).map(OsString::from);
    let parsed = parse(words).map_err(|error| error.to_string())?;
    resolve(
        &parsed,
        Surroundings {
            folder,
            lookup: &lookup,
        },
    )
    .map_err(|error| error.to_string())
}
