//! When blocks were first seen, for facilitators that do not tell.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::service::ControlClient;

/// How often the head is looked at: the error of what is told.
const POLL: Duration = Duration::from_millis(25);
/// Blocks that are kept at most.
const BLOCKS_MAX: usize = 200_000;

/// Watches the head of a chain.
#[derive(Debug)]
pub(super) struct BlockWatch {
    stop: CancellationToken,
    task: JoinHandle<Vec<(u64, Instant)>>,
}

impl BlockWatch {
    pub(super) fn start(control: ControlClient, chain_id: u64) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut seen: Vec<(u64, Instant)> = Vec::new();
            while !stopped.is_cancelled() && seen.len() < BLOCKS_MAX {
                // A head that cannot be read now may be read later; what is missed shows as a later block.
                if let Ok(senders) = control.senders(chain_id, &[]).await {
                    let is_new = seen.last().is_none_or(|(head, _)| *head < senders.head);
                    if is_new {
                        seen.push((senders.head, Instant::now()));
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(POLL) => {}
                    () = stopped.cancelled() => {}
                }
            }
            seen
        });
        Self { stop, task }
    }

    /// Heads in rising order, with the moment each was first seen.
    pub(super) async fn stop(self) -> Vec<(u64, Instant)> {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}
