//! Requests at the same instant, with our facilitator holding calls back until all that can come have come.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use serde_json::json;
use tokio::sync::watch;
use x402_mock_facilitator::HoldSpec;

use super::Battery;
use super::faulted::Ready;
use crate::config::profile::Route;
use crate::runner::session::{PaymentHeader, SendError};

/// Pause between two looks at what is held.
const LOOK: Duration = Duration::from_millis(15);

/// One request of a volley.
#[derive(Debug)]
pub(super) struct Shot<'r> {
    /// Name of the probe, without its version.
    pub(super) name: String,
    pub(super) route: &'r Route,
    pub(super) header: PaymentHeader,
    /// Which copy of the target it goes to; `None` is the first.
    pub(super) via: Option<SocketAddr>,
}

/// When the requests of a volley leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// All at the same instant.
    AtOnce,
    /// The first alone, the others when the hold has it or it is over.
    FirstAhead,
}

impl<'r> Shot<'r> {
    /// This payment on this route.
    pub(super) fn new(name: &str, route: &'r Route, ready: &Ready) -> Self {
        Self {
            name: name.to_owned(),
            route,
            header: ready.header.clone(),
            via: None,
        }
    }
}

/// Begins the name of every hold of one payment. The nonce keeps runs beside each other apart.
pub(super) fn hold_name(ready: &Ready) -> String {
    format!("battery.{:x}.hold", ready.payment.key.nonce)
}

impl Battery<'_> {
    /// Sends these, and ends the hold when every request that is still open is in it.
    pub(super) async fn volley(
        &self,
        shots: &[Shot<'_>],
        start: Start,
        hold: &HoldSpec,
    ) -> Result<(), SendError> {
        let control = &self.session.control;
        control.add_hold(&json!(hold)).await?;
        let done = AtomicUsize::new(0);
        let (gate, _) = watch::channel(start == Start::AtOnce);
        let requests = shots.iter().enumerate().map(|(place, shot)| {
            let mut open = gate.subscribe();
            let done = &done;
            async move {
                if place > 0 {
                    // The gate lives as long as the volley.
                    let _ = open.wait_for(|open| *open).await;
                }
                let sent = self.shoot(shot).await;
                done.fetch_add(1, Ordering::SeqCst);
                sent
            }
        });
        let sent = try_join(
            try_join_all(requests),
            self.watch(&hold.name, shots.len(), &done, &gate),
        );
        let sent = sent.await;
        // Also when something went wrong: a facilitator that serves several runs must not keep it.
        control.remove_holds(&hold.name).await?;
        sent.map(|_| ())
    }

    async fn shoot(&self, shot: &Shot<'_>) -> Result<(), SendError> {
        let (session, probe) = (self.session, self.probe(&shot.name));
        let payment = Some(&shot.header);
        if shot.via.is_none() {
            return session.send(&probe, shot.route, payment).await.map(|_| ());
        }
        let mut request = session.request(shot.route, payment).await?;
        request.via = shot.via;
        let route = &shot.route.path;
        session
            .perform(&probe, route, request, payment, None)
            .await
            .map(|_| ())
    }

    /// Opens the gate when the first request is held or over, and ends the hold when nothing more can come into it.
    async fn watch(
        &self,
        hold: &str,
        total: usize,
        done: &AtomicUsize,
        gate: &watch::Sender<bool>,
    ) -> Result<(), SendError> {
        let control = &self.session.control;
        loop {
            tokio::time::sleep(LOOK).await;
            // Read before the hold: a request that is over by now may have been in it a moment ago.
            let ended = done.load(Ordering::SeqCst);
            let list = control.holds().await?;
            let view = list.holds.iter().find(|view| view.hold.name == hold);
            let parked = view.map_or(0, |view| view.parked.len());
            if parked + ended > 0 || view.is_none_or(|view| view.over) {
                gate.send_replace(true);
            }
            let is_over = view.is_none_or(|view| view.over) || ended >= total;
            if is_over || (parked > 0 && parked + ended >= total) {
                control.remove_holds(hold).await?;
                return Ok(());
            }
        }
    }
}
