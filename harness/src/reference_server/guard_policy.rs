//! What the replay guard goes by, and the ways to get it wrong.

use std::time::Duration;

use alloy_primitives::{Address, B256, Keccak256, keccak256};

use super::defects::Defect;
use super::incoming::Presented;
use super::options::ReferenceServerOptions;
use super::variants::Variant;

/// How long the forgetful guard remembers: less than a settlement takes.
const FORGETS_AFTER: Duration = Duration::from_millis(500);

/// What tells two payments apart: a digest, since hundreds of thousands of them are remembered under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(B256);

impl Key {
    /// (payer, nonce): what the token itself consumes once.
    fn authorization(payer: Address, nonce: B256) -> Self {
        let mut digest = Keccak256::new();
        digest.update(payer);
        digest.update(nonce);
        Self(digest.finalize())
    }

    /// Something as it was written, which a client can write in another way.
    pub(super) fn text(text: &[u8]) -> Self {
        Self(keccak256(text))
    }
}

/// When a payment is noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Insert {
    /// In the same moment in which it is looked up.
    #[default]
    AtOnce,
    /// When verify has said yes.
    AfterVerify,
    /// When it is settled.
    AfterSettle,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Keying {
    #[default]
    Authorization,
    Header,
    NonceText,
}

/// How the guard works; the default is right.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy {
    /// Everything passes.
    pub(super) off: bool,
    /// Nothing is ever given back.
    pub(super) burns: bool,
    /// When a payment is noted.
    pub(super) insert: Insert,
    /// How long it is remembered, if not until it has expired.
    pub(super) forgets_after: Option<Duration>,
    /// What a payment is known by.
    pub(super) keying: Keying,
}

impl Policy {
    /// The policy of a server with these switches.
    pub(super) fn of(options: &ReferenceServerOptions) -> Self {
        let has = |defect| options.defects.has(defect);
        let insert = if has(Defect::GuardInsertsAfterVerify) {
            Insert::AfterVerify
        } else if has(Defect::GuardInsertsAfterSettle) {
            Insert::AfterSettle
        } else {
            Insert::AtOnce
        };
        let keying = if has(Defect::GuardKeyedByHeader) {
            Keying::Header
        } else if has(Defect::GuardKeyedByNonceText) {
            Keying::NonceText
        } else {
            Keying::Authorization
        };
        Self {
            off: options.variants.has(Variant::NoReplayGuard)
                || has(Defect::AlreadySettledIsSuccess),
            burns: has(Defect::GuardBurnsNonce),
            insert,
            forgets_after: has(Defect::GuardForgetsEarly).then_some(FORGETS_AFTER),
            keying,
        }
    }

    /// What this guard knows a payment by.
    pub(super) fn key(&self, payment: &Presented) -> Key {
        let authorization = &payment.authorization;
        match self.keying {
            Keying::Authorization => Key::authorization(authorization.from, authorization.nonce),
            Keying::Header => Key::text(&payment.header),
            Keying::NonceText => {
                let payload = &payment.raw["payload"];
                let signed = ["authorization", "permit2Authorization"].map(|name| &payload[name]);
                let text = signed.iter().find_map(|signed| signed["nonce"].as_str());
                Key::text(text.unwrap_or_default().as_bytes())
            }
        }
    }
}

/// Whether a settlement that is refused because the nonce is used counts as the server's own earlier one. Sound only
/// behind a guard that lets each authorization pass once; each of these lets it pass more often.
pub(super) fn believes_used(options: &ReferenceServerOptions) -> bool {
    [
        Defect::AlreadySettledIsSuccess,
        Defect::GuardInsertsAfterVerify,
        Defect::GuardInsertsAfterSettle,
        Defect::GuardKeyedByHeader,
        Defect::GuardKeyedByNonceText,
        Defect::GuardForgetsEarly,
    ]
    .into_iter()
    .any(|defect| options.defects.has(defect))
}
