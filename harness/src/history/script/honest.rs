//! The script of a run against a server that does everything right.

use alloy_primitives::Address;
use serde_json::{Value, json};
use x402_assay_protocol::{Version, header, network};

use super::super::direct;
use super::super::event::{RunStarted, Signed};
use super::{Call, Moves, Payment, Probe, Reply, Script};

/// What the paid route sells.
pub(crate) const CONTENT: &str = r#"{"secret":"paid-content-7f3a","serial":"0001"}"#;
/// Text that only the paid content holds.
const MARKER: &str = "paid-content-7f3a";
/// What is offered, base units.
const AMOUNT: u64 = 10_000;

/// An address of one byte repeated.
pub(crate) const fn address(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

/// A message as a header carries it.
pub(crate) fn encode(message: &Value) -> String {
    header::encode(message)
}

/// The offer of a generation.
pub(crate) fn offer(version: Version) -> Value {
    let usdc = network::by_chain_id(84_532)
        .expect("the table holds Base Sepolia")
        .usdc_domain();
    let mut offer = json!({
        "scheme": "exact",
        "network": if version == Version::V1 { "base-sepolia" } else { "eip155:84532" },
        "asset": usdc.verifying_contract.to_string(),
        "payTo": address(0xbb).to_string(),
        "maxTimeoutSeconds": 60,
        "extra": {"name": usdc.name, "version": usdc.version},
    });
    offer[version.amount_field()] = json!(AMOUNT.to_string());
    if version == Version::V1 {
        offer["resource"] = json!("http://127.0.0.1/paid");
        offer["description"] = json!("");
    }
    offer
}

/// The v2 challenge.
pub(crate) fn challenge_v2() -> Value {
    json!({
        "x402Version": 2,
        "error": "Payment required",
        "resource": {"url": "http://127.0.0.1/paid"},
        "accepts": [offer(Version::V2)],
    })
}

/// The v1 challenge.
pub(crate) fn challenge_v1() -> Value {
    json!({
        "x402Version": 1,
        "error": "X-PAYMENT header is required",
        "accepts": [offer(Version::V1)],
    })
}

/// The 402 of a generation, with an error text.
pub(super) fn refusal(version: Version, error: &str) -> Reply {
    match version {
        Version::V1 => {
            let mut challenge = challenge_v1();
            challenge["error"] = json!(error);
            Reply::answer(402, &challenge.to_string()).with("content-type", "application/json")
        }
        Version::V2 => {
            let mut challenge = challenge_v2();
            challenge["error"] = json!(error);
            Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge))
        }
    }
}

impl Script {
    /// A whole run against an honest server of one generation.
    pub(crate) fn honest(version: Version) -> Self {
        Self::empty().and_honest(version)
    }

    /// A run in which nothing was sent.
    pub(crate) fn empty() -> Self {
        Self {
            run: Some(setup()),
            probes: Vec::new(),
            asks_supported: true,
            counts_runs: false,
            more_ledger: Vec::new(),
            notes: Vec::new(),
            rests: true,
            ending: Some((false, None)),
        }
    }

    /// Adds the battery of one generation.
    pub(crate) fn and_honest(mut self, version: Version) -> Self {
        let name = |probe: &str| format!("{version}/{probe}");
        let unpaid = || refusal(version, "Payment required");
        for probe in ["unpaid-again", "unpaid", "quote"] {
            self = self.then(Probe::new(&name(probe), unpaid()));
        }
        self = self.then(sale(version, "good"));
        let mut replay = refused(version, "replay", "invalid_exact_evm_nonce_already_used");
        replay.payment = Some(Payment::Again(name("good")));
        self = self.then(replay).then(sale(version, "good-2"));
        for (probe, reason) in VERIFIED {
            self = self.then(refused(version, probe, reason));
        }
        for probe in UNMATCHED {
            let mut probe = refused(version, probe, "");
            probe.alone();
            self = self.then(probe);
        }
        for (probe, text) in MALFORMED {
            let mut probe = Probe::new(&name(probe), unpaid());
            probe.payment = Some(Payment::Raw((*text).to_owned()));
            self = self.then(probe);
        }
        if version == Version::V2 {
            for probe in SHAPES {
                let mut probe = Probe::new(&name(probe), unpaid());
                probe.payment = Some(Payment::Raw("eyJ4NDAyVmVyc2lvbiI6Mn0=".to_owned()));
                self = self.then(probe);
            }
            self = self.then(supported());
        }
        self = self.then(Probe::new(&name("privacy/host"), unpaid()));
        let mut page = Probe::new(&name("privacy/markup-query"), unpaid());
        page.header("content-type", Some("text/html"));
        page.body("<!doctype html><p>Pay for &lt;script&gt;");
        self.then(page)
    }
}

