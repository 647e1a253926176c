//! The smallest server that asks for a payment, on a thread of its own.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::payment as sample;

/// Everything is held for this long ...
const HOLD: Duration = Duration::from_millis(200);
/// ... once in this time.
const EVERY: Duration = Duration::from_secs(2);

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// At once.
    AtOnce,
    /// At once, but for 200 ms every 2 s.
    Stalls,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    _stop: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Shop {
    challenge: HeaderValue,
    body: String,
    began: Instant,
    manner: Manner,
}

impl Server {
    /// Serves `/paid` with one thread.
    pub(super) fn start(manner: Manner) -> Result<Self> {
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let shop = Shop {
            challenge: HeaderValue::try_from(sample::challenge_header())?,
            body: sample::challenge().to_string(),
            began: Instant::now(),
            manner,
        };
        std::thread::Builder::new()
            .name("bar-server".to_owned())
            .spawn(move || serve(shop, &ready, stopped))?;
        let addr = started
            .recv()
            .context("the server of the bar did not start")??;
        Ok(Self { addr, _stop: stop })
    }

    /// What is asked for.
    pub(super) fn url(&self) -> String {
        format!("http://{}/paid", self.addr)
    }
}

fn serve(
    shop: Shop,
    ready: &mpsc::Sender<std::io::Result<SocketAddr>>,
    stopped: oneshot::Receiver<()>,
) {
    let serving = async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        // Whoever asked for the server waits for this.
        let _ = ready.send(listener.local_addr());
        let app = Router::new().route("/paid", get(paid)).with_state(shop);
        tokio::select! {
            served = axum::serve(listener, app) => served,
            _ = stopped => Ok(()),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime.and_then(|runtime| runtime.block_on(serving));
    if let Err(error) = served {
        let _ = ready.send(Err(error));
    }
}

async fn paid(State(shop): State<Shop>) -> impl IntoResponse {
    if shop.manner == Manner::Stalls {
        let into =
            Duration::from_nanos((shop.began.elapsed().as_nanos() % EVERY.as_nanos()) as u64);
        if into < HOLD {
            tokio::time::sleep(HOLD - into).await;
        }
    }
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            header::HeaderName::from_static("payment-required"),
            shop.challenge.clone(),
        ),
    ];
    (StatusCode::PAYMENT_REQUIRED, headers, shop.body)
}
