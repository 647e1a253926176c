//! The bench's end of the lifeline: a socket whose closing ends the child.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use super::error::GuardError;
use super::group::kill_by_leader;
use super::tail::LogTail;
use super::wire::{self, Report};

/// A stranger who connects and says nothing is sent away after this time.
const TOKEN_WAIT: Duration = Duration::from_secs(1);

/// Longest line a guard sends: a line of standard error and its verb.
const MAX_REPORT_BYTES: u64 = 8192;

const STDERR_LINES: usize = 100;

/// How a guarded program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// It exited with this code.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// Its guard vanished without a report; the group was killed.
    GuardLost,
}

/// What is known of a guarded program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildStatus {
    /// Process id (and group id) of the program, once it runs.
    pub pid: Option<u32>,
    /// Why it could not be started.
    pub failure: Option<String>,
    /// How it ended.
    pub end: Option<ChildEnd>,
}

/// Holds one guard; dropping it ends the guard's group.
#[derive(Debug)]
pub struct Lifeline {
    address: String,
    socket: SocketAddr,
    shared: Arc<Shared>,
    status: watch::Receiver<ChildStatus>,
}

#[derive(Debug)]
struct Shared {
    token: String,
    link: Mutex<Link>,
    stderr: LogTail,
}

#[derive(Debug, Default)]
struct Link {
    stream: Option<TcpStream>,
    closed: bool,
}

impl Lifeline {
    /// Opens a socket on loopback and waits for the guard on a thread.
    pub fn open() -> Result<Self, GuardError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(GuardError::Lifeline)?;
        let socket = listener.local_addr().map_err(GuardError::Lifeline)?;
        let token = format!("{:032x}", rand::random::<u128>());
        let (sender, status) = watch::channel(ChildStatus::default());
        let shared = Arc::new(Shared {
            token: token.clone(),
            link: Mutex::default(),
            stderr: LogTail::new(STDERR_LINES),
        });
        let held = Arc::clone(&shared);
        thread::Builder::new()
            .name("lifeline".to_owned())
            .spawn(move || held.serve(&listener, &sender))
            .map_err(GuardError::Lifeline)?;
        Ok(Self {
            address: format!("{socket}/{token}"),
            socket,
            shared,
            status,
        })
    }

    /// `127.0.0.1:port/token`, for [`super::GuardOrders`].
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Status as last reported; clone the receiver to wait for changes.
    pub fn status(&self) -> watch::Receiver<ChildStatus> {
        self.status.clone()
    }

    /// Standard error of a program whose output the guard pumps.
    pub fn stderr(&self) -> LogTail {
        self.shared.stderr.clone()
    }

    /// Asks the guard to end the group: a request first, the kill after `grace`.
    pub fn request_stop(&self, grace: Duration) {
        let link = self.shared.lock();
        if let Some(mut stream) = link.stream.as_ref() {
            // A guard that no longer listens is ending its group already.
            let _ = stream.write_all(wire::stop_line(grace.as_millis()).as_bytes());
        }
    }

    /// Closes the lifeline: the guard ends its group and itself.
    pub fn close(&self) {
        let mut link = self.shared.lock();
        if std::mem::replace(&mut link.closed, true) {
            return;
        }
        match link.stream.take() {
            Some(stream) => {
                let _ = stream.shutdown(Shutdown::Write);
            }
            // Nobody came yet: wake the accepting thread, so that it sees the closed flag.
            None => drop(TcpStream::connect_timeout(&self.socket, TOKEN_WAIT)),
        }
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener, status: &watch::Sender<ChildStatus>) {
        loop {
            let accepted = listener.accept();
            if self.lock().closed {
                return;
            }
            let Ok((stream, _)) = accepted else { continue };
            if let Some(reader) = self.admit(stream) {
                self.follow(reader, status);
                return;
            }
        }
    }

    /// Lets in the one who knows the token, unless the lifeline was closed meanwhile.
    fn admit(&self, stream: TcpStream) -> Option<BufReader<TcpStream>> {
        stream.set_read_timeout(Some(TOKEN_WAIT)).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader
            .by_ref()
            .take(MAX_REPORT_BYTES)
            .read_line(&mut line)
            .ok()?;
        if line.trim_end() != self.token {
            return None;
        }
        reader.get_ref().set_read_timeout(None).ok()?;
        let mut writer = reader.get_ref().try_clone().ok()?;
        let mut link = self.lock();
        if link.closed {
            return None;
        }
        writer
            .write_all(format!("{}\n", wire::GO).as_bytes())
            .ok()?;
        link.stream = Some(writer);
        Some(reader)
    }

    fn follow(&self, mut reader: BufReader<TcpStream>, status: &watch::Sender<ChildStatus>) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader
                .by_ref()
                .take(MAX_REPORT_BYTES)
                .read_until(b'\n', &mut line)
            {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            match Report::parse(text.trim_end_matches('\n')) {
                Some(Report::Started(pid)) => status.send_modify(|s| s.pid = Some(pid)),
                Some(Report::Failed(reason)) => {
                    status.send_modify(|s| s.failure = Some(reason));
                }
                Some(Report::Stderr(line)) => self.stderr.push(line),
                Some(Report::Ended(end)) => status.send_modify(|s| s.end = Some(end)),
                None => {}
            }
        }
        status.send_modify(|s| {
            if s.end.is_none() {
                // The guard died without a report: what it guarded is ours to end.
                if let Some(pid) = s.pid {
                    kill_by_leader(pid);
                }
                s.end = Some(ChildEnd::GuardLost);
            }
        });
    }
}
