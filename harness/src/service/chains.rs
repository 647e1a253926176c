//! The chains of one service: one per network that a target offered, started when it is first asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};
use url::Url;
use x402_assay_protocol::TokenDomain;
use x402_mock_facilitator::{
    EvmLedger, EvmOptions, Facilitator, Ledger, LedgerError, MemoryLedger, dev_signers,
};

use super::error::ServiceError;
use super::wire::{FundRequest, GasRequest, NetworkAnswer, NetworkRequest, TokenRequest};
use crate::chain::chaos::Chaos;
use crate::chain::{
    self, AnvilChain, AnvilConfig, AnvilSearch, AssayToken, DevProvider, RpcProxy, TokenSpec,
};
use crate::cli::args::ChainChoice;

/// Chains one service keeps at most.
const CHAINS_MAX: usize = 6;
/// Gas an account of the target gets: 1,000 coins, in wei.
const GAS_WEI: u128 = 1_000_000_000_000_000_000_000;
/// Accounts that send settlements: as many lanes as can be mined side by side.
pub const SIGNERS: u32 = 8;
/// Accounts that may be asked for: as many as development nodes hold money for.
pub const SIGNERS_MAX: u32 = 10;
/// Decimals and ticker of every token that is placed: USDC's; x402 carries base units only.
const DECIMALS: u8 = 6;
const SYMBOL: &str = "USDC";

/// What stands in for the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainUsed {
    /// `anvil`, `memory` or `url`.
    pub kind: String,
    /// What was asked for.
    pub requested: String,
    /// Why the two differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The node's version string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// How chains are made.
#[derive(Debug)]
enum Source {
    Anvil { program: PathBuf, guard: PathBuf },
    Memory,
    Url(Url),
}

#[derive(Debug)]
struct Chain {
    /// Keeps the node alive; `None` for memory and for a node of the user's.
    anvil: Option<AnvilChain>,
    backend: Backend,
    chaos: ChaosTarget,
    ledger: Arc<dyn Ledger>,
    tokens: Vec<(TokenRequest, Option<AssayToken>)>,
}

#[derive(Debug)]
enum Backend {
    Memory(Arc<MemoryLedger>),
    Node(DevProvider),
}

/// What chain faults are done to.
#[derive(Debug, Clone)]
pub(crate) enum ChaosTarget {
    /// A development node, and the ledger that counts account nonces on it.
    Node(Arc<Chaos>, Arc<dyn Ledger>),
    /// The ledger in memory.
    Memory(Arc<MemoryLedger>),
}

/// The chains of one service.
#[derive(Debug)]
pub(crate) struct Chains {
    source: Source,
    signers: u32,
    used: ChainUsed,
    facilitator: Arc<Facilitator>,
    proxy: Arc<RpcProxy>,
    chains: tokio::sync::Mutex<BTreeMap<u64, Chain>>,
}

/// How Anvil is found.
#[derive(Debug, Clone)]
pub(crate) struct ChainOptions {
    pub(crate) request: ChainChoice,
    pub(crate) search: AnvilSearch,
    /// True when a fallback to memory is an error (`CI` or `--strict`).
    pub(crate) no_fallback: bool,
    pub(crate) guard: PathBuf,
    /// Accounts that send settlements.
    pub(crate) signers: u32,
}

