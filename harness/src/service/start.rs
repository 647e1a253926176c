//! Starting a service: facilitator, control API and RPC proxy on their ports.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use x402_mock_facilitator::{Facilitator, Options, control_router, serve, serve_facilitator};

use super::chains::{ChainOptions, Chains};
use super::control::{Shared, routes};
use super::error::ServiceError;
use super::ports::PortRequest;
use super::wire::{NetworkAnswer, NetworkRequest, ServiceState};
use crate::chain::AnvilSearch;
use crate::cli::args::ChainChoice;

/// How to start a service.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// Address that facilitator and RPC proxy listen on; the control API stays on loopback.
    pub bind: IpAddr,
    /// Name or address that targets are told; the bound address when absent.
    pub advertise_host: Option<String>,
    /// Port of the facilitator; 0 for any free one.
    pub facilitator_port: u16,
    /// Port of the control API; 0 for any free one.
    pub control_port: u16,
    /// Port of the RPC proxy; 0 for any free one.
    pub rpc_port: u16,
    /// What `--chain` asks for.
    pub chain: ChainChoice,
    /// How Anvil is found.
    pub search: AnvilSearch,
    /// True when falling back to memory is an error.
    pub no_fallback: bool,
    /// Our own binary, which runs children in guard mode.
    pub guard: PathBuf,
    /// Accounts of the facilitator that send settlements, 1 to [`super::SIGNERS_MAX`].
    pub signers: u32,
}

/// A running service; dropping it ends its chains.
#[derive(Debug)]
pub struct Service {
    state: ServiceState,
    stop: CancellationToken,
    tasks: TaskTracker,
    chains: Arc<Chains>,
}

impl Service {
    /// Starts the service. Chains start when a network is first asked for.
    ///
    /// # Errors
    /// When a port is taken, no chain can be had, or a dev node refuses.
    pub async fn start(
        options: ServiceOptions,
        notice: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Self, ServiceError> {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let protocol = PortRequest::facilitator(options.facilitator_port)
            .bind(options.bind)
            .await?;
        let control = PortRequest::control(options.control_port)
            .bind(loopback)
            .await?;
        let host = advertised(&options);
        let proxy = Arc::new(
            PortRequest::rpc(options.rpc_port)
                .bind_proxy(options.bind)
                .await?,
        );
        let (protocol_port, control_port, rpc_port) =
            (port(&protocol), port(&control), proxy.addr().port());
        let facilitator = Arc::new(Facilitator::new(Options::default()));
        let chains = Chains::new(
            ChainOptions {
                request: options.chain,
                search: options.search,
                no_fallback: options.no_fallback,
                guard: options.guard,
                signers: options.signers,
            },
            Arc::clone(&facilitator),
            Arc::clone(&proxy),
            notice,
        )
        .await?;
        let chains = Arc::new(chains);
        let state = ServiceState {
            facilitator_url: format!("http://{host}:{protocol_port}"),
            rpc_url: format!("http://{host}:{rpc_port}"),
            control_url: format!("http://127.0.0.1:{control_port}"),
            chain: chains.used().clone(),
            pid: std::process::id(),
        };
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let shared = Shared {
            chains: Arc::clone(&chains),
            state: state.clone(),
            stop: stop.clone(),
        };
        let control_routes = control_router(Arc::clone(&facilitator)).merge(routes(shared));
        tasks.spawn(serve_facilitator(protocol, facilitator, stop.clone()));
        tasks.spawn(serve(control, control_routes, stop.clone()));
        tasks.close();
        Ok(Self {
            state,
            stop,
            tasks,
            chains,
        })
    }

    /// Where everything listens.
    pub const fn state(&self) -> &ServiceState {
        &self.state
    }

    /// Makes sure a network and its tokens are there.
    ///
    /// # Errors
    /// When the chain does not start or refuses.
    pub async fn ensure_network(
        &self,
        wanted: &NetworkRequest,
    ) -> Result<NetworkAnswer, ServiceError> {
        self.chains.ensure(wanted).await
    }

    /// Ends when the service was asked to stop through its control API.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops listening and ends the chains.
    pub async fn stop(self) {
        self.stop.cancel();
        let grace = std::time::Duration::from_secs(2);
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("service tasks were still busy after the grace period");
        }
        drop(self.chains);
    }
}

fn advertised(options: &ServiceOptions) -> String {
    if let Some(name) = &options.advertise_host {
        return name.clone();
    }
    match options.bind {
        address if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn port(listener: &tokio::net::TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}
