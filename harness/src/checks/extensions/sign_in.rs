//! Section K: `sign-in-with-x` (wire-format section 14.6).

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;
use url::Url;
use x402_assay_protocol::sign_in::{EXTENSION, HEADER};
use x402_assay_protocol::{Version, header};

use super::{each_declared, text};
use crate::audit::Delivery;
use crate::checks::check::{Check, Grade, Level, Role, V2};
use crate::checks::judged::{Judged, evidence_of, unjudgeable};
use crate::checks::outcome::Outcome;

use crate::history::Exchange;

/// Where nothing is declared no proof is sent, and the challenges say so.
const WRONG: &[&str] = &[
    "unpaid",
    "sign-in/wrong-domain",
    "sign-in/wrong-uri",
    "sign-in/too-old",
    "sign-in/in-the-future",
    "sign-in/expired",
    "sign-in/bad-signature",
];
const ANY: &[&str] = &[
    "unpaid",
    "sign-in/wrong-domain",
    "sign-in/wrong-uri",
    "sign-in/too-old",
    "sign-in/in-the-future",
    "sign-in/expired",
    "sign-in/bad-signature",
    NEVER_PAID,
];
const NEVER_PAID: &str = "sign-in/never-paid";

pub(in crate::checks) const CHALLENGE: Check = Check {
    id: "SRV-EXT-SIWX-001",
    title: "Each sign-in challenge is fresh and for this host",
    requirement: "The challenge has a unique `nonce` of 32 hex digits per 402, `domain` equal to the host, `version` \"1\" and `issuedAt`.",
    observe: "extensions[\"sign-in-with-x\"].info of every challenge, compared with each other.",
    good: "a new 32-digit nonce in every 402",
    bad: "the same nonce twice, or the domain of another host",
    source: "sign-in-with-x, \"Server-Declared Fields\"",
    role: Role::ResourceServer,
    versions: V2,
    level: Level::Must,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: challenge,
    cause: "the sign-in challenge is made once at start-up, or with a configured host name that is not this one",
    fix: "make nonce and issuedAt for each 402, and take the domain from the request's host",
    tags: &["extensions", "CWE-294"],
    killed_by: &[],
};

pub(in crate::checks) const PROOF: Check = Check {
    id: "SRV-EXT-SIWX-002",
    title: "A sign-in proof that is wrong gives no access",
    requirement: "Wrong domain or uri, `issuedAt` older than five minutes or in the future, an expired proof and a bad signature give no free access.",
    observe: "Proofs with one thing wrong, signed for an address that has paid here, validly unless the signature is what is wrong.",
    good: "402, as without a proof",
    bad: "200 with the paid content",
    source: "sign-in-with-x, \"Verification Logic\"",
    probes: WRONG,
    judge: proofs_refused,
    cause: "the signature is checked, and not what it signs (or the other way round)",
    fix: "check domain, uri, times and signature before anything else",
    tags: &["extensions", "CWE-347"],
    ..CHALLENGE
};

pub(in crate::checks) const REPLAY: Check = Check {
    id: "SRV-EXT-SIWX-003",
    title: "A sign-in nonce works once",
    requirement: "A nonce that was used is refused.",
    observe: "Proofs with the same nonce that were sent more than once, after one was let in.",
    good: "the second answer is 402",
    bad: "both are let in",
    source: "sign-in-with-x, \"Verification Logic\"",
    level: Level::Should,
    grade: Grade::Warn,
    judge: replayed,
    cause: "nonces are not kept",
    fix: "keep used nonces until they expire",
    ..CHALLENGE
};

pub(in crate::checks) const STRANGER: Check = Check {
    id: "SRV-EXT-SIWX-004",
    title: "Signing in without ever having paid gives no access",
    requirement: "A valid sign-in by an address that never paid gives no access, unless the route asks for identity alone.",
    observe: "A valid proof by a key that bought nothing.",
    good: "402",
    bad: "200 with the paid content",
    source: "sign-in-with-x, step 4",
    level: Level::Derived,
    probes: &["unpaid", NEVER_PAID],
    judge: stranger,
    cause: "a valid signature counts as a purchase",
    fix: "look up whether this address paid for this resource",
    tags: &["extensions", "CWE-863"],
    ..CHALLENGE
};

pub(in crate::checks) const STATUS: Check = Check {
    id: "SRV-EXT-SIWX-005",
    title: "How a wrong sign-in proof is answered",
    requirement: "No status is prescribed for a proof that is refused; it is recorded.",
    observe: "The status of every refused proof.",
    good: "402, 400 or 401",
    bad: "nothing: this is recorded only",
    source: "silent; the TypeScript SDK answers a plain 402",
    level: Level::Open,
    grade: Grade::Info,
    probes: ANY,
    judge: statuses,
    cause: "a choice of the server",
    fix: "nothing needs to change",
    tags: &["extensions"],
    ..CHALLENGE
};

fn challenge(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let host = judged
        .facts
        .run
        .and_then(|run| Url::parse(&run.target_url).ok());
    let mut nonces: BTreeMap<&str, u32> = BTreeMap::new();
    each_declared(judged, version, EXTENSION, |exchange, _, declared| {
        let evidence = evidence_of(exchange);
        let Some(info) = declared.get("info") else {
            return Outcome::fail("the declaration has no info", evidence);
        };
        match problem_of(info, host.as_ref()) {
            Some(why) => Outcome::fail(why, evidence),
            None => Outcome::pass("nonce, domain, version and issuedAt are there", evidence),
        }
    })
    .merge(each_nonce(judged, version, &mut nonces))
}

