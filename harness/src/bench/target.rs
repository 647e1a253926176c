//! Getting the target up: launched, built in, or already there.

use std::net::Ipv4Addr;
use std::path::Path;

use alloy_primitives::Address;
use x402_assay_protocol::{Network, PayerKey, network};

use crate::config::TargetProfile;
use crate::launch::{LaunchError, LaunchPlan, LaunchedTarget, STOP_GRACE, free_port};
use crate::reference_server::{Deviations, ReferenceServer, ReferenceServerOptions};
use crate::runner::builtin_profile;
use crate::service::{
    ControlClient, FundRequest, GasRequest, NetworkRequest, ServiceState, TokenRequest,
};

/// A target that can be asked.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) profile: TargetProfile,
    /// Port that stands for `{port}`.
    pub(crate) port: u16,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Nothing,
    Launched(Box<LaunchedTarget>),
    BuiltIn(ReferenceServer),
}

/// Why the target is not up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("the built-in reference server: {0}")]
    BuiltIn(String),
    #[error("chain: {0}")]
    Chain(String),
}

/// Solana account that servers which offer both networks may name; nothing is ever paid there.
const SVM_PAYEE: &str = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin";

/// The account that is paid, where the bench may choose it.
fn payee() -> Address {
    PayerKey::derived("payee", 0, 0).address()
}

impl Target {
    /// Starts the built-in server, launches the profile's command, or does nothing.
    pub(crate) async fn start(
        profile: Option<TargetProfile>,
        deviations: &Deviations,
        chain_id: Option<u64>,
        services: (&ControlClient, &ServiceState),
        (guard, for_scenarios): (&Path, bool),
    ) -> Result<Self, TargetError> {
        let network = chain_id
            .and_then(network::by_chain_id)
            .or_else(|| network::by_chain_id(network::DEFAULT_CHAIN_ID))
            .ok_or_else(|| TargetError::Chain("the network table is empty".to_owned()))?;
        let (control, state) = services;
        let Some(profile) = profile else {
            ensure(control, network).await?;
            return Self::built_in(deviations, network, state, for_scenarios).await;
        };
        if profile.launch.is_none() {
            let port = profile
                .url()
                .and_then(crate::config::profile::UrlTemplate::port);
            return Ok(Self {
                profile,
                port: port.unwrap_or_default(),
                kept: Kept::Nothing,
            });
        }
        // A launched facilitator-in-server wants a chain at its start.
        ensure(control, network).await?;
        let key = PayerKey::derived("target", 0, 0);
        fund(control, network, key.address()).await?;
        let environment = environment(network, state, &key);
        let plan = LaunchPlan::new(&profile, &environment, free_port)?;
        let launched = LaunchedTarget::start(guard, plan).await?;
        Ok(Self {
            port: launched.port(),
            profile,
            kept: Kept::Launched(Box::new(launched)),
        })
    }

    async fn built_in(
        deviations: &Deviations,
        network: &Network,
        state: &ServiceState,
        for_scenarios: bool,
    ) -> Result<Self, TargetError> {
        let options = ReferenceServerOptions {
            defects: deviations.defects.clone(),
            variants: deviations.variants.clone(),
            ..ReferenceServerOptions::new(&state.facilitator_url, network, payee())
        };
        let server = ReferenceServer::start(options, (Ipv4Addr::LOCALHOST, 0).into())
            .await
            .map_err(|error| TargetError::BuiltIn(error.to_string()))?;
        let profile = builtin_profile(server.url(), for_scenarios);
        let port = profile
            .url()
            .and_then(crate::config::profile::UrlTemplate::port);
        Ok(Self {
            profile,
            port: port.unwrap_or_default(),
            kept: Kept::BuiltIn(server),
        })
    }

    /// The end of a launched target's log, for a report of trouble.
    pub(crate) fn log_tail(&self) -> Vec<String> {
        match &self.kept {
            Kept::Launched(launched) => launched.tail(),
            Kept::Nothing | Kept::BuiltIn(_) => Vec::new(),
        }
    }

    /// Ends what was started.
    pub(crate) async fn stop(self) {
        match self.kept {
            Kept::Nothing => {}
            Kept::Launched(mut launched) => {
                if let Err(error) = launched.stop(STOP_GRACE).await {
                    tracing::warn!(%error, "the launched target did not stop");
                }
            }
            Kept::BuiltIn(server) => server.stop().await,
        }
    }
}

async fn ensure(control: &ControlClient, network: &Network) -> Result<(), TargetError> {
    let token = TokenRequest {
        asset: network.usdc,
        name: network.usdc_name.to_owned(),
        version: network.usdc_version.to_owned(),
    };
    let wanted = NetworkRequest {
        chain_id: network.chain_id,
        tokens: vec![token],
    };
    control
        .ensure_network(&wanted)
        .await
        .map(|_| ())
        .map_err(|error| TargetError::Chain(error.to_string()))
}

async fn fund(control: &ControlClient, network: &Network, to: Address) -> Result<(), TargetError> {
    let amount = alloy_primitives::U256::from(1_000_000_000u64);
    let wanted = FundRequest {
        chain_id: network.chain_id,
        asset: network.usdc,
        to,
        amount,
    };
    let gas = GasRequest {
        chain_id: network.chain_id,
        to,
    };
    control
        .give_gas(&gas)
        .await
        .map_err(|error| TargetError::Chain(error.to_string()))?;
    control
        .fund(&wanted)
        .await
        .map(|_| ())
        .map_err(|error| TargetError::Chain(error.to_string()))
}

/// What a launched target is given (docs/targets.md); `PORT` is the launcher's.
fn environment(network: &Network, state: &ServiceState, key: &PayerKey) -> Vec<(String, String)> {
    let payee = payee().to_checksum(None);
    let v1_name = network.v1_name.unwrap_or_default();
    [
        ("FACILITATOR_URL", state.facilitator_url.as_str()),
        ("RPC_URL", &state.rpc_url),
        ("EVM_RPC_URL", &state.rpc_url),
        ("NETWORK", network.caip2),
        ("EVM_NETWORK", network.caip2),
        ("NETWORK_V1", v1_name),
        ("ASSET", &network.usdc.to_checksum(None)),
        ("PAY_TO", &payee),
        ("EVM_ADDRESS", &payee),
        ("EVM_PAYEE_ADDRESS", &payee),
        ("SVM_ADDRESS", SVM_PAYEE),
        ("SVM_PAYEE_ADDRESS", SVM_PAYEE),
        ("PRIVATE_KEY", &key.to_hex()),
        ("EVM_PRIVATE_KEY", &key.to_hex()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
