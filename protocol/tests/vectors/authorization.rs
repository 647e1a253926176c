//! EIP-712 digests and signatures, made with another implementation.

use serde_json::Value;
use x402_assay_protocol::eip3009::parse_address;
use x402_assay_protocol::{Authorization, TokenDomain, network};

use crate::file::{Seen, Vector};
use crate::signing::signed;

pub(crate) fn seen(vector: &Vector) -> Seen {
    let message = vector.message();
    let domain = domain(&message["domain"]);
    let mut problems = Vec::new();
    let raw = &message["authorization"];
    let authorization = Authorization::read(raw, "authorization", &mut problems);
    let authorization = authorization.unwrap_or_else(|| panic!("{problems:?}"));
    assert_eq!(authorization.to_json(), *raw, "writing gives what was read");
    agrees_with_the_table(&domain);

    let separator = domain.separator();
    let digest = authorization.digest(&separator);
    signed(&message["key"], &separator, &digest)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the member is a string")
}

fn domain(value: &Value) -> TokenDomain {
    TokenDomain {
        name: text(&value["name"]).to_owned(),
        version: text(&value["version"]).to_owned(),
        chain_id: value["chainId"].as_u64().expect("a chain id is a number"),
        verifying_contract: parse_address(text(&value["verifyingContract"]))
            .expect("the contract is an address"),
    }
}

/// On a network of the table the vectors use its USDC; names may be wrong on purpose.
fn agrees_with_the_table(domain: &TokenDomain) {
    let Some(network) = network::by_chain_id(domain.chain_id) else {
        return;
    };
    assert_eq!(network.usdc, domain.verifying_contract);
    assert_eq!(network.usdc_version, domain.version);
}
