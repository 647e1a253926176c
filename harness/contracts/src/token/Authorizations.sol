// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Balances} from "./Balances.sol";
import {SignatureCheck} from "./SignatureCheck.sol";

/// EIP-3009: transfers and cancellations signed off the chain, each nonce used at most once.
abstract contract Authorizations is Balances {
    bytes32 public constant TRANSFER_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant RECEIVE_WITH_AUTHORIZATION_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );
    bytes32 public constant CANCEL_AUTHORIZATION_TYPEHASH =
        keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");

    event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce);
    event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce);

    /// True once the nonce was used or cancelled.
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool) {
        return state().authorizations[authorizer][nonce];
    }

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
    ) external {
        transferWithAuthorization(
            from, to, value, validAfter, validBefore, nonce, abi.encodePacked(r, s, v)
        );
    }

    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) public whenNotPaused notBlocked(from) notBlocked(to) {
        bytes32 structHash = keccak256(
            abi.encode(
                TRANSFER_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
            )
        );
        requireWindow(validAfter, validBefore);
        if (spendNonce(from, nonce, structHash, signature)) {
            move(from, to, value);
        }
    }

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external {
        receiveWithAuthorization(
            from, to, value, validAfter, validBefore, nonce, abi.encodePacked(r, s, v)
        );
    }

    /// As `transferWithAuthorization`, but only the payee may send it.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes memory signature
    ) public whenNotPaused notBlocked(from) notBlocked(to) {
        require(to == msg.sender, "FiatTokenV2: caller must be the payee");
        bytes32 structHash = keccak256(
            abi.encode(
                RECEIVE_WITH_AUTHORIZATION_TYPEHASH, from, to, value, validAfter, validBefore, nonce
            )
        );
        requireWindow(validAfter, validBefore);
        if (spendNonce(from, nonce, structHash, signature)) {
            move(from, to, value);
        }
    }

    function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)
        external
    {
        cancelAuthorization(authorizer, nonce, abi.encodePacked(r, s, v));
    }

    function cancelAuthorization(address authorizer, bytes32 nonce, bytes memory signature)
        public
        whenNotPaused
    {
        requireUnused(authorizer, nonce);
        requireSignature(
            authorizer,
            keccak256(abi.encode(CANCEL_AUTHORIZATION_TYPEHASH, authorizer, nonce)),
            signature
        );
        state().authorizations[authorizer][nonce] = true;
        emit AuthorizationCanceled(authorizer, nonce);
    }

    /// Checks and burns the nonce; false tells the caller to move nothing. The zoo overrides it.
    function spendNonce(
        address authorizer,
        bytes32 nonce,
        bytes32 structHash,
        bytes memory signature
    ) internal virtual returns (bool) {
        requireUnused(authorizer, nonce);
        requireSignature(authorizer, structHash, signature);
        state().authorizations[authorizer][nonce] = true;
        emit AuthorizationUsed(authorizer, nonce);
        return true;
    }

    function requireWindow(uint256 validAfter, uint256 validBefore) private view {
        require(block.timestamp > validAfter, "FiatTokenV2: authorization is not yet valid");
        require(block.timestamp < validBefore, "FiatTokenV2: authorization is expired");
    }

    function requireUnused(address authorizer, bytes32 nonce) private view {
        require(
            !state().authorizations[authorizer][nonce],
            "FiatTokenV2: authorization is used or canceled"
        );
    }

    function requireSignature(address signer, bytes32 structHash, bytes memory signature)
        private
        view
    {
        require(
            SignatureCheck.isValid(signer, typedDigest(structHash), signature),
            "FiatTokenV2: invalid signature"
        );
    }
}
