//! Actions on a token: drained, cancelled, pre-empted, blocked, replaced.

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;

use super::action::{ChaosAnswer, SignedTransfer, TokenCode};
use super::error::ChaosError;
use super::node::Chaos;
use crate::chain::deploy::OWNER;
use crate::chain::{ContractError, DEPLOYER, IAssayToken, TokenKind};

/// Where drained tokens go.
pub(super) const SINK: Address = address!("0000000000000000000000000000000000d7a1ed");
/// A third party.
const STRANGER: Address = address!("00000000000000000000000000000057a49ec000");

impl Chaos {
    /// The account's tokens go to an account nobody uses.
    pub(super) async fn drain(
        &self,
        asset: Address,
        payer: Address,
    ) -> Result<ChaosAnswer, ChaosError> {
        let value = self.balance_of(asset, payer).await?;
        if value.is_zero() {
            return Ok(ChaosAnswer::default());
        }
        let call = IAssayToken::transferCall { to: SINK, value };
        self.send("drain", payer, asset, &call).await
    }

    /// The cancellation is sent by a third party: only the signature counts.
    pub(super) async fn cancel(
        &self,
        asset: Address,
        authorizer: Address,
        nonce: B256,
        signature: Bytes,
    ) -> Result<ChaosAnswer, ChaosError> {
        let call = IAssayToken::cancelAuthorization_1Call {
            authorizer,
            nonce,
            signature,
        };
        self.send("cancel", STRANGER, asset, &call).await
    }

    /// The authorization is settled by somebody who has no business with it.
    pub(super) async fn preempt(
        &self,
        asset: Address,
        transfer: SignedTransfer,
    ) -> Result<ChaosAnswer, ChaosError> {
        let call = IAssayToken::transferWithAuthorization_1Call {
            from: transfer.from,
            to: transfer.to,
            value: transfer.value,
            validAfter: transfer.valid_after,
            validBefore: transfer.valid_before,
            nonce: transfer.nonce,
            signature: transfer.signature,
        };
        self.send("preempt", STRANGER, asset, &call).await
    }

    /// A stranger has a contract deployed; one that is there already stays.
    pub(super) async fn deploy(&self, code: Bytes) -> Result<ChaosAnswer, ChaosError> {
        let sent = self
            .sender
            .send("deploy", (STRANGER, DEPLOYER), code.into(), self.mines())
            .await?;
        Ok(ChaosAnswer {
            transaction: Some(sent.hash),
            mined: sent.mined,
            ..ChaosAnswer::default()
        })
    }

    pub(super) async fn block(
        &self,
        asset: Address,
        account: Address,
        blocked: bool,
    ) -> Result<ChaosAnswer, ChaosError> {
        let answer = if blocked {
            let call = IAssayToken::blacklistCall { account };
            self.send("block", OWNER, asset, &call).await?
        } else {
            let call = IAssayToken::unBlacklistCall { account };
            self.send("block", OWNER, asset, &call).await?
        };
        let mut lasting = self.lasting();
        if blocked {
            lasting.blocked.insert((asset, account));
        } else {
            lasting.blocked.remove(&(asset, account));
        }
        Ok(answer)
    }

    pub(super) async fn set_paused(
        &self,
        asset: Address,
        paused: bool,
    ) -> Result<ChaosAnswer, ChaosError> {
        let answer = if paused {
            self.send("token", OWNER, asset, &IAssayToken::pauseCall {})
                .await?
        } else {
            self.send("token", OWNER, asset, &IAssayToken::unpauseCall {})
                .await?
        };
        let mut lasting = self.lasting();
        if paused {
            lasting.paused.insert(asset);
        } else {
            lasting.paused.remove(&asset);
        }
        Ok(answer)
    }

    /// Puts another code at the token's address; what it keeps in storage stays.
    pub(super) async fn set_token(
        &self,
        asset: Address,
        code: TokenCode,
    ) -> Result<ChaosAnswer, ChaosError> {
        let runtime = match code {
            TokenCode::Honest | TokenCode::Paused => {
                TokenKind::FiatLike.contract().runtime().clone()
            }
            TokenCode::FeeOnTransfer => TokenKind::FeeOnTransfer.contract().runtime().clone(),
            TokenCode::ReturnsFalse => TokenKind::ReturnsFalse.contract().runtime().clone(),
            TokenCode::SilentOnUsedNonce => TokenKind::SilentNonce.contract().runtime().clone(),
            TokenCode::NoCode => Bytes::new(),
        };
        let before = self
            .provider
            .get_code_at(asset)
            .await
            .map_err(ChaosError::rpc("token"))?;
        self.set_code(asset, runtime).await?;
        self.lasting().code.entry(asset).or_insert(before);
        let paused = self.lasting().paused.contains(&asset);
        if paused == (code == TokenCode::Paused) || code == TokenCode::NoCode {
            return Ok(ChaosAnswer::default());
        }
        self.set_paused(asset, !paused).await
    }

    pub(super) async fn set_code(&self, asset: Address, code: Bytes) -> Result<(), ChaosError> {
        let set = self.provider.anvil_set_code(asset, code).await;
        set.map_err(ChaosError::rpc("token"))
    }

    async fn balance_of(&self, asset: Address, account: Address) -> Result<U256, ChaosError> {
        let call = IAssayToken::balanceOfCall { account };
        let request = TransactionRequest::default()
            .with_to(asset)
            .with_input(call.abi_encode());
        let answer = self
            .provider
            .call(request)
            .await
            .map_err(ChaosError::rpc("drain"))?;
        let decoded = IAssayToken::balanceOfCall::abi_decode_returns(&answer);
        decoded.map_err(|error| {
            ChaosError::Contract(ContractError::Answer {
                action: "drain".to_owned(),
                reason: error.to_string(),
            })
        })
    }

    async fn send<C: SolCall>(
        &self,
        action: &'static str,
        from: Address,
        asset: Address,
        call: &C,
    ) -> Result<ChaosAnswer, ChaosError> {
        let sent = self
            .sender
            .send(action, (from, asset), call.abi_encode(), self.mines())
            .await?;
        Ok(ChaosAnswer {
            transaction: Some(sent.hash),
            mined: sent.mined,
            ..ChaosAnswer::default()
        })
    }
}
