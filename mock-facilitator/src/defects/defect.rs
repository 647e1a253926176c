//! The defects, one small realistic deviation each.

use crate::nearest::hint;

/// A name that is no defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no facilitator defect `{name}`{hint}")]
pub struct UnknownDefect {
    name: String,
    hint: String,
}

macro_rules! defects {
    ($($defect:ident = $name:literal: $about:literal;)*) => {
        /// One deviation of the facilitator; each leaves the rest of it working.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $about] $defect,)*
        }

        impl Defect {
            /// Every defect, in order.
            pub const ALL: &'static [Self] = &[$(Self::$defect,)*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$defect => $name,)* }
            }

            /// What it does, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$defect => $about,)* }
            }
        }
    };
}

defects! {
    // Verification: what is not compared.
    RecipientNotCompared = "recipient-not-compared": "The signed recipient may be anybody.";
    AmountAtLeast = "amount-at-least": "The signed amount may exceed the required one.";
    AmountNotCompared = "amount-not-compared": "The signed amount may be anything.";
    WindowIgnored = "window-ignored": "`validAfter` and `validBefore` are not looked at.";
    ExpiryMarginMissing = "expiry-margin-missing": "An authorization that expires in a second is valid.";
    SignatureNotChecked = "signature-not-checked": "Any signature is valid.";
    WithoutSimulation = "verify-without-simulation": "Balance, nonce state and the token's own answer are not asked for.";
    AnythingIsValid = "anything-is-valid": "Verify says valid to every well-formed request.";
    CodelessAsset = "codeless-asset-succeeds": "An asset without code passes verify, and settle answers success.";
    V1Refused = "v1-refused": "v1 payments are refused, and `/supported` advertises v1 kinds all the same.";
    UndeployedIsValid = "undeployed-is-valid": "A signature in the form of a wallet that is not deployed yet is valid, whatever is inside.";
    SettlesWithoutSimulation = "settles-without-simulation": "Settle checks what the request says and broadcasts: what reverts costs gas.";
    SchemeNotCompared = "scheme-not-compared": "The payment's scheme is not looked at.";
    NetworkNotCompared = "network-not-compared": "The payment's network is not looked at.";
    AssetNotCompared = "asset-not-compared": "The token is that of the payment, whatever the requirements name.";
    VersionNotChecked = "version-not-checked": "Any version is read as the newest.";
    VersionsMixed = "versions-mixed": "v2 takes the network names of v1.";
    HighSIsValid = "high-s-is-valid": "Any form of a signature is valid that recovers to the payer; the token takes one.";
    MarginTooWide = "margin-too-wide": "An authorization must live for a minute more.";
    // Verification: what it does besides.
    VerifyCached = "verify-cached": "A nonce that was valid once stays valid, whatever is asked with it later.";
    VerifySettles = "verify-settles": "Verify moves the money.";
    VerifyBurnsNonce = "verify-burns-nonce": "A payment verified once is refused by the next verify.";
    SlowNodeAskedAgain = "slow-node-asked-again": "A node that has not answered verify in a fifth of a second is asked again, up to sixty times.";
    // Errors.
    TroubleIsBadSignature = "trouble-is-bad-signature": "When the chain does not answer, the signature is blamed.";
    MalformedIs500 = "malformed-is-500": "What cannot be read is answered 500.";
    ReplayIs500 = "replay-is-500": "A used nonce at settle is answered 500, as if trying again could help.";
    RefusalsAreErrors = "refusals-are-errors": "A refusal is answered 500 with an error text alone.";
    MalformedCrashes = "malformed-crashes": "A payment that cannot be read ends the connection.";
    MissingDomainCrashes = "missing-domain-crashes": "Requirements without name and version are answered 500 without a reason.";
    MalformedSpoilsNext = "malformed-spoils-next": "A request that verify cannot read leaves its reason behind: the next one is refused with it.";
    MissingPartsAreValid = "missing-parts-are-valid": "A request without payment or requirements is called valid.";
    ErrorsTellTraces = "errors-tell-traces": "An error tells the node's URL with its key, and a stack trace.";
    // Answers.
    RefusalWithoutReason = "refusal-without-reason": "Verify refuses without a reason.";
    VerdictAsText = "verdict-as-text": "`isValid` is a text.";
    VerifyWrongPayer = "verify-wrong-payer": "Verify names the recipient as payer.";
    AnswersAsText = "answers-as-text": "Answers have the content type text/plain.";
    SettleNotFound = "settle-not-found": "There is no /settle.";
    SettleShapeDiffers = "settle-shape-differs": "Settle wants other names for the two parts than verify.";
    // Settlement: what counts as success.
    DuplicateNewSuccess = "duplicate-new-success": "A used nonce at settle is answered success, with another transaction.";
    SuccessWithoutTransaction = "success-without-transaction": "Success names no transaction.";
    FailureWithoutReason = "failure-without-reason": "A failed settle gives no reason.";
    DuplicateSuccess = "duplicate-settle-success": "Every settle of one authorization answers success with the one transaction.";
    SuccessOnBroadcast = "success-on-broadcast": "Settle answers success when the transaction is broadcast, not mined.";
    SuccessOnRevert = "success-on-revert": "A transaction that reverted or moved nothing is answered success.";
    SuccessOnPending = "success-on-pending": "A transaction not mined in time is answered success.";
    SuccessWithoutSettling = "success-without-settling": "Settle answers success with an invented transaction; nothing moves.";
    PendingIsFailure = "pending-is-failure": "A transaction not mined in time is answered as failed, without its hash.";
    ReceiptWaitTooShort = "receipt-wait-too-short": "Settle waits a tenth of a second for the block, then answers failed, without the hash.";
    ReceiptWaitEndsEarly = "receipt-wait-ends-early": "Settle waits for the block until six seconds before `validBefore`: what ends sooner is sent, and answered expired.";
    SettleWithoutVerify = "settle-without-verify": "Settle compares nothing: it moves what was signed.";
    // Settlement: the facilitator's own account.
    CollidingNonces = "colliding-nonces": "One account, its nonce read from the last block: settlements at the same time collide.";
    FailureBlocksAccount = "failure-blocks-account": "A settlement that fails leaves a nonce gap: later ones are never mined.";
    // Settlement of `upto`, on the memory ledger.
    UptoCeilingIgnored = "upto-ceiling-ignored": "An `upto` payment is settled for whatever is asked, above the signed ceiling too.";
    UptoPermitsReused = "upto-permits-reused": "An `upto` permit is settled again and again: its nonce is not looked at.";
    UptoSettlesCeiling = "upto-settles-ceiling": "An `upto` payment is settled for its ceiling, whatever is asked.";
    // Receipts.
    ReceiptInventedTransaction = "receipt-invented-transaction": "The money moves, and the answer names another transaction.";
    ReceiptWrongPayer = "receipt-wrong-payer": "The settle answer names the recipient as payer.";
    ReceiptWrongNetwork = "receipt-wrong-network": "The settle answer names another network.";
    FailureWithoutShape = "failure-without-shape": "A failed settle answers neither network, payer nor transaction.";
    // What `/supported` says.
    SupportedWithoutSigners = "supported-without-signers": "`/supported` names neither extensions nor signers.";
    SupportedOtherSigners = "supported-other-signers": "`/supported` names an account that sends nothing.";
    SupportedMixesSpellings = "supported-mixes-spellings": "`/supported` spells networks of v2 as v1 does.";
    SupportedWithoutVersions = "supported-without-versions": "Kinds of `/supported` name no x402Version.";
    SupportedWithoutFeePayer = "supported-without-fee-payer": "Solana kinds of `/supported` name no fee payer.";
    // Discovery: with either of them `/supported` names the extension bazaar.
    BazaarListsAnything = "bazaar-lists-anything": "`/discovery/resources` lists the bazaar information of settled payments as given, whatever its schema says.";
    BazaarFetchesSchemas = "bazaar-fetches-schemas": "What the bazaar schema of a settled payment refers to is fetched (on this machine alone).";
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(name: &str) -> Result<Self, UnknownDefect> {
        Self::ALL
            .iter()
            .copied()
            .find(|defect| defect.name() == name)
            .ok_or_else(|| UnknownDefect {
                name: name.chars().take(80).collect(),
                hint: hint(name, Self::ALL.iter().map(|defect| defect.name())),
            })
    }
}

impl serde::Serialize for Defect {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Defect {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: BTreeSet<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        assert_eq!(names.len(), Defect::ALL.len());
        for defect in Defect::ALL {
            assert_eq!(defect.name().parse(), Ok(*defect));
            assert!(defect.about().ends_with('.'), "{defect}");
        }
    }

    #[test]
    fn an_unknown_name_names_the_nearest() {
        let error = "success-on-brodcast"
            .parse::<Defect>()
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("; did you mean `success-on-broadcast`?"),
            "{error}"
        );
    }
}
