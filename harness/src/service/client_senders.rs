//! The control API's client, for the accounts that settle.

use alloy_primitives::Address;

use super::client::{ControlClient, ControlError};
use super::senders::{Senders, Spent};

impl ControlClient {
    /// What accounts have pending. Refused with status 422 on the memory ledger, which has no accounts' transactions.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn senders(
        &self,
        chain_id: u64,
        accounts: &[Address],
    ) -> Result<Senders, ControlError> {
        let of = list(accounts);
        self.get(&format!("/chain/{chain_id}/senders?of={of}"))
            .await
    }

    /// What transactions of accounts came to, from a block on and at most as far as the answer says.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn spent(
        &self,
        chain_id: u64,
        accounts: &[Address],
        from_block: u64,
    ) -> Result<Spent, ControlError> {
        let of = list(accounts);
        self.get(&format!(
            "/chain/{chain_id}/spent?of={of}&from_block={from_block}"
        ))
        .await
    }
}

fn list(accounts: &[Address]) -> String {
    let named: Vec<String> = accounts.iter().map(Address::to_string).collect();
    named.join(",")
}
