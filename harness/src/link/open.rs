//! The exchanges that are under way, so that an event elsewhere can strike them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::about::About;
use super::rule::LinkFault;

/// Strikes one exchange can have waiting.
const STRIKES_MAX: usize = 64;

/// A fault of another link's event.
#[derive(Debug)]
pub(super) struct ForeignStrike {
    pub(super) fault: LinkFault,
    /// Cancelled when the rule is disarmed.
    pub(super) over: CancellationToken,
    /// Dropped when the fault has taken effect: the event is passed on only then.
    pub(super) _done: mpsc::Sender<()>,
}

/// What a strike can change about an exchange under way.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: u64,
    /// Bytes of the answer's content that may pass.
    pub(super) limit: AtomicU64,
    /// True once the answer is being passed back.
    pub(super) answering: AtomicBool,
    /// The whole request, when it may have to be sent again.
    pub(super) copy: Mutex<Option<Bytes>>,
}

impl Live {
    pub(super) fn copy(&self) -> Option<Bytes> {
        self.copy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_copy(&self, request: Bytes) {
        *self.copy.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
    }

    pub(super) fn truncate(&self, bytes: u64) {
        self.limit.fetch_min(bytes, Ordering::Relaxed);
    }
}

/// An exchange as others see it.
#[derive(Debug, Clone)]
pub(super) struct OpenExchange {
    pub(super) id: u64,
    pub(super) about: About,
    pub(super) strikes: mpsc::Sender<ForeignStrike>,
}

/// Every exchange under way on a link.
#[derive(Debug, Default)]
pub(super) struct OpenExchanges {
    exchanges: Mutex<HashMap<u64, OpenExchange>>,
    next: AtomicU64,
}

/// Takes its exchange off the list when dropped.
#[derive(Debug)]
pub(super) struct OpenGuard {
    list: Arc<OpenExchanges>,
    pub(super) live: Arc<Live>,
}

impl OpenExchanges {
    /// Adds an exchange; its strikes come through the receiver.
    pub(super) fn enter(
        self: &Arc<Self>,
        about: About,
    ) -> (OpenGuard, mpsc::Receiver<ForeignStrike>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (strikes, receiver) = mpsc::channel(STRIKES_MAX);
        let exchange = OpenExchange { id, about, strikes };
        self.lock().insert(id, exchange);
        let live = Arc::new(Live {
            id,
            limit: AtomicU64::new(u64::MAX),
            answering: AtomicBool::new(false),
            copy: Mutex::default(),
        });
        let list = Arc::clone(self);
        (OpenGuard { list, live }, receiver)
    }

    /// Those under way, oldest first.
    pub(super) fn all(&self) -> Vec<OpenExchange> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_unstable_by_key(|exchange| exchange.id);
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, OpenExchange>> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.list.lock().remove(&self.live.id);
    }
}
