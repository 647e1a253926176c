//! Where our token keeps its state: one struct at a slot of its own (`TokenState.sol`).

use alloy_primitives::{Address, B256, U256, keccak256};

/// Member number of `authorizations` in the struct.
const AUTHORIZATIONS: u64 = 11;

/// The slot of `authorizations[payer][nonce]`.
pub(super) fn authorization_slot(payer: Address, nonce: B256) -> U256 {
    let base = U256::from_be_bytes(keccak256("x402-assay.token.state").0) - U256::ONE;
    let member = base.wrapping_add(U256::from(AUTHORIZATIONS));
    let of_payer = mapped(payer.into_word(), B256::from(member));
    U256::from_be_bytes(mapped(nonce, of_payer).0)
}

/// The slot of a key in the mapping at `slot`.
fn mapped(key: B256, slot: B256) -> B256 {
    keccak256([key.0, slot.0].concat())
}
