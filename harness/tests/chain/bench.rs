//! A chain with the token, and payments on it.

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionReceipt, TransactionRequest};
use alloy_sol_types::SolCall;
use x402_assay::chain::{
    AnvilChain, AssayToken, DevProvider, IAssayToken, TokenKind, TokenSpec, connect, fund_gas,
};
use x402_assay_protocol::{Authorization, PayerKey, Signature, network};

use crate::support::chain::start_anvil;

pub(crate) const SHOP: Address = address!("00000000000000000000000000000000000050b5");
pub(crate) const RELAYER: Address = address!("00000000000000000000000000000000000e1a7e");

/// A chain with the token, a funded payer, and an unlocked relayer with gas.
pub(crate) struct Bench {
    chain: AnvilChain,
    pub(crate) provider: DevProvider,
    pub(crate) token: AssayToken,
    pub(crate) payer: PayerKey,
}

impl Bench {
    pub(crate) async fn start(chain_id: u64, kind: TokenKind) -> Option<Self> {
        let chain = start_anvil(chain_id).await?;
        let provider = connect(chain.endpoint());
        let spec = TokenSpec::usdc(network::by_chain_id(chain_id).unwrap());
        let token = AssayToken::place_kind(&provider, spec, kind).await.unwrap();
        let payer = PayerKey::derived("chain-token", 1, 0);
        token
            .mint(payer.address(), U256::from(1_000_000))
            .await
            .unwrap();
        fund_gas(&provider, RELAYER, U256::from(10).pow(U256::from(20)))
            .await
            .unwrap();
        provider.anvil_impersonate_account(RELAYER).await.unwrap();
        Some(Self {
            chain,
            provider,
            token,
            payer,
        })
    }

    /// Its RPC.
    pub(crate) fn endpoint(&self) -> url::Url {
        self.chain.endpoint().clone()
    }

    pub(crate) async fn now(&self) -> u64 {
        let block = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Latest)
            .await
            .unwrap();
        block.unwrap().header.timestamp
    }

    /// An authorization that is good for ten minutes.
    pub(crate) async fn authorization(&self, value: u64) -> Authorization {
        let now = self.now().await;
        Authorization {
            from: self.payer.address(),
            to: SHOP,
            value: U256::from(value),
            valid_after: U256::ZERO,
            valid_before: U256::from(now + 600),
            nonce: B256::random(),
        }
    }

    pub(crate) fn sign(&self, authorization: &Authorization) -> Signature {
        self.payer
            .sign(&authorization.digest(&self.token.separator()))
    }

    /// Sends it as a relayer would; the receipt, or the revert's text.
    pub(crate) async fn submit(
        &self,
        to: Address,
        input: Vec<u8>,
    ) -> Result<TransactionReceipt, String> {
        let request = TransactionRequest::default()
            .with_from(RELAYER)
            .with_to(to)
            .with_input(input)
            .with_gas_limit(500_000);
        self.provider
            .call(request.clone())
            .await
            .map_err(|error| error.to_string())?;
        let hash = self
            .provider
            .client()
            .request("eth_sendTransaction", (request,))
            .await
            .unwrap();
        let receipt = async {
            loop {
                if let Some(receipt) = self.provider.get_transaction_receipt(hash).await.unwrap() {
                    return receipt;
                }
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(20);
        Ok(tokio::time::timeout(limit, receipt).await.unwrap())
    }

    pub(crate) async fn settle(
        &self,
        authorization: &Authorization,
        signature: &Signature,
    ) -> Result<TransactionReceipt, String> {
        self.submit(
            self.token.spec().asset,
            split_call(authorization, signature),
        )
        .await
    }

    pub(crate) async fn shop_balance(&self) -> u64 {
        self.token.balance_of(SHOP).await.unwrap().to()
    }
}

/// The overload with `v`, `r`, `s`.
pub(crate) fn split_call(authorization: &Authorization, signature: &Signature) -> Vec<u8> {
    IAssayToken::transferWithAuthorization_0Call {
        from: authorization.from,
        to: authorization.to,
        value: authorization.value,
        validAfter: authorization.valid_after,
        validBefore: authorization.valid_before,
        nonce: authorization.nonce,
        v: signature.0[64],
        r: B256::from_slice(&signature.0[..32]),
        s: B256::from_slice(&signature.0[32..64]),
    }
    .abi_encode()
}

/// The overload with a byte string.
pub(crate) fn bytes_call(authorization: &Authorization, signature: Bytes) -> Vec<u8> {
    IAssayToken::transferWithAuthorization_1Call {
        from: authorization.from,
        to: authorization.to,
        value: authorization.value,
        validAfter: authorization.valid_after,
        validBefore: authorization.valid_before,
        nonce: authorization.nonce,
        signature,
    }
    .abi_encode()
}

pub(crate) fn typed_digest(separator: B256, structure: B256) -> B256 {
    let message = [
        &[0x19, 0x01][..],
        separator.as_slice(),
        structure.as_slice(),
    ]
    .concat();
    alloy_primitives::keccak256(message)
}

/// Code that answers every call with the ERC-1271 magic value.
pub(crate) const YES_WALLET: [u8; 14] = [
    0x63, 0x16, 0x26, 0xba, 0x7e, // PUSH4 magic
    0x60, 0xe0, 0x1b, // PUSH1 224, SHL
    0x5f, 0x52, // PUSH0, MSTORE
    0x60, 0x20, 0x5f, 0xf3, // RETURN(0, 32)
];
