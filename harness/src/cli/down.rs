//! `down`: ends what `up -d` started.

use std::time::{Duration, Instant};

use super::args::DownOptions;
use super::exit::Exit;
use super::print;
use crate::service::ControlClient;

/// Time the services get to end.
const DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn down(options: DownOptions) -> Exit {
    let url = options.control_url.as_str();
    let stopped = async {
        let control = ControlClient::new(url)?;
        let pid = control.state().await?.pid;
        control.shut_down().await?;
        let until = Instant::now() + DEADLINE;
        while control.state().await.is_ok() && Instant::now() < until {
            tokio::time::sleep(PAUSE).await;
        }
        Ok::<u32, crate::service::ControlError>(pid)
    };
    match stopped.await {
        Ok(pid) => {
            print::message(&format!("stopped the services of process {pid}"));
            Exit::Ok
        }
        Err(error) => {
            print::message(&format!("error: {error}; is `x402-assay up` running?"));
            Exit::Usage
        }
    }
}
