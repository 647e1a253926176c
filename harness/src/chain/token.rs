//! Our token at an address: placed, set up, and steered by its owner.

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use tokio::sync::Mutex;
use x402_assay_protocol::{Network, TokenDomain};

use super::abi::IAssayToken;
use super::artifacts::Contract;
use super::deploy::{ContractError, OWNER, Placement, transact};
use super::rpc::DevProvider;

const INITIALIZE_GAS: u64 = 1_000_000;
const OWNER_CALL_GAS: u64 = 200_000;

/// A first balance costs about 26,000 gas; 250 of them stay below the cap of 2^24 a transaction.
const MINT_CHUNK: usize = 250;
const MINT_CHUNK_GAS: u64 = 12_000_000;

/// What the token says of itself, and where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSpec {
    /// Its address.
    pub asset: Address,
    /// EIP-712 domain name.
    pub name: String,
    /// Ticker.
    pub symbol: String,
    /// EIP-712 domain version.
    pub version: String,
    /// Decimal places of one token.
    pub decimals: u8,
}

impl TokenSpec {
    /// The network's canonical USDC.
    pub fn usdc(network: &Network) -> Self {
        Self {
            asset: network.usdc,
            name: network.usdc_name.to_owned(),
            symbol: "USDC".to_owned(),
            version: network.usdc_version.to_owned(),
            decimals: 6,
        }
    }

    /// Its EIP-712 domain on a chain.
    pub fn domain(&self, chain_id: u64) -> TokenDomain {
        TokenDomain {
            name: self.name.clone(),
            version: self.version.clone(),
            chain_id,
            verifying_contract: self.asset,
        }
    }
}

/// How the token behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenKind {
    /// Like FiatToken v2.2.
    #[default]
    FiatLike,
    /// Keeps one percent of every transfer.
    FeeOnTransfer,
    /// Answers false and moves nothing.
    ReturnsFalse,
    /// A used nonce succeeds and moves nothing.
    SilentNonce,
}

impl TokenKind {
    /// The contract behind it.
    pub const fn contract(self) -> Contract {
        match self {
            Self::FiatLike => Contract::AssayToken,
            Self::FeeOnTransfer => Contract::FeeOnTransferToken,
            Self::ReturnsFalse => Contract::ReturnsFalseToken,
            Self::SilentNonce => Contract::SilentNonceToken,
        }
    }
}

/// A placed token.
#[derive(Debug)]
pub struct AssayToken {
    provider: DevProvider,
    spec: TokenSpec,
    chain_id: u64,
    separator: B256,
    placement: Placement,
    /// The node hands out the owner's nonces: one transaction at a time.
    owner_turn: Mutex<()>,
}

impl AssayToken {
    /// Places and sets up a FiatToken-like token; the same again is a no-op.
    pub async fn place(provider: &DevProvider, spec: TokenSpec) -> Result<Self, ContractError> {
        Self::place_kind(provider, spec, TokenKind::FiatLike).await
    }

    /// As [`Self::place`], with a behaviour of the zoo; balances stay when only the kind changes.
    pub async fn place_kind(
        provider: &DevProvider,
        spec: TokenSpec,
        kind: TokenKind,
    ) -> Result<Self, ContractError> {
        let (chain_id, placement) = place_code(provider, spec.asset, kind).await?;
        let mut identity = read_identity(provider, spec.asset).await?;
        if identity.owner.is_zero() {
            initialize(provider, &spec).await?;
            identity = read_identity(provider, spec.asset).await?;
        }
        let separator = verify(&spec, chain_id, &identity)?;
        Ok(Self {
            provider: provider.clone(),
            spec,
            chain_id,
            separator,
            placement,
            owner_turn: Mutex::default(),
        })
    }

    /// Where it lives and what it says of itself.
    pub const fn spec(&self) -> &TokenSpec {
        &self.spec
    }

    /// The chain it lives on.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Its domain separator, as the contract itself computed it.
    pub const fn separator(&self) -> B256 {
        self.separator
    }

    /// What was at the address before.
    pub const fn placement(&self) -> Placement {
        self.placement
    }

    /// Creates `amount` base units for one account.
    pub async fn mint(&self, to: Address, amount: U256) -> Result<(), ContractError> {
        self.mint_many(&[to], amount).await
    }

    /// Creates `amount` base units for each account, in few transactions.
    pub async fn mint_many(&self, to: &[Address], amount: U256) -> Result<(), ContractError> {
        for chunk in to.chunks(MINT_CHUNK) {
            let call = IAssayToken::mintManyCall {
                to: chunk.to_vec(),
                value: amount,
            };
            self.as_owner(&call, MINT_CHUNK_GAS).await?;
        }
        Ok(())
    }

    /// Base units an account holds.
    pub async fn balance_of(&self, account: Address) -> Result<U256, ContractError> {
        view(
            &self.provider,
            self.spec.asset,
            &IAssayToken::balanceOfCall { account },
        )
        .await
    }

    /// True once the authorizer's nonce was used or cancelled.
    pub async fn authorization_used(
        &self,
        authorizer: Address,
        nonce: B256,
    ) -> Result<bool, ContractError> {
        let call = IAssayToken::authorizationStateCall { authorizer, nonce };
        view(&self.provider, self.spec.asset, &call).await
    }

