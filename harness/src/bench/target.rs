//! Getting the target up: launched, built in, or already there.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use x402_assay_protocol::{Network, PayerKey, network};

use super::copies::Copies;
use super::launched_facilitator::LaunchedFacilitator;
use crate::config::TargetProfile;
use crate::launch::LaunchError;
use crate::link::LinkProxy;
use crate::reference_server::{Defect, Deviations, ReferenceServerOptions, Variant};
use crate::runner::{
    Access, FacilitatorControl, NotOurFacilitator, NotOurProcess, OurFacilitator, Owner,
    TargetControl, builtin_profile, metered_route,
};
use crate::service::{
    ControlClient, FundRequest, GasRequest, NetworkRequest, ServiceState, TokenRequest,
};

/// A target that can be asked.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) profile: TargetProfile,
    /// Port that stands for `{port}`.
    pub(crate) port: u16,
    /// The way to the facilitator.
    pub(crate) access: Access,
    /// The only chain to pay on, if the target settles on one alone.
    pub(crate) chain_id: Option<u64>,
    /// Processes of the server that is asked, if they are ours.
    pub(super) copies: Option<Copies>,
    /// The facilitator under test behind that server, and the link between them.
    pub(super) tested: Option<Tested>,
}

/// A facilitator under test.
#[derive(Debug)]
pub(super) struct Tested {
    /// Its process, if it was launched.
    pub(super) launched: Option<Arc<LaunchedFacilitator>>,
    /// What leads to it, or why nothing does.
    pub(super) link: Result<LinkProxy, String>,
}

/// Why the target is not up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("the built-in reference server: {0}")]
    BuiltIn(String),
    #[error("the facilitator under test: {0}")]
    Facilitator(String),
    #[error("chain: {0}")]
    Chain(String),
}

/// Solana account that servers which offer both networks may name; nothing is ever paid there.
const SVM_PAYEE: &str = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin";

/// Most copies of the built-in server; a `replicas` step asks for no more.
pub(super) const COPIES_MAX: u32 = 16;

/// The account that is paid, where the bench may choose it.
pub(super) fn payee() -> Address {
    PayerKey::derived("payee", 0, 0).address()
}

/// What scenarios want of the built-in server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// There are some.
    pub(crate) any: bool,
    /// One of them pays by use.
    pub(crate) by_use: bool,
}

impl Target {
    /// Starts the built-in server, launches the profile's command, or does nothing.
    pub(crate) async fn start(
        profile: Option<TargetProfile>,
        deviations: &Deviations,
        chain_id: Option<u64>,
        services: (&ControlClient, &ServiceState),
        (guard, wanted): (&Path, Wanted),
    ) -> Result<Self, TargetError> {
        let network = chain_id
            .and_then(network::by_chain_id)
            .or_else(|| network::by_chain_id(network::DEFAULT_CHAIN_ID))
            .ok_or_else(|| TargetError::Chain("the network table is empty".to_owned()))?;
        let (control, state) = services;
        let Some(profile) = profile else {
            ensure(control, network).await?;
            let target = Self::built_in(deviations, network, state, wanted).await?;
            return Ok(Self { chain_id, ..target });
        };
        if profile.launch.is_none() {
            let port = profile
                .url()
                .and_then(crate::config::profile::UrlTemplate::port);
            return Ok(Self {
                profile,
                port: port.unwrap_or_default(),
                access: ours(state, false)?,
                chain_id,
                copies: None,
                tested: None,
            });
        }
        // A launched facilitator-in-server wants a chain at its start.
        ensure(control, network).await?;
        let key = PayerKey::derived("target", 0, 0);
        fund(control, network, key.address()).await?;
        let environment = environment(network, state, &key);
        let (copies, port) = Copies::launch(guard.to_owned(), &profile, environment).await?;
        Ok(Self {
            port,
            profile,
            access: ours(state, false)?,
            chain_id,
            copies: Some(copies),
            tested: None,
        })
    }

    async fn built_in(
        deviations: &Deviations,
        network: &Network,
        state: &ServiceState,
        wanted: Wanted,
    ) -> Result<Self, TargetError> {
        let options = ReferenceServerOptions {
            defects: deviations.defects.clone(),
            variants: deviations.variants.clone(),
            asks_supported: wanted.any,
            meters: wanted.by_use,
            ..ReferenceServerOptions::new(&state.facilitator_url, network, payee())
        };
        let (copies, addr) = Copies::built_in(options, COPIES_MAX)
            .await
            .map_err(TargetError::BuiltIn)?;
        let mut profile = builtin_profile(&format!("http://{addr}"));
        if wanted.by_use {
            profile.routes.push(metered_route());
        }
        profile.dynamic_price = deviations.variants.has(Variant::DynamicPrice)
            || deviations.defects.has(Defect::StalePriceError);
        Ok(Self {
            profile,
            port: addr.port(),
            access: ours(state, true)?,
            chain_id: None,
            copies: Some(copies),
            tested: None,
        })
    }

    /// What scenarios may do to its processes.
    pub(crate) fn control(&self) -> &dyn TargetControl {
        match &self.copies {
            Some(copies) => copies,
            None => &NotOurProcess,
        }
    }

    /// What scenarios may do to the facilitator's process.
    pub(crate) fn facilitator_control(&self, ours: &ControlClient) -> Arc<dyn FacilitatorControl> {
        let tested = self.tested.as_ref();
        match tested.map(|tested| tested.launched.clone()) {
            None => Arc::new(OurFacilitator(ours.clone())),
            Some(Some(launched)) => launched,
            Some(None) => Arc::new(NotOurFacilitator),
        }
    }

    /// The end of a launched target's log, for a report of trouble.
    pub(crate) async fn log_tail(&self) -> Vec<String> {
        let tested = self.tested.as_ref();
        match (
            tested.and_then(|tested| tested.launched.as_ref()),
            &self.copies,
        ) {
            (Some(launched), _) => launched.tail().await,
            (None, Some(copies)) => copies.log_tail().await,
            (None, None) => Vec::new(),
        }
    }

    /// Ends what was started.
    pub(crate) async fn stop(self) {
        if let Some(copies) = &self.copies {
            copies.stop().await;
        }
        if let Some(launched) = self.tested.and_then(|tested| tested.launched) {
            launched.stop().await;
        }
    }
}

/// The way to the bench's own facilitator.
fn ours(state: &ServiceState, tested: bool) -> Result<Access, TargetError> {
    let url = state.facilitator_url.parse();
    Ok(Access {
        url: url.map_err(|error| TargetError::Chain(format!("the facilitator's URL: {error}")))?,
        headers: Vec::new(),
        auth: None,
        accounts: Vec::new(),
        owner: Owner::Bench { tested },
    })
}

pub(super) async fn ensure(control: &ControlClient, network: &Network) -> Result<(), TargetError> {
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

pub(super) async fn fund(
    control: &ControlClient,
    network: &Network,
    to: Address,
) -> Result<(), TargetError> {
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
pub(super) fn environment(
    network: &Network,
    state: &ServiceState,
    key: &PayerKey,
) -> Vec<(String, String)> {
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
