//! The only two places where text leaves the process: results on stdout, the rest on stderr.

use std::io::{ErrorKind, Write as _};

/// Writes a result to stdout. A closed pipe is not an error: somebody piped us into `head`.
///
/// # Errors
/// When stdout cannot be written for another reason.
pub(crate) fn result(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a message to stderr; a stderr that is gone leaves nobody to tell.
pub(crate) fn message(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
