//! How many transactions the facilitator's accounts have had mined.

use super::session::Session;
use crate::service::ControlError;

impl Session<'_> {
    /// The count over all its accounts on one chain, as the bench's ledger knows it; `None` where none is known.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub(super) async fn transactions(&self, chain_id: u64) -> Result<Option<u64>, ControlError> {
        let accounts = &self.access.accounts;
        if accounts.is_empty() && !self.access.is_ours() {
            return Ok(None);
        }
        let counted = self.control.account_nonces(chain_id, accounts).await?;
        let sum = counted.nonces.iter().map(|account| account.nonce).sum();
        Ok((!counted.nonces.is_empty()).then_some(sum))
    }
}
