//! A document on a port of its own: whoever fetches it is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Listens until it is dropped.
pub(super) struct Canary {
    url: String,
    fetched: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

impl Canary {
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/schema.json", listener.local_addr()?);
        let fetched = Arc::new(AtomicBool::new(false));
        let listening = tokio::spawn({
            let fetched = Arc::clone(&fetched);
            async move {
                // Whoever connects is seen, and gets nothing.
                while listener.accept().await.is_ok() {
                    fetched.store(true, Ordering::SeqCst);
                }
            }
        });
        Ok(Self {
            url,
            fetched,
            listening,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn was_fetched(&self) -> bool {
        self.fetched.load(Ordering::SeqCst)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_connects_is_seen() {
        let canary = Canary::start().await.unwrap();
        assert!(!canary.was_fetched());
        let place = canary.url().trim_start_matches("http://");
        let place = place.split('/').next().unwrap().to_owned();
        let stream = tokio::net::TcpStream::connect(place).await.unwrap();
        // The listener closes what it accepted: then it has been counted.
        let mut byte = [0];
        let _ = tokio::io::AsyncReadExt::read(&mut { stream }, &mut byte).await;
        assert!(canary.was_fetched());
    }
}
