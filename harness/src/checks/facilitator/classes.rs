//! Reasons by class (wire-format section 12): the spellings differ between implementations, the classes do not.

/// Parts of reason codes, and the class they belong to; the first that is found counts.
const PARTS: &[(&str, &str)] = &[
    ("valid_before", "expired"),
    ("deadline_expired", "expired"),
    ("expired", "expired"),
    ("valid_after", "not_yet_valid"),
    ("not_yet_valid", "not_yet_valid"),
    ("early", "not_yet_valid"),
    ("nonce", "replay"),
    ("duplicate_settlement", "replay"),
    ("already_used", "replay"),
    ("insufficient", "funds"),
    ("recipient", "recipient"),
    ("destination", "recipient"),
    ("asset", "asset"),
    ("eip3009_not_supported", "asset"),
    ("signature", "signature"),
    ("allowance", "allowance"),
    ("x402_version", "version"),
    ("unsupported_version", "version"),
    ("invalid_version", "version"),
    ("network", "network"),
    ("chain_id", "network"),
    ("unsupported_chain", "network"),
    ("scheme", "scheme"),
    ("simulation", "simulation"),
    ("settlement_pending", "pending"),
    ("transaction_failed", "onchain_failed"),
    ("transaction_state", "onchain_failed"),
    ("transfer_event_mismatch", "onchain_failed"),
    ("token_name_mismatch", "signature"),
    ("token_version_mismatch", "signature"),
    ("value", "amount"),
    ("amount", "amount"),
    ("unexpected", "internal"),
    ("invalid_json", "malformed"),
    ("missing_parameters", "malformed"),
    ("invalid_payload", "malformed"),
    ("invalid_format", "malformed"),
    ("payload", "malformed"),
    ("requirements", "malformed"),
];

/// The class of a reason, if it is known.
pub(super) fn class(reason: &str) -> Option<&'static str> {
    // Settle may add what the node said: the code stands before it.
    let code = reason.split([':', ' ']).next().unwrap_or_default();
    let code = code.to_ascii_lowercase();
    let found = PARTS.iter().find(|(part, _)| code.contains(part));
    found.map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_family_find_their_class() {
        for (reason, wanted) in [
            (
                "invalid_exact_evm_payload_authorization_valid_before",
                Some("expired"),
            ),
            ("invalid_payment_expired", Some("expired")),
            ("invalid_payment_early", Some("not_yet_valid")),
            ("invalid_exact_evm_nonce_already_used", Some("replay")),
            ("invalid_exact_evm_insufficient_balance", Some("funds")),
            (
                "invalid_exact_evm_payload_recipient_mismatch",
                Some("recipient"),
            ),
            (
                "invalid_exact_evm_payload_authorization_value_mismatch",
                Some("amount"),
            ),
            ("invalid_exact_evm_payload_signature", Some("signature")),
            (
                "invalid_exact_evm_transaction_failed: execution reverted: nonce used",
                Some("onchain_failed"),
            ),
            ("chain_id_mismatch", Some("network")),
            ("unsupported_scheme", Some("scheme")),
            ("no", None),
        ] {
            assert_eq!(class(reason), wanted, "{reason}");
        }
    }
}
