//! What every connection of a link shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::about::About;
use super::cache::Cache;
use super::event::{LinkEnds, LinkEvent};
use super::hits::HitLog;
use super::open::{ForeignStrike, OpenExchanges};
use super::rule::HostHeader;
use super::rules::{Rules, Strike};
use super::upstream::Upstream;

/// Longest wait for exchanges of the other link to be struck before an event is passed on.
const STRIKE_LIMIT: Duration = Duration::from_secs(2);

/// One thing a link's fault did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHit {
    /// Number of the rule, as arming it returned.
    pub rule: u64,
    /// The fault's word.
    pub fault: String,
    /// The event it struck at.
    pub on: LinkEvent,
    /// Number of the exchange on this link; 0 when none was open.
    pub exchange: u64,
    /// What that exchange is about.
    pub about: About,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ends: LinkEnds,
    pub(super) host: HostHeader,
    pub(super) upstream: RwLock<Upstream>,
    pub(super) rules: Rules,
    pub(super) hits: HitLog<LinkHit>,
    pub(super) open: Arc<OpenExchanges>,
    pub(super) cache: Mutex<Cache>,
    /// Links that want to know of this one's events.
    pub(super) watchers: Mutex<Vec<Weak<Self>>>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn upstream(&self) -> Upstream {
        self.upstream
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when the answer must be whole before it is passed back.
    pub(super) fn waits_for(&self, event: LinkEvent) -> bool {
        self.rules.any_at(event) || self.watchers().iter().any(|link| link.rules.any_at(event))
    }

    /// True when the request may have to be sent again.
    pub(super) fn may_repeat(&self) -> bool {
        self.rules.any_duplicate()
    }

    /// The strikes of this event on the exchange it belongs to; exchanges of other links are struck here and now.
    pub(super) async fn event(
        &self,
        event: LinkEvent,
        exchange: u64,
        about: &About,
    ) -> Vec<Strike> {
        let strikes = self.rules.strike(event, about);
        for strike in &strikes {
            self.note(strike, event, exchange, about.clone(), None);
        }
        let (done, mut all_done) = mpsc::channel(1);
        for watcher in self.watchers() {
            watcher.struck_from_elsewhere(event, about, &done);
        }
        drop(done);
        // Answers when the last sender is gone. One that is stuck must not stop this link.
        let _ = tokio::time::timeout(STRIKE_LIMIT, all_done.recv()).await;
        strikes
    }

    pub(super) fn note(
        &self,
        strike: &Strike,
        on: LinkEvent,
        exchange: u64,
        about: About,
        note: Option<&str>,
    ) {
        self.hits.push(LinkHit {
            rule: strike.rule,
            fault: strike.fault.word().to_owned(),
            on,
            exchange,
            about,
            note: note.map(str::to_owned),
        });
    }

    fn struck_from_elsewhere(&self, event: LinkEvent, about: &About, done: &mpsc::Sender<()>) {
        for strike in self.rules.strike(event, about) {
            let mut any = false;
            for exchange in self.open.all() {
                if !strike.select.chooses(&exchange.about) {
                    continue;
                }
                any = true;
                let foreign = ForeignStrike {
                    fault: strike.fault.clone(),
                    over: strike.over.clone(),
                    _done: done.clone(),
                };
                // Full or gone: the exchange is ending already.
                let sent = exchange.strikes.try_send(foreign).is_ok();
                let note = (!sent).then_some("it was ending already");
                self.note(&strike, event, exchange.id, exchange.about, note);
            }
            if !any {
                self.note(
                    &strike,
                    event,
                    0,
                    about.clone(),
                    Some("no exchange was open"),
                );
            }
        }
    }

    fn watchers(&self) -> Vec<Arc<Self>> {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|link| link.strong_count() > 0);
        watchers.iter().filter_map(Weak::upgrade).collect()
    }
}
