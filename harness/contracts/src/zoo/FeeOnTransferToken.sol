// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssayToken} from "../AssayToken.sol";

/// Keeps one percent (at least one unit) of every transfer for its owner: the payee gets less
/// than was signed.
contract FeeOnTransferToken is AssayToken {
    function move(address from, address to, uint256 value) internal override {
        uint256 fee = value == 0 ? 0 : value / 100 + (value < 100 ? 1 : 0);
        super.move(from, to, value - fee);
        super.move(from, state().owner, fee);
    }
}
