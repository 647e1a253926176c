// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Balances} from "./Balances.sol";
import {SignatureCheck} from "./SignatureCheck.sol";

/// EIP-2612: allowances signed off the chain.
abstract contract Permits is Balances {
    bytes32 public constant PERMIT_TYPEHASH = keccak256(
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    );

    function nonces(address account) external view returns (uint256) {
        return state().permitNonces[account];
    }

    function permit(
        address account,
        address spender,
        uint256 value,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        permit(account, spender, value, deadline, abi.encodePacked(r, s, v));
    }

    /// The deadline is inclusive, and the largest integer means none.
    function permit(
        address account,
        address spender,
        uint256 value,
        uint256 deadline,
        bytes memory signature
    ) public whenNotPaused notBlocked(account) notBlocked(spender) {
        require(deadline >= block.timestamp, "FiatTokenV2: permit is expired");
        bytes32 structHash = keccak256(
            abi.encode(
                PERMIT_TYPEHASH, account, spender, value, state().permitNonces[account]++, deadline
            )
        );
        require(
            SignatureCheck.isValid(account, typedDigest(structHash), signature),
            "EIP2612: invalid signature"
        );
        setAllowance(account, spender, value);
    }
}
