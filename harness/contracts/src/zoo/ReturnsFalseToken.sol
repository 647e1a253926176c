// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssayToken} from "../AssayToken.sol";

/// Never moves anything and never reverts for lack of funds: `transfer` answers false, and a
/// signed transfer burns its nonce without a Transfer event.
contract ReturnsFalseToken is AssayToken {
    function transfer(address, uint256) external pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }

    function move(address, address, uint256) internal pure override {}
}