    /// Stops or resumes every movement.
    pub async fn set_paused(&self, paused: bool) -> Result<(), ContractError> {
        if paused {
            self.as_owner(&IAssayToken::pauseCall {}, OWNER_CALL_GAS)
                .await
        } else {
            self.as_owner(&IAssayToken::unpauseCall {}, OWNER_CALL_GAS)
                .await
        }
    }

    /// Blocks or unblocks an account.
    pub async fn set_blocked(&self, account: Address, blocked: bool) -> Result<(), ContractError> {
        if blocked {
            self.as_owner(&IAssayToken::blacklistCall { account }, OWNER_CALL_GAS)
                .await
        } else {
            self.as_owner(&IAssayToken::unBlacklistCall { account }, OWNER_CALL_GAS)
                .await
        }
    }

    async fn as_owner<C: SolCall>(&self, call: &C, gas: u64) -> Result<(), ContractError> {
        let _turn = self.owner_turn.lock().await;
        transact(
            &self.provider,
            self.spec.asset,
            call.abi_encode(),
            gas,
            C::SIGNATURE,
        )
        .await
    }
}

/// Puts the code there if it is not, and makes the owner able to act.
async fn place_code(
    provider: &DevProvider,
    asset: Address,
    kind: TokenKind,
) -> Result<(u64, Placement), ContractError> {
    let ready = async {
        tokio::try_join!(
            provider.get_chain_id(),
            provider.get_code_at(asset).into_future(),
            provider.anvil_set_balance(OWNER, U256::from(1) << 120),
            provider.anvil_impersonate_account(OWNER),
        )
    };
    let action = "placing the token";
    let (chain_id, code, (), ()) = ready.await.map_err(ContractError::rpc(action))?;

    let runtime = kind.contract().runtime();
    let placement = if code.is_empty() {
        Placement::Fresh
    } else if code == *runtime {
        return Ok((chain_id, Placement::AlreadyThere));
    } else {
        Placement::Replaced
    };
    let set = provider.anvil_set_code(asset, runtime.clone());
    set.await.map_err(ContractError::rpc(action))?;
    Ok((chain_id, placement))
}

/// Takes the place of the constructor.
async fn initialize(provider: &DevProvider, spec: &TokenSpec) -> Result<(), ContractError> {
    let call = IAssayToken::initializeCall {
        name: spec.name.clone(),
        symbol: spec.symbol.clone(),
        version: spec.version.clone(),
        decimals: spec.decimals,
        owner: OWNER,
    };
    let action = "initializing the token";
    transact(
        provider,
        spec.asset,
        call.abi_encode(),
        INITIALIZE_GAS,
        action,
    )
    .await
}

struct Identity {
    name: String,
    symbol: String,
    version: String,
    decimals: u8,
    owner: Address,
    separator: B256,
}

async fn read_identity(provider: &DevProvider, asset: Address) -> Result<Identity, ContractError> {
    let (name, symbol, version, decimals, owner, separator) = tokio::try_join!(
        view(provider, asset, &IAssayToken::nameCall {}),
        view(provider, asset, &IAssayToken::symbolCall {}),
        view(provider, asset, &IAssayToken::versionCall {}),
        view(provider, asset, &IAssayToken::decimalsCall {}),
        view(provider, asset, &IAssayToken::ownerCall {}),
        view(provider, asset, &IAssayToken::DOMAIN_SEPARATORCall {}),
    )?;
    Ok(Identity {
        name,
        symbol,
        version,
        decimals,
        owner,
        separator,
    })
}

/// One read of the newest state.
async fn view<C: SolCall>(
    provider: &DevProvider,
    asset: Address,
    call: &C,
) -> Result<C::Return, ContractError> {
    let request = TransactionRequest::default()
        .with_to(asset)
        .with_input(call.abi_encode());
    let answer = provider
        .call(request)
        .await
        .map_err(ContractError::rpc(C::SIGNATURE))?;
    C::abi_decode_returns(&answer).map_err(|error| ContractError::Answer {
        action: C::SIGNATURE.to_owned(),
        reason: error.to_string(),
    })
}

/// The separator, if the token is what was asked for.
fn verify(spec: &TokenSpec, chain_id: u64, found: &Identity) -> Result<B256, ContractError> {
    let same = found.name == spec.name
        && found.symbol == spec.symbol
        && found.version == spec.version
        && found.decimals == spec.decimals
        && found.owner == OWNER;
    if !same {
        return Err(ContractError::OtherToken {
            asset: spec.asset,
            found: describe(&found.name, &found.version, &found.symbol, found.decimals),
            wanted: describe(&spec.name, &spec.version, &spec.symbol, spec.decimals),
        });
    }
    let expected = spec.domain(chain_id).separator();
    if found.separator != expected {
        let found = found.separator;
        return Err(ContractError::Domain {
            asset: spec.asset,
            expected,
            found,
        });
    }
    Ok(expected)
}

fn describe(name: &str, version: &str, symbol: &str, decimals: u8) -> String {
    format!("{name:?} version {version:?} ({symbol}, {decimals} decimals)")
}
