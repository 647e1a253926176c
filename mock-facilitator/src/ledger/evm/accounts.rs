//! Well-known development accounts.

use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};

/// The phrase whose accounts development nodes fund.
const PHRASE: &str = "test test test test test test test test test test test junk";

/// The first accounts of the development phrase. Their keys are public: never use them on a real chain.
pub fn dev_signers(count: u32) -> Vec<PrivateKeySigner> {
    (0..count)
        .map(|index| MnemonicBuilder::from_phrase_nth(PHRASE, index))
        .collect()
}
