//! Sign-in proofs without a payment, each wrong in one way, where the challenge declares `sign-in-with-x` for EVM accounts
//! (wire-format section 14.6).
//!
//! All but one are signed by the payer of the good purchases: what is wrong with the proof is then all that stands between
//! it and what this address has paid for.

use chrono::{DateTime, SecondsFormat};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use x402_assay_protocol::sign_in::{EXTENSION, HEADER, encode, prove};
use x402_assay_protocol::{Challenge, PayerKey, Signature, Version};

use super::{Battery, Section};
use crate::client;
use crate::http::now_us;
use crate::runner::session::SendError;

/// Label and index of the key that never pays.
const STRANGER: (&str, u64, u32) = ("sign-in-stranger", 1, 0);
/// Names under which nobody can ever be reached.
const ELSEWHERE: &str = "elsewhere.invalid";
const ELSEWHERE_URI: &str = "https://elsewhere.invalid/";
/// Twice the age at which a proof is too old.
const TOO_OLD_S: i64 = 600;
/// More than any difference between two clocks.
const FUTURE_S: i64 = 600;
/// Age of the proof that has expired, and how long ago it did: it would be young enough.
const EXPIRED_S: (i64, i64) = (120, 60);

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V1 => 0,
        // Where it is declared, a challenge and a request for each proof.
        Version::V2 => 1,
    },
    run: |battery| sign_in(battery).boxed(),
};

/// What a proof is made of.
struct Invitation {
    info: Value,
    chain_id: u64,
    /// Unix seconds on the server's clock.
    now_s: i64,
}

/// A proof that must open nothing.
struct Proof {
    name: &'static str,
    signer: Signer,
    /// Changes what is signed.
    before: fn(&mut Value, i64),
    /// Changes the signed proof.
    after: fn(&mut Value),
}

enum Signer {
    Payer,
    Stranger,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "sign-in/wrong-domain",
        before: |info, _| info["domain"] = json!(ELSEWHERE),
        ..NEVER_PAID.by_payer()
    },
    Proof {
        name: "sign-in/wrong-uri",
        before: |info, _| info["uri"] = json!(ELSEWHERE_URI),
        ..NEVER_PAID.by_payer()
    },
    Proof {
        name: "sign-in/too-old",
        before: |info, now_s| info["issuedAt"] = rfc3339(now_s - TOO_OLD_S),
        ..NEVER_PAID.by_payer()
    },
    Proof {
        name: "sign-in/in-the-future",
        before: |info, now_s| {
            info["issuedAt"] = rfc3339(now_s + FUTURE_S);
            // It is not to have expired before it was issued.
            info["expirationTime"] = rfc3339(now_s + 2 * FUTURE_S);
        },
        ..NEVER_PAID.by_payer()
    },
    Proof {
        name: "sign-in/expired",
        before: |info, now_s| {
            info["issuedAt"] = rfc3339(now_s - EXPIRED_S.0);
            info["expirationTime"] = rfc3339(now_s - EXPIRED_S.1);
        },
        ..NEVER_PAID.by_payer()
    },
    Proof {
        name: "sign-in/bad-signature",
        after: |proof| {
            let good = proof["signature"].as_str().and_then(Signature::from_hex);
            proof["signature"] = json!(good.map(|good| good.with_flipped_byte().to_hex()));
        },
        ..NEVER_PAID.by_payer()
    },
    NEVER_PAID,
];

const NEVER_PAID: Proof = Proof {
    name: "sign-in/never-paid",
    signer: Signer::Stranger,
    before: |_, _| {},
    after: |_| {},
};

impl Proof {
    const fn by_payer(self) -> Self {
        Self {
            signer: Signer::Payer,
            ..self
        }
    }

    fn make(&self, invitation: &Invitation, payer: &PayerKey) -> Value {
        let mut info = invitation.info.clone();
        (self.before)(&mut info, invitation.now_s);
        let mut proof = match self.signer {
            Signer::Payer => prove(&info, invitation.chain_id, payer),
            Signer::Stranger => {
                let (label, seed, index) = STRANGER;
                let stranger = PayerKey::derived(label, seed, index);
                prove(&info, invitation.chain_id, &stranger)
            }
        };
        (self.after)(&mut proof);
        proof
    }
}

async fn sign_in(battery: &Battery<'_>) -> Result<(), SendError> {
    if battery.version != Version::V2 {
        return Ok(());
    }
    let (session, payer) = (battery.session, battery.payer(0));
    for proof in PROOFS {
        // A nonce that was shown before would be a second thing wrong.
        let quote = battery.probe("quote");
        let exchange = session.send(&quote, battery.route, None).await?;
        let challenge = exchange
            .response()
            .and_then(|response| client::read(battery.version, response).ok());
        let now_s = i64::try_from(now_us() / 1_000_000).unwrap_or_default();
        let Some(invitation) = challenge.and_then(|read| invited(&read.challenge, now_s)) else {
            return Ok(());
        };
        let value = encode(&proof.make(&invitation, payer.key()));
        battery
            .ask(proof.name, &|request| {
                request.headers.push((HEADER.to_owned(), value.clone()));
            })
            .await?;
    }
    Ok(())
}

/// What a challenge declares for EVM accounts; `now_s` is our clock, for servers that do not tell their own.
fn invited(challenge: &Challenge, now_s: i64) -> Option<Invitation> {
    let declared = challenge.raw.get("extensions")?.get(EXTENSION)?;
    let info = declared.get("info").filter(|info| info.is_object())?;
    let chain_id = match declared.get("supportedChains") {
        Some(chains) => chains.as_array()?.iter().find_map(evm_chain)?,
        None => {
            let mut offers = challenge.accepts.iter();
            offers.find_map(|offer| eip155(offer.raw.get("network")?))?
        }
    };
    let issued = info.get("issuedAt").and_then(Value::as_str);
    let issued = issued.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    Some(Invitation {
        info: info.clone(),
        chain_id,
        now_s: issued.map_or(now_s, |issued| issued.timestamp()),
    })
}

/// The chain of an entry of `supportedChains` that a plain key can sign for.
fn evm_chain(entry: &Value) -> Option<u64> {
    let is_plain = |name: &str| entry.get(name).is_none_or(|value| value == "eip191");
    eip155(entry.get("chainId")?).filter(|_| is_plain("type") && is_plain("signatureScheme"))
}

fn eip155(network: &Value) -> Option<u64> {
    network.as_str()?.strip_prefix("eip155:")?.parse().ok()
}

fn rfc3339(unix_s: i64) -> Value {
    let moment = DateTime::from_timestamp(unix_s, 0).unwrap_or_default();
    json!(moment.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
#[path = "sign_in_tests.rs"]
mod tests;
