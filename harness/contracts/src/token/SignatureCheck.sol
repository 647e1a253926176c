// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Signature rules of a FiatToken-v2.2-like token: strict ECDSA for accounts without code,
/// ERC-1271 for accounts with code.
library SignatureCheck {
    bytes4 internal constant ERC1271_MAGIC = 0x1626ba7e;

    /// Half of the secp256k1 group order: a larger `s` is the malleable twin of a smaller one.
    uint256 internal constant HALF_ORDER =
        0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    function isValid(address signer, bytes32 digest, bytes memory signature)
        internal
        view
        returns (bool)
    {
        if (signer.code.length == 0) {
            return recover(digest, signature) == signer;
        }
        return isValidByContract(signer, digest, signature);
    }

    function isValidByContract(address signer, bytes32 digest, bytes memory signature)
        internal
        view
        returns (bool)
    {
        (bool ok, bytes memory answer) = signer.staticcall(
            abi.encodeWithSelector(ERC1271_MAGIC, digest, signature)
        );
        return ok && answer.length >= 32 && bytes32(answer) == bytes32(ERC1271_MAGIC);
    }

    /// The signer of `digest`, never the zero address. Takes exactly 65 bytes, low `s`, `v` 27 or 28.
    function recover(bytes32 digest, bytes memory signature) internal pure returns (address) {
        require(signature.length == 65, "ECRecover: invalid signature length");
        bytes32 r;
        bytes32 s;
        uint8 v;
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
            v := byte(0, mload(add(signature, 0x60)))
        }
        require(uint256(s) <= HALF_ORDER, "ECRecover: invalid signature 's' value");
        require(v == 27 || v == 28, "ECRecover: invalid signature 'v' value");
        address signer = ecrecover(digest, v, r, s);
        require(signer != address(0), "ECRecover: invalid signature");
        return signer;
    }
}
