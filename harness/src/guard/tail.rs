//! The last lines a child wrote, bounded in number and length.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest line kept; the rest of a longer one is dropped.
const MAX_LINE_BYTES: usize = 4096;

/// A shared ring of the newest lines; cloning shares it.
#[derive(Clone, Debug)]
pub struct LogTail {
    lines: Arc<Mutex<VecDeque<String>>>,
    capacity: usize,
}

impl LogTail {
    /// An empty tail that keeps the last `capacity` lines.
    pub fn new(capacity: usize) -> Self {
        Self {
            lines: Arc::default(),
            capacity: capacity.max(1),
        }
    }

    /// Appends one line, forgetting the oldest when full.
    pub fn push(&self, line: impl Into<String>) {
        let mut line = line.into();
        if line.len() > MAX_LINE_BYTES {
            let cut = (0..=MAX_LINE_BYTES)
                .rev()
                .find(|at| line.is_char_boundary(*at))
                .unwrap_or(0);
            line.truncate(cut);
        }
        let mut lines = self.lock();
        if lines.len() == self.capacity {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The kept lines, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// The kept lines as one text.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Reads `source` to its end, line by line; meant for a thread of its own.
    pub(super) fn drain(&self, source: impl Read) {
        let mut reader = BufReader::new(source);
        while let Ok(Some(line)) = read_line(&mut reader) {
            self.push(line);
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next line without its end, at most [`MAX_LINE_BYTES`] of it; `None` at the end.
fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut ended = false;
    let mut seen = false;
    while !ended {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        seen = true;
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let body = &chunk[..newline.unwrap_or(chunk.len())];
        let room = MAX_LINE_BYTES - line.len();
        line.extend_from_slice(&body[..body.len().min(room)]);
        ended = newline.is_some();
        let used = body.len() + usize::from(ended);
        reader.consume(used);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(seen.then(|| String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_newest_lines() {
        let tail = LogTail::new(2);
        tail.drain("a\nb\r\nc".as_bytes());
        assert_eq!(tail.lines(), ["b", "c"]);
    }

    #[test]
    fn cuts_long_lines_and_goes_on() {
        let tail = LogTail::new(8);
        let text = format!("{}\n\nend\n", "x".repeat(3 * MAX_LINE_BYTES));
        tail.drain(text.as_bytes());
        let lines = tail.lines();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].len(), MAX_LINE_BYTES);
        assert_eq!(lines[1..], ["", "end"]);
    }

    #[test]
    fn cuts_pushed_text_at_a_character() {
        let tail = LogTail::new(1);
        tail.push("é".repeat(MAX_LINE_BYTES));
        assert!(tail.text().len() <= MAX_LINE_BYTES);
        assert!(tail.text().chars().all(|c| c == 'é'));
    }
}