fn each_nonce<'f>(
    judged: &Judged<'f, '_>,
    version: Version,
    seen: &mut BTreeMap<&'f str, u32>,
) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.unpaid(version) {
        let challenge = exchange.challenge(version);
        let info =
            challenge.and_then(|challenge| super::declared(challenge, EXTENSION)?.get("info"));
        let Some(nonce) = info.and_then(|info| text(info, "nonce")) else {
            continue;
        };
        if let Some(first) = seen.insert(nonce, exchange.number()) {
            let text = format!("the nonce of exchange {first} came again");
            outcome.add(Outcome::fail(text, evidence_of(exchange)));
        }
    }
    outcome
}

fn problem_of(info: &Value, target: Option<&Url>) -> Option<String> {
    let nonce = text(info, "nonce").unwrap_or_default();
    if nonce.len() != 32 || !nonce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(format!("nonce {nonce:?} is not 32 hex digits"));
    }
    if text(info, "version") != Some("1") {
        return Some("version is not \"1\"".to_owned());
    }
    let issued = text(info, "issuedAt").unwrap_or_default();
    if DateTime::parse_from_rfc3339(issued).is_err() {
        return Some(format!("issuedAt {issued:?} is no RFC 3339 time"));
    }
    let domain = text(info, "domain").unwrap_or_default();
    let target = target?;
    let host = target.host_str()?;
    // A profile may leave the port open (`{port}`): the name alone is compared then.
    let (name, port) = match domain.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, port.parse().ok())
        }
        _ => (domain, None),
    };
    let other_port = port.is_some() && target.port().is_some() && port != target.port();
    (other_port || !name.eq_ignore_ascii_case(host))
        .then(|| format!("domain {domain:?} is not the host {host:?}"))
}

fn proofs_refused(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    no_access_by(judged, version, WRONG)
}

fn stranger(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let unpaid = judged.facts.unpaid(version);
    let mut challenges = unpaid
        .iter()
        .filter_map(|exchange| exchange.challenge(version));
    if challenges.any(|challenge| challenge.accepts.is_empty()) {
        return Outcome::skipped("the route asks for identity alone: its accepts is empty");
    }
    no_access_by(judged, version, &[NEVER_PAID])
}

/// The requests of these probes that carried a proof.
fn proofs<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probes: &'static [&'static str],
) -> impl Iterator<Item = &'f Exchange<'h>> {
    let facts = judged.facts;
    let signing = probes.iter().filter(|probe| **probe != "unpaid");
    signing.flat_map(move |probe| facts.probe(version, probe))
}

fn no_access_by(
    judged: &Judged<'_, '_>,
    version: Version,
    probes: &'static [&'static str],
) -> Outcome {
    let refused = proofs(judged, version, probes)
        .map(|exchange| no_access(judged, exchange))
        .reduce(Outcome::merge);
    match refused {
        Some(outcome) => judged.with_control(version, outcome),
        None => not_sent(judged, version),
    }
}

/// Why there was no proof to send.
fn not_sent(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let unpaid = judged.facts.unpaid(version);
    let mut challenges = unpaid
        .iter()
        .filter_map(|exchange| exchange.challenge(version));
    Outcome::skipped(
        match challenges.any(|challenge| super::declared(challenge, EXTENSION).is_some()) {
            true => format!(
                "no proof was sent: {EXTENSION} is declared for no account of an EVM chain (supportedChains of type eip191)"
            ),
            false => format!("the challenge does not declare {EXTENSION}"),
        },
    )
}

fn no_access<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let probe = exchange.probe();
    match judged.books.delivery(exchange) {
        Delivery::Content => Outcome::given(
            format!("{probe}: the paid content was delivered"),
            evidence_of(exchange),
        ),
        Delivery::OtherSuccess => Outcome::warn(
            format!(
                "{probe}: answered {} without the paid content",
                exchange.ending()
            ),
            evidence_of(exchange),
        ),
        Delivery::Nothing => unjudgeable(exchange).unwrap_or_else(|| {
            let text = format!("{probe} refused with {}", exchange.ending());
            Outcome::pass(text, evidence_of(exchange))
        }),
    }
}

fn replayed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut let_in: BTreeMap<String, &Exchange<'_>> = BTreeMap::new();
    let mut outcome = Outcome::new();
    for exchange in &judged.facts.exchanges {
        let nonce = (exchange.version() == Some(version))
            .then(|| nonce_of(exchange))
            .flatten();
        let Some(nonce) = nonce else { continue };
        let entered = judged.books.delivery(exchange) == Delivery::Content;
        match let_in.get(&nonce) {
            Some(first) if entered => outcome.add(Outcome::warn(
                "a proof with a used nonce was let in again",
                vec![first.evidence(), exchange.evidence()],
            )),
            Some(first) => outcome.add(Outcome::pass(
                "a used nonce was refused",
                vec![first.evidence(), exchange.evidence()],
            )),
            None if entered => {
                let_in.insert(nonce, exchange);
            }
            None => {}
        }
    }
    outcome.or_skipped("no proof was sent again after it had been let in")
}

/// The nonce of the sign-in proof an exchange carries.
fn nonce_of(exchange: &Exchange<'_>) -> Option<String> {
    let (_, value) = exchange
        .sent
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(HEADER))?;
    let decoded = header::decode(exchange.whole(value).as_bytes()).ok()?;
    text(&decoded.value, "nonce").map(str::to_owned)
}

fn statuses(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    proofs(judged, version, ANY)
        .filter(|exchange| !exchange.is_success())
        .map(|exchange| {
            let text = format!("{} answered {}", exchange.probe(), exchange.ending());
            Outcome::info(text, evidence_of(exchange))
        })
        .reduce(Outcome::merge)
        .unwrap_or_else(|| match proofs(judged, version, ANY).next() {
            Some(_) => Outcome::skipped("every proof was let in"),
            None => not_sent(judged, version),
        })
}
