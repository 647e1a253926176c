// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssayToken} from "../AssayToken.sol";

/// A used nonce does not revert: the transaction succeeds and moves nothing, so its status
/// alone proves no payment.
contract SilentNonceToken is AssayToken {
    function spendNonce(
        address authorizer,
        bytes32 nonce,
        bytes32 structHash,
        bytes memory signature
    ) internal override returns (bool) {
        if (state().authorizations[authorizer][nonce]) {
            return false;
        }
        return super.spendNonce(authorizer, nonce, structHash, signature);
    }
}
