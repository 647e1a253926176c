//! The text of a YAML file, read within bounds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{ProblemList, Problems};

/// Reads a file up to one byte over `bytes_max`: enough for the parser to refuse it.
///
/// # Errors
/// When the file cannot be read.
pub fn read_bounded(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The bytes as text; `shown` is how messages name the file.
///
/// # Errors
/// When they are not UTF-8, with the first bad byte.
pub fn utf8(bytes: Vec<u8>, shown: &str) -> Result<String, ProblemList> {
    String::from_utf8(bytes).map_err(|error| {
        let problems = Problems::new(shown);
        let good = error.utf8_error().valid_up_to();
        problems.of_file(format!(
            "is not UTF-8 text (byte {good}); is this the right file?"
        ));
        problems.into_list()
    })
}
