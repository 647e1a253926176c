//! The part of an EIP-3009 token's interface that settling needs (wire-format section 5.1).

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{SolCall as _, sol};

use crate::ledger::SignedAuthorization;

sol! {
    interface Token {
        function balanceOf(address account) external view returns (uint256);
        function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
        function DOMAIN_SEPARATOR() external view returns (bytes32);
        function name() external view returns (string);
        function version() external view returns (string);

        event Transfer(address indexed from, address indexed to, uint256 value);
        event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
        event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);
    }

    interface SplitSignature {
        function transferWithAuthorization(
            address from,
            address to,
            uint256 value,
            uint256 validAfter,
            uint256 validBefore,
            bytes32 nonce,
            uint8 v,
            bytes32 r,
            bytes32 s
        ) external;
    }

    interface WholeSignature {
        function transferWithAuthorization(
            address from,
            address to,
            uint256 value,
            uint256 validAfter,
            uint256 validBefore,
            bytes32 nonce,
            bytes signature
        ) external;
    }
}

/// Call data of the settlement: the overload with `v, r, s` for 65 bytes, else the one for smart wallets.
pub(super) fn settlement_call(payment: &SignedAuthorization) -> Bytes {
    let a = &payment.authorization;
    let data = match payment.ecdsa() {
        Some(signature) => SplitSignature::transferWithAuthorizationCall {
            from: a.from,
            to: a.to,
            value: a.value,
            validAfter: a.valid_after,
            validBefore: a.valid_before,
            nonce: a.nonce,
            v: signature.0[64],
            r: B256::from_slice(&signature.0[..32]),
            s: B256::from_slice(&signature.0[32..64]),
        }
        .abi_encode(),
        None => WholeSignature::transferWithAuthorizationCall {
            from: a.from,
            to: a.to,
            value: a.value,
            validAfter: a.valid_after,
            validBefore: a.valid_before,
            nonce: a.nonce,
            signature: payment.signature.clone(),
        }
        .abi_encode(),
    };
    Bytes::from(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, U256, hex};
    use x402_assay_protocol::Authorization;

    fn call_with(signature: Vec<u8>) -> Bytes {
        let authorization = Authorization {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(3),
            valid_after: U256::from(4),
            valid_before: U256::from(5),
            nonce: B256::repeat_byte(6),
        };
        settlement_call(&SignedAuthorization::new(
            Address::repeat_byte(7),
            authorization,
            signature.into(),
        ))
    }

    /// The published selectors of both overloads.
    #[test]
    fn the_length_of_the_signature_picks_the_overload() {
        let mut signature = vec![0xaa; 65];
        signature[64] = 28;
        let split = call_with(signature);
        assert_eq!(split[..4], hex!("e3ee160e"));
        assert_eq!(split.len(), 4 + 9 * 32);
        assert_eq!(split[4 + 6 * 32 + 31], 28);
        assert_eq!(call_with(vec![0xaa; 130])[..4], hex!("cf092995"));
        assert_eq!(call_with(Vec::new())[..4], hex!("cf092995"));
    }
}
