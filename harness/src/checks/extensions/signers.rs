//! Who signed the artifacts of a run, and what that shows.

use alloy_primitives::Address;
use serde_json::Value;
use x402_assay_protocol::offer_receipt::Artifact;
use x402_assay_protocol::{Signature, network};

use super::text;
use crate::checks::judged::evidence_of;
use crate::checks::outcome::Outcome;
use crate::history::Exchange;

/// An eip712 artifact's payload and signer under the prescribed domain; `None` when it has not that form.
pub(super) fn signer_of(artifact: &Value, kind: Artifact) -> Option<(&Value, Option<Address>)> {
    if text(artifact, "format") != Some("eip712") {
        return None;
    }
    let payload = artifact.get("payload")?;
    let signature = Signature::from_hex(text(artifact, "signature")?)?;
    let digest = kind.digest(payload)?;
    Some((payload, signature.recover(&digest)))
}

/// Why an artifact's signature is not looked at.
pub(super) fn unverifiable(artifact: &Value) -> Outcome {
    Outcome::skipped(match text(artifact, "format") {
        Some("jws") => {
            "a jws is verified with the key its kid names, which the bench does not fetch"
        }
        _ => "control missing: the artifact has not the form of eip712",
    })
}

/// Signers that are not the expected one. Any signature recovers to some key; over two payloads only a true one
/// recovers to the same key twice.
#[derive(Debug, Default)]
pub(super) struct Signers<'f, 'h> {
    strangers: Vec<(Address, &'f Exchange<'h>)>,
    payloads: Vec<&'f Value>,
}

impl<'f, 'h> Signers<'f, 'h> {
    /// Judges one artifact; one that was signed by somebody unexpected is kept for [`Self::told`].
    pub(super) fn take(
        &mut self,
        exchange: &'f Exchange<'h>,
        artifact: &'f Value,
        kind: Artifact,
        expected: Option<Address>,
    ) -> Outcome {
        let evidence = evidence_of(exchange);
        let Some((payload, signer)) = signer_of(artifact, kind) else {
            return unverifiable(artifact);
        };
        let Some(signer) = signer else {
            return Outcome::fail("the signature recovers to nobody", evidence);
        };
        if Some(signer) == expected {
            return Outcome::pass("signed by payTo", evidence);
        }
        if let Some(why) = expected.and_then(|owner| made_for(artifact, kind, owner)) {
            return Outcome::fail(why, evidence);
        }
        if !self.payloads.contains(&payload) {
            self.payloads.push(payload);
        }
        self.strangers.push((signer, exchange));
        Outcome::new()
    }

    /// What the unexpected signers show together.
    pub(super) fn told(&self) -> Outcome {
        let Some((first, exchange)) = self.strangers.first() else {
            return Outcome::new();
        };
        let evidence = evidence_of(exchange);
        let other = self.strangers.iter().find(|(signer, _)| signer != first);
        match other {
            Some((other, at)) => Outcome::fail(
                format!("they recover to {first} and to {other}: no one key signed what was sent"),
                [evidence, evidence_of(at)].concat(),
            ),
            None if self.payloads.len() > 1 => {
                Outcome::pass(format!("one key, {first}, signed them all"), evidence)
            }
            None => Outcome::skipped(format!(
                "the only one recovers to {first}, which is not payTo: one signature alone tells nothing"
            )),
        }
    }
}

/// What else a signature of `expected` was made for, when it is not what the extension prescribes.
fn made_for(artifact: &Value, kind: Artifact, expected: Address) -> Option<String> {
    let payload = artifact.get("payload")?;
    let signature = Signature::from_hex(text(artifact, "signature")?)?;
    let chain = text(payload, "network").and_then(network::chain_id);
    let domains = [Artifact::Offer, Artifact::Receipt].map(Artifact::domain_name);
    for domain in domains {
        for chain in [Some(1), chain].into_iter().flatten() {
            let digest = kind.digest_under(payload, domain, chain)?;
            let wrong = domain != kind.domain_name() || chain != 1;
            if wrong && signature.recover(&digest) == Some(expected) {
                return Some(format!(
                    "signed by payTo, but for the domain {domain:?} with chain id {chain}"
                ));
            }
        }
    }
    None
}
