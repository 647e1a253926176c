//! Writing a history: in memory, and line by line on disk as it happens.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bodies::{self, BODY_REFERENCE, MAX_BODY_BYTES, MAX_HEADER_VALUE_BYTES};
use super::event::{Event, Sent, What};

/// Replaces the secrets in a text; applied to every body, header, path and message before it is kept.
pub type Redactor = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// Why a history is not whole on disk.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file could not be created.
    #[error("cannot create the history file {path}: {source}; name another folder with --out")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Writing failed; everything is still in memory.
    #[error(
        "the history file {path} holds {written} of {total} events: {cause}; free some space and run again"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Events that are whole in the file.
        written: usize,
        /// Events of the run.
        total: usize,
        /// What the system said, the first time.
        cause: String,
    },
    /// The run recorded more than the bounds allow.
    #[error("the history is full: {dropped} events after the first {kept} were not kept")]
    Full {
        /// Events that were kept.
        kept: usize,
        /// Events that were not.
        dropped: u64,
    },
}

/// Bounds of one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most events that are kept; the end of the run is kept in any case.
    pub events: usize,
    /// Most bytes of the file.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 2_000_000,
            bytes: 1 << 30,
        }
    }
}

/// Appends events; a cheap handle that every actor of a run holds.
#[derive(Clone)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
    redactor: Redactor,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("events", &self.lock().events.len())
            .finish_non_exhaustive()
    }
}

struct State {
    events: Vec<Event>,
    known_bodies: HashSet<String>,
    limits: Limits,
    bytes: u64,
    dropped: u64,
    output: Option<Output>,
}

struct Output {
    file: File,
    path: PathBuf,
    /// Events whose line is whole in the file.
    written: usize,
    /// Bytes of those lines.
    offset: u64,
    /// The first failure; the file is not touched again before the end.
    trouble: Option<String>,
}

impl Recorder {
    /// A recorder that keeps everything in memory only.
    pub fn in_memory(redactor: Redactor) -> Self {
        Self::with(None, redactor, Limits::default())
    }

