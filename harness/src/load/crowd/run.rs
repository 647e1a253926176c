//! The bench's side: starts the process of the users, reads what it tells, and sees to its end.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio_util::sync::CancellationToken;

use super::collect::{Collected, GivenUp, line_room};
use super::process::MODE;
use super::wire::{LINE_MAX, Task};
use crate::guard::{ChildEnd, GuardError, GuardedChild, GuardedCommand};
use crate::load::engine::Ended;
use crate::load::shard::Tick;

/// Longest wait for the process to have all users there.
const START_MAX: Duration = Duration::from_secs(45);
/// What it may take on top of the run, its time-out and its own grace.
const END_MAX: Duration = Duration::from_secs(15);
/// Wait for its end after it has said everything.
const EXIT_MAX: Duration = Duration::from_secs(5);
/// Lines of its standard error that are told.
const TAIL_SHOWN: usize = 3;

/// What is known of the users beside their records.
#[derive(Debug, Clone)]
pub(in crate::load) struct Crowd {
    /// Why not everything is known; the rest of it still counts.
    pub(in crate::load) trouble: Option<String>,
    /// Payments that were sent again.
    pub(in crate::load) repeated: u64,
}

/// Runs the users to their end, or until `stop`; `on_tick` is told of every second.
///
/// # Errors
/// When the process cannot be started. What goes wrong later is told beside what was recorded until then.
pub(in crate::load) async fn run(
    task: &Task,
    guard: &Path,
    stop: CancellationToken,
    on_tick: impl FnMut(Tick),
) -> Result<(Ended, Crowd), GuardError> {
    let command = GuardedCommand::new(guard, guard).env(MODE, "1");
    let (child, pipes) = command.spawn_piped().await?;
    let mut stdin = pipes.stdin;
    let mut line = serde_json::to_vec(task).unwrap_or_default();
    line.push(b'\n');
    // A process that is gone already shows in what it told.
    let _ = stdin.write_all(&line).await;
    let _ = stdin.flush().await;
    let mut collected = Collected::default();
    let reading = Reading {
        task,
        stdout: BufReader::new(pipes.stdout),
        on_tick,
    };
    let broken = reading.until_the_end(&mut collected, stop, stdin).await;
    let trouble = conclude(&child, &collected, broken).await;
    let repeated = collected.repeated();
    let origin = collected.origin.unwrap_or_else(Instant::now);
    let ended = Ended {
        origin,
        lasted: origin.elapsed(),
        shards: vec![collected.finish()],
    };
    Ok((ended, Crowd { trouble, repeated }))
}

/// Why reading ended before the process did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// It took longer than it may.
    Late,
    /// It said too much that is not understood.
    Strange,
}

struct Reading<'a, F> {
    task: &'a Task,
    stdout: BufReader<ChildStdout>,
    on_tick: F,
}

impl<F: FnMut(Tick)> Reading<'_, F> {
    async fn until_the_end(
        mut self,
        collected: &mut Collected,
        stop: CancellationToken,
        stdin: tokio::process::ChildStdin,
    ) -> Option<Broken> {
        let mut stdin = Some(stdin);
        let mut deadline = Instant::now() + START_MAX;
        let mut line = Vec::new();
        let mut begun = false;
        loop {
            tokio::select! {
                () = stop.cancelled(), if stdin.is_some() => {
                    // The end of its input is its word to stop.
                    stdin = None;
                    deadline = deadline.min(Instant::now() + END_MAX);
                    continue;
                }
                () = tokio::time::sleep_until(deadline.into()) => return Some(Broken::Late),
                // Reading goes on where it was left: `line` keeps what came.
                read = next_line(&mut self.stdout, &mut line) => match read {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return None,
                },
            }
            let taken = match line.len() > LINE_MAX {
                true => Err(GivenUp),
                false => collected.take(&line, self.task.keys.len()),
            };
            line.clear();
            match taken {
                Ok(Some(tick)) => (self.on_tick)(tick),
                Ok(None) => {}
                Err(GivenUp) => return Some(Broken::Strange),
            }
            if !begun && collected.origin.is_some() {
                begun = true;
                let run = Duration::from_millis(self.task.length_ms)
                    + Duration::from_millis(self.task.timeout_ms);
                let latest = Instant::now() + run + END_MAX;
                deadline = match stdin.is_some() {
                    true => latest,
                    false => deadline.min(latest),
                };
            }
        }
    }
}

/// Adds to a line until it is whole; false at the end, or where a line is too long. Nothing is lost when it is dropped.
async fn next_line(
    stdout: &mut BufReader<ChildStdout>,
    line: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let room = line_room().saturating_sub(line.len() as u64);
    stdout.take(room).read_until(b'\n', line).await?;
    Ok(!line.is_empty())
}

/// Sees to the end of the process; says why not everything is known.
async fn conclude(
    child: &GuardedChild,
    collected: &Collected,
    broken: Option<Broken>,
) -> Option<String> {
    let waited = tokio::time::timeout(EXIT_MAX, child.wait());
    let end = match broken {
        None => waited.await.ok(),
        Some(_) => None,
    };
    if end.is_none() {
        // It is of no use any more.
        let _ = child.stop(Duration::ZERO).await;
    }
    let fate = match (broken, end) {
        (Some(Broken::Late), _) => Some("it did not come to its end in time".to_owned()),
        (Some(Broken::Strange), _) => Some("it said too much that is not understood".to_owned()),
        (None, _) if collected.is_done() => None,
        (None, Some(ChildEnd::Exited(code))) => Some(format!("it ended early, with code {code}")),
        (None, Some(ChildEnd::Signalled(signal))) => {
            Some(format!("it was ended early by signal {signal}"))
        }
        (None, Some(ChildEnd::GuardLost) | None) => Some("it was lost".to_owned()),
    };
    // Its own words say more than its end, and its end more than a line that was cut off by it.
    let why = collected
        .failed()
        .map(str::to_owned)
        .or(fate)
        .or_else(|| collected.strange_told())?;
    let trouble = format!("the process of the virtual users: {why}");
    let lines = child.tail().lines();
    let shown: Vec<&str> = lines
        .iter()
        .rev()
        .take(TAIL_SHOWN)
        .map(String::as_str)
        .collect();
    Some(match shown.is_empty() {
        true => trouble,
        false => format!(
            "{trouble} ({})",
            shown.into_iter().rev().collect::<Vec<_>>().join(" | ")
        ),
    })
}
