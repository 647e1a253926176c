//! A server that asks for payment and holds every answer for 200 ms every two seconds: `stalling_server PORT`.
//!
//! What waits for it is known exactly, so it shows whether a load generator tells the truth about stalls.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::routing::get;
use x402_assay_benches::payment::challenge_header;

const EVERY: Duration = Duration::from_secs(2);
const HOLD: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_default();
    let port: u16 = port.parse().context("usage: stalling_server PORT")?;
    let challenge = HeaderValue::try_from(challenge_header())?;
    let start = Instant::now();
    let held = async move || {
        let into = Duration::from_nanos(
            u64::try_from(start.elapsed().as_nanos() % EVERY.as_nanos()).unwrap_or(0),
        );
        if let Some(left) = HOLD.checked_sub(into) {
            tokio::time::sleep(left).await;
        }
        (
            StatusCode::PAYMENT_REQUIRED,
            [("payment-required", challenge)],
            "{}",
        )
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, Router::new().route("/paid", get(held))).await?;
    Ok(())
}
