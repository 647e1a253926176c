// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SignatureCheck} from "./token/SignatureCheck.sol";

/// Answers whether a signature is valid for any kind of account: a plain key, a deployed
/// contract (ERC-1271), or a contract that is still to be deployed (ERC-6492 wrapper).
contract SignatureValidator {
    /// Ends an ERC-6492 signature: abi.encode(factory, factoryCalldata, innerSignature) ++ suffix.
    bytes32 private constant WRAPPER_SUFFIX =
        0x6492649264926492649264926492649264926492649264926492649264926492;

    /// Carries the answer out of a frame whose state changes must be undone.
    error Verdict(bool valid);

    /// Validates without leaving a trace: what the factory deployed is rolled back.
    function isValidSig(address signer, bytes32 hash, bytes calldata signature)
        external
        returns (bool)
    {
        (, bytes memory answer) = address(this).call(
            abi.encodeCall(this.isValidSigImpl, (signer, hash, signature, false, false))
        );
        return verdictOf(answer);
    }

    /// Validates and leaves a deployed wallet in place, for calls that follow in one simulation.
    function isValidSigWithSideEffects(address signer, bytes32 hash, bytes calldata signature)
        external
        returns (bool)
    {
        return validate(signer, hash, signature, false);
    }

    /// The common form: without `allowSideEffects` the answer is the revert data `Verdict(bool)`.
    /// `tryPrepare` calls the factory even where the wallet has code (an ERC-6492 "prepare" call).
    function isValidSigImpl(
        address signer,
        bytes32 hash,
        bytes calldata signature,
        bool allowSideEffects,
        bool tryPrepare
    ) external returns (bool valid) {
        valid = validate(signer, hash, signature, tryPrepare);
        if (!allowSideEffects) {
            revert Verdict(valid);
        }
    }

    function validate(address signer, bytes32 hash, bytes calldata signature, bool tryPrepare)
        private
        returns (bool)
    {
        bytes memory inner = signature;
        if (isWrapped(signature)) {
            address factory;
            bytes memory factoryCall;
            (factory, factoryCall, inner) =
                abi.decode(signature[:signature.length - 32], (address, bytes, bytes));
            bool deployed = signer.code.length > 0;
            if (deployed && !tryPrepare && SignatureCheck.isValidByContract(signer, hash, inner)) {
                return true;
            }
            (bool ok,) = factory.call(factoryCall);
            require(ok, "SignatureValidator: deployment failed");
        }
        return SignatureCheck.isValid(signer, hash, inner);
    }

    function isWrapped(bytes calldata signature) private pure returns (bool) {
        return signature.length >= 32
            && bytes32(signature[signature.length - 32:]) == WRAPPER_SUFFIX;
    }

    /// Reads a `Verdict`; any other revert (a bad signature length, a failed deployment) is passed on.
    function verdictOf(bytes memory answer) private pure returns (bool) {
        if (answer.length == 36 && bytes4(answer) == Verdict.selector) {
            return answer[35] == 0x01;
        }
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}
