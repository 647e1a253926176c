//! Running the binary in a folder of its own, and small servers to point it at.

pub(crate) mod assay;
pub(crate) mod load;
pub(crate) mod matrix;
pub(crate) mod requirements;
pub(crate) mod shop;
pub(crate) mod up;

pub(crate) use assay::{FREE_SERVICES, Ran, assay, assay_in};

/// The files below a folder that hold this text.
pub(crate) fn files_with(dir: &std::path::Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Whether recorded files are to be rewritten instead of compared, as `insta` is told it.
pub(crate) fn rewrites() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always")
}
