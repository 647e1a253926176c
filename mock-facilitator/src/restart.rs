//! Ending and starting again, as a process would. The ledgers stay, with the transactions that were sent; calls under way
//! end in mid-work and their connections are reset.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::facilitator::Facilitator;

/// Time calls get to end by themselves when it is stopped in good order.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// Time answers that were given get to leave.
const DRAIN: Duration = Duration::from_millis(100);
/// Longest wait for broken-off calls to be gone; dropping one takes no time.
const GONE_MAX: Duration = Duration::from_secs(5);

/// How it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// At once, as by SIGKILL: every call under way breaks off where it is.
    Kill,
    /// In good order, as by SIGTERM: nobody is let in any more, and calls get two seconds to end.
    Stop,
}

/// One life after the other.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    current: Mutex<CancellationToken>,
    open: watch::Sender<usize>,
}

/// A call's share of the life it began in.
#[derive(Debug)]
pub(crate) struct Living {
    token: CancellationToken,
    open: watch::Sender<usize>,
}

impl Lives {
    /// A call begins.
    pub(crate) fn begin(&self) -> Living {
        // Nobody waits for more calls, only for none.
        self.open.send_if_modified(|open| {
            *open += 1;
            false
        });
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Living {
            token: current.clone(),
            open: self.open.clone(),
        }
    }

    /// Ends the calls under way, and begins anew.
    fn end(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current).cancel();
    }

    /// Waits until no call is under way; false when some still are after `within`.
    async fn rest(&self, within: Duration) -> bool {
        let mut open = self.open.subscribe();
        let over = open.wait_for(|open| *open == 0);
        matches!(tokio::time::timeout(within, over).await, Ok(Ok(_)))
    }
}

impl Living {
    /// Ends when the facilitator is ended.
    pub(crate) fn over(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.open.send_if_modified(|open| {
            *open -= 1;
            *open == 0
        });
    }
}

impl Facilitator {
    /// Ends the facilitator and starts it again on its port. What only memory knew is forgotten: claims of settlements under
    /// way, calls that a hold keeps, account nonces, what defects remember. Ledgers, log, faults and holds stay. Gives the
    /// number of calls that broke off.
    pub async fn restart(&self, ending: Ending) -> usize {
        let gate = self.faults().gate();
        gate.shut();
        if ending == Ending::Stop {
            self.lives().rest(STOP_GRACE).await;
            tokio::time::sleep(DRAIN).await;
        }
        gate.set_closed(true);
        let broken_off = *self.lives().open.borrow();
        self.lives().end();
        if !self.lives().rest(GONE_MAX).await {
            tracing::warn!("calls were still under way after they were ended");
        }
        self.faults().forget();
        for ledger in self.ledgers() {
            ledger.recount().await;
        }
        self.faults().reopen();
        broken_off
    }
}
