// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Authorizations} from "./token/Authorizations.sol";
import {Permits} from "./token/Permits.sol";

/// The bench's token: answers like FiatToken v2.2 (interface, revert texts, event order).
contract AssayToken is Authorizations, Permits {}