    /// A recorder that also writes each event to `path` as it happens.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path, redactor: Redactor, limits: Limits) -> Result<Self, RecorderError> {
        let file = File::create(path).map_err(|source| RecorderError::Create {
            path: path.to_owned(),
            source,
        })?;
        let output = Output {
            file,
            path: path.to_owned(),
            written: 0,
            offset: 0,
            trouble: None,
        };
        Ok(Self::with(Some(output), redactor, limits))
    }

    fn with(output: Option<Output>, redactor: Redactor, limits: Limits) -> Self {
        let state = State {
            events: Vec::new(),
            known_bodies: HashSet::new(),
            limits,
            bytes: 0,
            dropped: 0,
            output,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            redactor,
        }
    }

    /// A poisoned lock is used on: a panicking actor must not lose the history.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a body once and returns its hash.
    pub fn body(&self, at_us: u64, bytes: &[u8]) -> String {
        let hash = bodies::hash(bytes);
        if self.lock().known_bodies.contains(&hash) {
            return hash;
        }
        let kept = &bytes[..bytes.len().min(MAX_BODY_BYTES)];
        let text = self.redact_encoded(&String::from_utf8_lossy(kept));
        let truncated_from = (bytes.len() > kept.len()).then_some(bytes.len() as u64);
        let mut state = self.lock();
        if state.known_bodies.insert(hash.clone()) {
            let what = What::Body {
                hash: hash.clone(),
                text,
                truncated_from,
            };
            state.append(at_us, what);
        }
        hash
    }

    /// Appends an event: redacts it, moves long header values into bodies, gives it its number.
    pub fn append(&self, at_us: u64, mut what: What) {
        self.prepare(at_us, &mut what);
        self.lock().append(at_us, what);
    }

    /// Events so far.
    pub fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// True when three quarters of its bounds are used up: time to end what can be ended.
    pub fn is_nearly_full(&self) -> bool {
        let state = self.lock();
        state.events.len() >= state.limits.events / 4 * 3
            || state.bytes >= state.limits.bytes / 4 * 3
    }

    /// True before the first event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of every event so far.
    pub fn snapshot(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// Tries again what could not be written.
    pub fn flush(&self) {
        self.lock().write_pending();
    }

    /// Ends the history: writes what is missing and tells whether the file is whole.
    ///
    /// # Errors
    /// When events are missing on disk, or were dropped because the history was full.
    pub fn finish(&self) -> Result<(), RecorderError> {
        let mut state = self.lock();
        state.write_pending();
        if let Some(output) = &mut state.output
            && output.trouble.is_none()
            && let Err(error) = output.file.sync_data()
        {
            output.trouble = Some(error.to_string());
        }
        let total = state.events.len();
        match &state.output {
            Some(Output {
                path,
                written,
                trouble: Some(cause),
                ..
            }) => Err(RecorderError::Write {
                path: path.clone(),
                written: *written,
                total,
                cause: cause.clone(),
            }),
            _ if state.dropped > 0 => Err(RecorderError::Full {
                kept: total,
                dropped: state.dropped,
            }),
            _ => Ok(()),
        }
    }

    fn redact(&self, text: &mut String) {
        let clean = (self.redactor)(text);
        if clean != *text {
            *text = clean;
        }
    }

    /// Redacts a text, also inside one layer of base64: payment headers are encoded.
    fn redact_encoded(&self, text: &str) -> String {
        use base64::Engine as _;
        let standard = &base64::engine::general_purpose::STANDARD;
        if let Ok(bytes) = standard.decode(text.trim())
            && let Ok(inner) = String::from_utf8(bytes)
        {
            let clean = (self.redactor)(&inner);
            if clean != inner {
                return standard.encode(clean);
            }
        }
        (self.redactor)(text)
    }

    fn prepare(&self, at_us: u64, what: &mut What) {
        match what {
            What::Sent(sent) => self.prepare_sent(at_us, sent),
            What::Answered(answered) => {
                for (_, value) in &mut answered.headers {
                    self.prepare_header(at_us, value);
                }
            }
            What::RunStarted(run) => self.redact(&mut run.target_url),
            What::Unanswered { message: text, .. }
            | What::Note { text, .. }
            | What::RunEnded {
                trouble: Some(text),
                ..
            } => self.redact(text),
            _ => {}
        }
    }

    fn prepare_sent(&self, at_us: u64, sent: &mut Sent) {
        self.redact(&mut sent.path);
        for (name, value) in &mut sent.headers {
            let is_payment = [
                x402_assay_protocol::header::PAYMENT_SIGNATURE,
                x402_assay_protocol::header::X_PAYMENT,
            ]
            .iter()
            .any(|payment| name.eq_ignore_ascii_case(payment));
            if is_payment && !value.starts_with(BODY_REFERENCE) {
                let hash = self.body(at_us, value.as_bytes());
                *value = format!("{BODY_REFERENCE}{hash}");
                sent.payment.get_or_insert(hash);
            } else {
                self.prepare_header(at_us, value);
            }
        }
    }

    fn prepare_header(&self, at_us: u64, value: &mut String) {
        if value.len() > MAX_HEADER_VALUE_BYTES {
            let hash = self.body(at_us, value.as_bytes());
            *value = format!("{BODY_REFERENCE}{hash}");
        } else {
            *value = self.redact_encoded(value);
        }
    }
}

impl State {
    fn append(&mut self, at_us: u64, what: What) {
        let is_end = matches!(what, What::RunEnded { .. });
        if self.is_full() && !is_end {
            self.dropped += 1;
            return;
        }
        let event = Event {
            seq: self.events.len() as u64,
            at_us,
            what,
        };
        let line = line_of(&event);
        self.bytes += line.len() as u64;
        self.events.push(event);
        if let Some(output) = &mut self.output {
            output.write(&line);
        }
    }

    const fn is_full(&self) -> bool {
        self.events.len() >= self.limits.events || self.bytes >= self.limits.bytes
    }

    fn write_pending(&mut self) {
        let Some(output) = &mut self.output else {
            return;
        };
        if output.trouble.is_none() {
            return;
        }
        // A failed write may have left half a line: continue after the last whole one.
        if output.rewind().is_err() {
            return;
        }
        let first_trouble = output.trouble.take();
        for event in &self.events[output.written..] {
            output.write(&line_of(event));
            if output.trouble.is_some() {
                output.trouble = first_trouble;
                return;
            }
        }
    }
}

impl Output {
    fn write(&mut self, line: &[u8]) {
        if self.trouble.is_some() {
            return;
        }
        match self.file.write_all(line) {
            Ok(()) => {
                self.written += 1;
                self.offset += line.len() as u64;
            }
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.file.set_len(self.offset)?;
        self.file.seek(SeekFrom::Start(self.offset)).map(|_| ())
    }
}

fn line_of(event: &Event) -> Vec<u8> {
    let mut line =
        serde_json::to_vec(event).expect("events hold strings, numbers and lists of them");
    line.push(b'\n');
    line
}
