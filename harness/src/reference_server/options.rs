//! What the reference server is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use x402_assay_protocol::{Network, TokenDomain, Version};

use super::defects::DefectSet;
use super::facilitator_auth::FacilitatorAuth;
use super::variants::VariantSet;
use super::witness::Witness;
use crate::http::SetupError;

/// Text that only a paid body holds.
pub const MARKER: &str = "paid-content-7f3a";

/// What paid routes cost in base units where nothing else is said.
pub const PRICE: u64 = 10_000;
/// What `/premium` costs in base units where nothing else is said: three times as much as the other routes.
pub const PREMIUM_PRICE: u64 = 30_000;

/// Units a request for `/metered` uses where it does not say, of the ten that the ceiling pays for.
pub(super) const METERED_UNITS: u64 = 4;
/// What `/metered` charges then, in base units, where nothing else is said of prices.
pub const METERED_PRICE: u64 = PRICE / 10 * METERED_UNITS;

/// Options of a [`super::ReferenceServer`].
#[derive(Debug, Clone)]
pub struct ReferenceServerOptions {
    /// Base URL of the facilitator.
    pub facilitator_url: String,
    /// Headers of every facilitator call.
    pub facilitator_headers: http::HeaderMap,
    /// Further headers, fresh for every facilitator call.
    pub facilitator_auth: Option<Arc<dyn FacilitatorAuth>>,
    /// Sees every facilitator call, if there is somebody.
    pub witness: Option<Arc<dyn Witness>>,
    /// Time for one facilitator call; longer than a settlement takes.
    pub facilitator_timeout: Duration,
    /// The token's EIP-712 domain: chain id, contract, name and version.
    pub token: TokenDomain,
    /// Recipient.
    pub pay_to: Address,
    /// Price of every paid route but `/premium` in base units.
    pub price: U256,
    /// Price of `/premium` in base units.
    pub premium_price: U256,
    /// Whether `/metered` is there: sold by use, with the other routes' price as the ceiling, where `upto` is settled.
    pub meters: bool,
    /// Seconds an authorization should live.
    pub max_timeout_seconds: u64,
    /// Generations that are spoken; never empty.
    pub versions: Vec<Version>,
    /// Whether it asks what the facilitator supports when it starts, and sells nothing until it knows.
    pub asks_supported: bool,
    /// What is wrong with the server.
    pub defects: DefectSet,
    /// What is unusual about it.
    pub variants: VariantSet,
}

impl ReferenceServerOptions {
    /// A correct server selling for 0.01 of the network's USDC (`/premium` for 0.03), in v1 too where v1 has a name for the network.
    pub fn new(facilitator_url: impl Into<String>, network: &Network, pay_to: Address) -> Self {
        let mut versions = vec![Version::V2];
        if network.v1_name.is_some() {
            versions.push(Version::V1);
        }
        Self {
            facilitator_url: facilitator_url.into(),
            facilitator_headers: http::HeaderMap::new(),
            facilitator_auth: None,
            witness: None,
            facilitator_timeout: Duration::from_secs(30),
            token: network.usdc_domain(),
            pay_to,
            price: U256::from(PRICE),
            premium_price: U256::from(PREMIUM_PRICE),
            meters: false,
            max_timeout_seconds: 60,
            versions,
            asks_supported: false,
            defects: DefectSet::default(),
            variants: VariantSet::default(),
        }
    }

    /// True when the generation is spoken.
    pub fn speaks(&self, version: Version) -> bool {
        self.versions.contains(&version)
    }
}

/// Why the reference server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("the reference server cannot listen on {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The facilitator's URL is none.
    #[error("facilitator URL {url:?}: {source}")]
    FacilitatorUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// The network has no v1 name.
    #[error("chain {0} has no v1 network name; serve v2 only")]
    NoV1Name(u64),
    /// No generation is spoken.
    #[error("no x402 version to speak; name 1, 2 or both")]
    NoVersion,
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] SetupError),
}
