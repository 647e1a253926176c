//! The built-in reference server as a process would be: it can be killed, and forgets everything when it is.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::os::HeldPort;
use crate::reference_server::{ReferenceServer, ReferenceServerOptions};
use crate::runner::Ending;

/// Longest wait for the tasks of a killed server to be gone.
const GONE: Duration = Duration::from_secs(5);

/// A reference server on a runtime of its own: whatever it does ends with that.
#[derive(Debug)]
pub(super) struct BuiltIn {
    options: ReferenceServerOptions,
    port: HeldPort,
    running: Option<(ReferenceServer, Runtime)>,
}

impl BuiltIn {
    /// Starts it on a free loopback port.
    pub(super) async fn start(options: ReferenceServerOptions) -> Result<Self, String> {
        let port = HeldPort::take((Ipv4Addr::LOCALHOST, 0).into());
        let port = port.map_err(|error| format!("no free port: {error}"))?;
        let mut server = Self {
            options,
            port,
            running: None,
        };
        server.start_again().await?;
        Ok(server)
    }

    /// Where it listens, running or not.
    pub(super) const fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts a server that is not running; it knows nothing of an earlier one.
    pub(super) async fn start_again(&mut self) -> Result<(), String> {
        if self.running.is_some() {
            return Ok(());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("reference-server")
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        let starting = runtime.spawn(ReferenceServer::start(self.options.clone(), self.addr()));
        let started = match starting.await {
            Ok(started) => started.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match started {
            Ok(server) => {
                self.running = Some((server, runtime));
                Ok(())
            }
            Err(why) => {
                runtime.shutdown_background();
                Err(why)
            }
        }
    }

    /// Ends it; when this returns, nothing of it goes on.
    pub(super) async fn end(&mut self, ending: Ending) {
        let Some((server, runtime)) = self.running.take() else {
            return;
        };
        if ending == Ending::Stop {
            server.stop().await;
        }
        // Waiting blocks; a runtime must not be waited for on a thread of another one.
        let gone = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(GONE));
        if gone.await.is_err() {
            tracing::warn!("the built-in reference server did not end in order");
        }
    }
}

impl Drop for BuiltIn {
    fn drop(&mut self) {
        if let Some((_, runtime)) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}
