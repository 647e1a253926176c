//! What a session does when the processes of its target change.

use std::net::SocketAddr;
use std::sync::PoisonError;

use super::session::Session;
use super::target_control::Changed;
use crate::http::{ProbeClient, Request};

impl Session<'_> {
    /// Has requests of the target connect there instead, from now on; `None` for the profile's own address.
    pub(super) fn go_through(&self, way: Option<SocketAddr>) {
        *self.way.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// Where requests of the target connect to.
    pub(super) fn way(&self) -> Option<SocketAddr> {
        *self.way.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The probing client.
    pub(super) fn http(&self) -> ProbeClient {
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
        http.clone()
    }

    /// Ends, starts or copies the target by `change`, which hands back the addresses of the copies beyond the first.
    /// Runs of its handler are counted on, and no connection to a process that is gone is used again.
    pub(super) async fn change_processes(&self, change: impl Future<Output = Changed>) -> Changed {
        let mut executions = self.executions.lock().await;
        if let Some(counts) = self.counts(&executions.copies()).await {
            executions.sum(&counts);
        }
        executions.pause();
        let changed = change.await;
        if let Ok(fresh) = ProbeClient::new(self.http().options().clone()) {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        let others = changed.as_deref().unwrap_or_default();
        let copies: Vec<_> = std::iter::once(None)
            .chain(others.iter().copied().map(Some))
            .collect();
        if let Some(counts) = self.counts(&copies).await {
            executions.resume(copies.into_iter().zip(counts).collect());
        }
        changed
    }

    /// What the origin of each copy counts; `None` when one does not say.
    pub(super) async fn counts(&self, copies: &[Option<SocketAddr>]) -> Option<Vec<u64>> {
        let path = self.profile.origin.executions.clone()?;
        let mut counts = Vec::new();
        for via in copies {
            let mut request = Request::get(self.url(&path));
            request.via = *via;
            if let Err(error) = self.add_headers(&mut request, &[]).await {
                self.note(None, format!("origin.executions: {error}"));
                return None;
            }
            let exchange = self.http().send(request).await;
            let count = exchange
                .response()
                .filter(|response| response.is_success())
                .and_then(|found| {
                    serde_json::from_slice::<serde_json::Value>(&found.body)
                        .ok()?
                        .get("count")?
                        .as_u64()
                });
            let Some(count) = count else {
                let status = exchange
                    .status()
                    .map_or("no answer".to_owned(), |s| format!("HTTP {s}"));
                self.note(
                    None,
                    format!("origin.executions: {path} gave {status} instead of {{\"count\": n}}"),
                );
                return None;
            };
            counts.push(count);
        }
        Some(counts)
    }
}
