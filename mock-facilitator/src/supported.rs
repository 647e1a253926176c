//! `GET /supported`: every network of the table, so that no SDK server exits at boot (wire-format section 3.7).

use serde_json::{Map, Value, json};
use x402_assay_protocol::facilitator::{SupportedKind, SupportedResponse};
use x402_assay_protocol::network::{self, NETWORKS, SOLANA};
use x402_assay_protocol::upto;

use crate::facilitator::Facilitator;
use crate::ledger::Ledger;

/// Fee payer advertised for Solana: a well-formed public key. This facilitator settles nothing there.
pub const SOLANA_FEE_PAYER: &str = "6NXePcxtPyeJn6ZKvfGbqBwt4cYSbtsvc1Vx8m98FtvT";

/// What this facilitator answers.
pub(crate) fn supported(facilitator: &Facilitator) -> SupportedResponse {
    let ledgers = facilitator.ledgers();
    let mut kinds: Vec<SupportedKind> = NETWORKS
        .iter()
        .filter_map(|network| network.v1_name)
        .map(|name| kind(1, name, None))
        .collect();
    kinds.extend(SOLANA.iter().map(|(_, name)| kind(1, name, fee_payer())));
    kinds.extend(NETWORKS.iter().map(|n| kind(2, n.caip2, None)));
    kinds.extend(
        ledgers
            .iter()
            .filter(|ledger| network::by_chain_id(ledger.chain_id()).is_none())
            .map(|ledger| kind(2, &network::caip2(ledger.chain_id()), None)),
    );
    kinds.extend(SOLANA.iter().map(|(caip2, _)| kind(2, caip2, fee_payer())));
    kinds.extend(
        ledgers
            .iter()
            .filter_map(|ledger| upto_kind(ledger.as_ref())),
    );

    let mut addresses: Vec<String> = Vec::new();
    for signer in ledgers.iter().flat_map(|ledger| ledger.signers()) {
        let address = signer.to_checksum(None);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let mut signers = Map::new();
    signers.insert("eip155:*".to_owned(), json!(addresses));
    signers.insert("solana:*".to_owned(), json!([SOLANA_FEE_PAYER]));
    SupportedResponse {
        kinds,
        extensions: Vec::new(),
        signers,
    }
}

fn kind(x402_version: u64, network: &str, extra: Option<Value>) -> SupportedKind {
    SupportedKind {
        x402_version,
        scheme: "exact".to_owned(),
        network: network.to_owned(),
        extra,
    }
}

/// `upto` on a ledger that can settle it: on a chain Permit2 and its proxy are stubs.
fn upto_kind(ledger: &dyn Ledger) -> Option<SupportedKind> {
    ledger.permits()?;
    let signer = ledger.signers().first()?.to_checksum(None);
    Some(SupportedKind {
        scheme: upto::SCHEME.to_owned(),
        ..kind(
            2,
            &network::caip2(ledger.chain_id()),
            Some(json!({ (upto::FACILITATOR_ADDRESS): signer })),
        )
    })
}

fn fee_payer() -> Option<Value> {
    Some(json!({ "feePayer": SOLANA_FEE_PAYER }))
}