/// Payments that the facilitator refuses, and why.
const VERIFIED: &[(&str, &str)] = &[
    ("mutation", "invalid_exact_evm_signature"),
    (
        "wrong/expired",
        "invalid_exact_evm_payload_authorization_valid_before",
    ),
    (
        "wrong/not-yet-valid",
        "invalid_exact_evm_payload_authorization_valid_after",
    ),
    (
        "wrong/amount-low-unclaimed",
        "invalid_exact_evm_payload_authorization_value_mismatch",
    ),
    (
        "wrong/pay-to-unclaimed",
        "invalid_exact_evm_recipient_mismatch",
    ),
    ("wrong/asset-unclaimed", "invalid_exact_evm_signature"),
];
/// Payments that the server refuses by matching.
const UNMATCHED: &[&str] = &[
    "wrong/amount-low",
    "wrong/pay-to",
    "wrong/asset",
    "wrong/network",
    "wrong/scheme",
];
const MALFORMED: &[(&str, &str)] = &[
    ("malformed/not-base64", "!!!not-base64!!!"),
    ("malformed/not-json", "bm90IGpzb24="),
    ("malformed/json-array", "W10="),
    ("malformed/json-null", "bnVsbA=="),
    ("malformed/json-string", "Ingi"),
    ("malformed/empty-object", "e30="),
    ("malformed/truncated-base64", "eyJ4NDAyVmVyc2lv"),
];
const SHAPES: &[&str] = &[
    "shape/missing-accepted",
    "shape/missing-payload",
    "shape/missing-authorization",
    "shape/missing-signature",
    "shape/number-for-string",
];

/// A direct question to the facilitator.
fn supported() -> Probe {
    let kinds = json!({"kinds": [
        {"x402Version": 1, "scheme": "exact", "network": "base-sepolia"},
        {"x402Version": 2, "scheme": "exact", "network": "eip155:84532"},
        {"x402Version": 2, "scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
    ]});
    Probe {
        route: direct::ROUTE.to_owned(),
        path: Some("/supported".to_owned()),
        ..Probe::new(
            "v2/challenge/supported",
            Reply::answer(200, &kinds.to_string()),
        )
    }
}

pub(super) fn sale(version: Version, name: &str) -> Probe {
    let reply = Reply::answer(200, CONTENT).with(version.settlement_header(), "receipt");
    Probe {
        payment: Some(Payment::Fresh(None)),
        calls: vec![Call::verify(true), Call::settle(true)],
        moves: vec![Moves::default()],
        runs: 1,
        ..Probe::new(&format!("{version}/{name}"), reply)
    }
}

pub(super) fn refused(version: Version, name: &str, reason: &'static str) -> Probe {
    let wrong = name.strip_prefix("wrong/").unwrap_or("signature-flipped");
    Probe {
        payment: Some(Payment::Fresh(Some(wrong.to_owned()))),
        calls: vec![Call::verify(false).because(reason)],
        ..Probe::new(&format!("{version}/{name}"), refusal(version, reason))
    }
}

fn setup() -> RunStarted {
    RunStarted {
        bench_version: "0.1.0".to_owned(),
        seed: 7,
        target_kind: "server".to_owned(),
        target_name: "shop".to_owned(),
        target_url: "http://127.0.0.1:3000/paid".to_owned(),
        chain_requested: "auto".to_owned(),
        chain_used: "anvil".to_owned(),
        chain_reason: None,
        node: None,
        facilitator_url: "http://127.0.0.1:4402".to_owned(),
        rpc_url: Some("http://127.0.0.1:8545".to_owned()),
        marker: Some(MARKER.to_owned()),
        counts_executions: false,
        idempotent_replay: false,
        flow: "authorization".to_owned(),
        dynamic_price: false,
        payers: vec![address(0xaa)],
        command: None,
        again: None,
    }
}

/// The payment message for a signed authorization; its signature is none.
pub(super) fn payment(version: Version, signed: &Signed) -> Value {
    let payload = json!({
        "signature": format!("0x{}", "11".repeat(65)),
        "authorization": {
            "from": signed.key.payer.to_string(),
            "to": signed.to.to_string(),
            "value": signed.value.to_string(),
            "validAfter": signed.valid_after.to_string(),
            "validBefore": signed.valid_before.to_string(),
            "nonce": signed.key.nonce.to_string(),
        },
    });
    match version {
        Version::V1 => json!({
            "x402Version": 1,
            "scheme": "exact",
            "network": offer(version)["network"],
            "payload": payload,
        }),
        Version::V2 => json!({
            "x402Version": 2,
            "accepted": offer(version),
            "payload": payload,
        }),
    }
}