impl Chains {
    /// Decides what stands in for the chain; starts nothing yet.
    pub(crate) async fn new(
        options: ChainOptions,
        facilitator: Arc<Facilitator>,
        proxy: Arc<RpcProxy>,
        notice: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Self, ServiceError> {
        let requested = label(&options.request);
        let signers = options.signers.clamp(1, SIGNERS_MAX);
        let used = |kind: &str, reason: Option<String>, node: Option<String>| ChainUsed {
            kind: kind.to_owned(),
            requested: requested.clone(),
            reason,
            node,
        };
        let (source, used) = match options.request {
            ChainChoice::Memory => (Source::Memory, used("memory", None, None)),
            ChainChoice::Url(url) => {
                let node = chain::ensure_dev_node(&url).await?;
                (
                    Source::Url(url),
                    used("url", None, Some(node.client_version)),
                )
            }
            ChainChoice::Auto | ChainChoice::Anvil => match find_anvil(&options, notice).await {
                Ok((program, version)) => (
                    Source::Anvil {
                        program,
                        guard: options.guard,
                    },
                    used("anvil", None, Some(version)),
                ),
                Err(error) if options.request == ChainChoice::Auto && !options.no_fallback => {
                    (Source::Memory, used("memory", Some(error), None))
                }
                Err(error) => return Err(ServiceError::NoAnvil(error)),
            },
        };
        Ok(Self {
            source,
            signers,
            used,
            facilitator,
            proxy,
            chains: tokio::sync::Mutex::default(),
        })
    }

    /// What stands in for the chain.
    pub(crate) const fn used(&self) -> &ChainUsed {
        &self.used
    }

    /// Makes sure a network and its tokens are there.
    pub(crate) async fn ensure(
        &self,
        wanted: &NetworkRequest,
    ) -> Result<NetworkAnswer, ServiceError> {
        let mut chains = self.chains.lock().await;
        if !chains.contains_key(&wanted.chain_id) {
            if chains.len() >= CHAINS_MAX {
                return Err(ServiceError::TooManyChains(CHAINS_MAX));
            }
            let chain = self.start(wanted.chain_id).await?;
            chains.insert(wanted.chain_id, chain);
        }
        let Some(chain) = chains.get_mut(&wanted.chain_id) else {
            return Err(ServiceError::Chain(
                "the chain vanished while it was started".to_owned(),
            ));
        };
        for token in &wanted.tokens {
            if !chain.tokens.iter().any(|(placed, _)| placed == token) {
                let placed = place(&chain.backend, wanted.chain_id, token).await?;
                chain.tokens.push((token.clone(), placed));
            }
        }
        let head = chain
            .ledger
            .head()
            .await
            .map_err(|error| chain.trouble(&error))?;
        Ok(NetworkAnswer {
            chain: self.used.clone(),
            head,
        })
    }

    /// Gives a payer tokens.
    pub(crate) async fn fund(&self, wanted: &FundRequest) -> Result<(), ServiceError> {
        let chains = self.chains.lock().await;
        let chain = chains
            .get(&wanted.chain_id)
            .ok_or_else(|| not_asked_for(wanted.chain_id))?;
        let no_token = || ServiceError::Chain(format!("token {} was not placed yet", wanted.asset));
        match &chain.backend {
            Backend::Memory(ledger) => {
                ledger
                    .mint(wanted.asset, wanted.to, wanted.amount)
                    .map_err(|error| ServiceError::Chain(error.to_string()))?;
            }
            Backend::Node(_) => {
                let placed = chain
                    .tokens
                    .iter()
                    .find(|(token, _)| token.asset == wanted.asset);
                let token = placed
                    .and_then(|(_, token)| token.as_ref())
                    .ok_or_else(no_token)?;
                token.mint(wanted.to, wanted.amount).await?;
            }
        }
        Ok(())
    }

    /// The node of a chain; none in memory.
    pub(crate) async fn node(&self, chain_id: u64) -> Result<Option<DevProvider>, ServiceError> {
        let chains = self.chains.lock().await;
        let chain = chains.get(&chain_id);
        let chain = chain.ok_or_else(|| not_asked_for(chain_id))?;
        Ok(match &chain.backend {
            Backend::Memory(_) => None,
            Backend::Node(provider) => Some(provider.clone()),
        })
    }

    /// What faults of a chain are done to.
    pub(crate) async fn chaos_target(&self, chain_id: u64) -> Result<ChaosTarget, ServiceError> {
        let chains = self.chains.lock().await;
        let chain = chains.get(&chain_id);
        let chain = chain.ok_or_else(|| not_asked_for(chain_id))?;
        Ok(chain.chaos.clone())
    }

    /// Unix seconds on a chain's clock: the time of the block that would be mined now.
    pub(crate) async fn clock(&self, chain_id: u64) -> Result<u64, ServiceError> {
        let target = self.chaos_target(chain_id).await?;
        let read = match target {
            ChaosTarget::Memory(ledger) => ledger.now().await.map_err(|error| error.to_string()),
            ChaosTarget::Node(node, _) => node.clock().await.map_err(|error| error.to_string()),
        };
        read.map_err(ServiceError::Chain)
    }

    /// The RPC that targets use.
    pub(crate) fn proxy(&self) -> &RpcProxy {
        &self.proxy
    }

    /// Gives an account gas.
    pub(crate) async fn give_gas(&self, wanted: &GasRequest) -> Result<(), ServiceError> {
        let chains = self.chains.lock().await;
        let chain = chains
            .get(&wanted.chain_id)
            .ok_or_else(|| not_asked_for(wanted.chain_id))?;
        if let Backend::Node(provider) = &chain.backend {
            chain::fund_gas(provider, wanted.to, U256::from(GAS_WEI)).await?;
        }
        Ok(())
    }

    async fn start(&self, chain_id: u64) -> Result<Chain, ServiceError> {
        let (anvil, endpoint) = match &self.source {
            Source::Memory => return Ok(self.start_memory(chain_id)),
            Source::Anvil { program, guard } => {
                let anvil = AnvilChain::start(&AnvilConfig::new(program, guard, chain_id))
                    .await
                    .map_err(|error| ServiceError::AnvilStart(error.to_string()))?;
                let endpoint = anvil.endpoint().clone();
                (Some(anvil), endpoint)
            }
            Source::Url(url) => {
                let has = chain::ensure_dev_node(url).await?.chain_id;
                if has != chain_id {
                    let (url, wants) = (url.to_string(), chain_id);
                    return Err(ServiceError::WrongChainId { url, has, wants });
                }
                (None, url.clone())
            }
        };
        let provider = chain::connect(&endpoint);
        chain::place_helpers(&provider).await?;
        let ledger = EvmLedger::connect(
            endpoint.clone(),
            dev_signers(self.signers),
            EvmOptions::default(),
        )
        .await
        .map_err(|error| ServiceError::Chain(error.to_string()))?;
        self.proxy.add_chain(chain_id, endpoint.clone());
        self.proxy.set_upstream(Some(endpoint));
        // Faults of the RPC meet our own facilitator as they meet any other.
        let ledger = ledger
            .acting_through(self.proxy.local_url(chain_id))
            .map_err(|error| ServiceError::Chain(error.to_string()))?;
        let ledger: Arc<dyn Ledger> = Arc::new(ledger);
        self.facilitator.add_ledger(Arc::clone(&ledger));
        let chaos = Arc::new(Chaos::new(provider.clone()));
        Ok(Chain {
            anvil,
            backend: Backend::Node(provider),
            chaos: ChaosTarget::Node(chaos, Arc::clone(&ledger)),
            ledger,
            tokens: Vec::new(),
        })
    }

    fn start_memory(&self, chain_id: u64) -> Chain {
        let memory = Arc::new(MemoryLedger::new(chain_id));
        let ledger: Arc<dyn Ledger> = memory.clone();
        self.facilitator.add_ledger(Arc::clone(&ledger));
        Chain {
            anvil: None,
            chaos: ChaosTarget::Memory(Arc::clone(&memory)),
            backend: Backend::Memory(memory),
            ledger,
            tokens: Vec::new(),
        }
    }
}

fn not_asked_for(chain_id: u64) -> ServiceError {
    ServiceError::Chain(format!("chain {chain_id} was not asked for yet"))
}

impl Chain {
    /// A ledger that does not answer, with what became of its node.
    fn trouble(&self, error: &LedgerError) -> ServiceError {
        match &self.anvil {
            Some(anvil) if !anvil.is_alive() => {
                ServiceError::Chain(format!("anvil died ({error})"))
            }
            _ => ServiceError::Chain(error.to_string()),
        }
    }
}

fn label(choice: &ChainChoice) -> String {
    match choice {
        ChainChoice::Auto => "auto".to_owned(),
        ChainChoice::Anvil => "anvil".to_owned(),
        ChainChoice::Memory => "memory".to_owned(),
        ChainChoice::Url(url) => url.to_string(),
    }
}

async fn find_anvil(
    options: &ChainOptions,
    notice: &(dyn Fn(&str) + Send + Sync),
) -> Result<(PathBuf, String), String> {
    let found = chain::find_or_install(&options.search, &options.guard, &notice)
        .await
        .map_err(|error| error.to_string())?;
    let version = chain::probe_version(&found.path).await.map_or_else(
        |error| error.to_string(),
        |said| said.replacen("Version: ", "", 1),
    );
    Ok((found.path, version))
}

async fn place(
    backend: &Backend,
    chain_id: u64,
    token: &TokenRequest,
) -> Result<Option<AssayToken>, ServiceError> {
    match backend {
        Backend::Memory(ledger) => {
            ledger.register_token(TokenDomain {
                name: token.name.clone(),
                version: token.version.clone(),
                chain_id,
                verifying_contract: token.asset,
            });
            Ok(None)
        }
        Backend::Node(provider) => {
            let spec = TokenSpec {
                asset: token.asset,
                name: token.name.clone(),
                symbol: SYMBOL.to_owned(),
                version: token.version.clone(),
                decimals: DECIMALS,
            };
            Ok(Some(AssayToken::place(provider, spec).await?))
        }
    }
}
