//! The real, unmodified Python SDK server comes out clean.

use std::path::Path;

use crate::support::requirements::require;
use crate::typescript::comes_out_clean;

/// The virtual environment of `interop/python`, which a test does not make: interop/README.md and `.ci/run` say how.
pub(crate) fn environment() -> Result<(), String> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/python/.venv/bin/python");
    match python.exists() {
        true => Ok(()),
        false => Err("interop/python/.venv is not there; see interop/README.md".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fastapi() {
    if require("the Python environment of interop/python", environment()).is_some() {
        comes_out_clean("fastapi.yaml", "eip155:84532").await;
    }
}
