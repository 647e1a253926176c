//! What `/supported` says that the bench can use.

use alloy_primitives::Address;
use serde_json::Value;
use x402_assay_protocol::{Network, Version, network};

use crate::http::Exchange;

/// Kinds that are named as not payable at most.
const FOREIGN_MAX: usize = 16;

/// What can be tried.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// It is an object with a list of kinds.
    pub(super) is_readable: bool,
    /// The network to pay on.
    pub(super) network: Option<&'static Network>,
    /// Generations of `exact` there, the newest first.
    pub(super) versions: Vec<Version>,
    /// EVM accounts that settle.
    pub(super) signers: Vec<Address>,
    pub(super) extensions: Vec<String>,
    /// What the bench has no payer for, as `scheme on network`.
    pub(super) foreign: Vec<String>,
}

impl Kinds {
    pub(super) fn read(
        exchange: &Exchange,
        wanted: Option<&'static Network>,
        versions: Option<&[Version]>,
    ) -> Self {
        let answer = exchange.response().filter(|answer| answer.is_success());
        let body = answer.and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok());
        body.map_or_else(Self::default, |body| Self::of(&body, wanted, versions))
    }

    fn of(body: &Value, wanted: Option<&'static Network>, versions: Option<&[Version]>) -> Self {
        let Some(kinds) = body.get("kinds").and_then(Value::as_array) else {
            return Self::default();
        };
        let spoken = |network: &Network| -> Vec<Version> {
            let all = [Version::V2, Version::V1].into_iter();
            all.filter(|version| versions.is_none_or(|wanted| wanted.contains(version)))
                .filter(|version| kinds.iter().any(|kind| pays(kind, network, *version)))
                .collect()
        };
        let usual = network::by_chain_id(network::DEFAULT_CHAIN_ID).into_iter();
        let candidates: Vec<&'static Network> = match wanted {
            Some(network) => vec![network],
            None => usual.chain(network::NETWORKS.iter()).collect(),
        };
        let network = candidates
            .into_iter()
            .find(|network| !spoken(network).is_empty());
        let texts = |value: Option<&Value>| -> Vec<String> {
            let list = value.and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        let signers = body.get("signers").and_then(Value::as_object);
        let signers = signers.into_iter().flatten();
        Self {
            is_readable: true,
            network,
            versions: network.map(spoken).unwrap_or_default(),
            signers: signers
                .flat_map(|(_, list)| texts(Some(list)))
                .filter_map(|text| text.parse().ok())
                .collect(),
            extensions: texts(body.get("extensions")),
            foreign: foreign(kinds),
        }
    }
}

fn text<'v>(kind: &'v Value, name: &str) -> &'v str {
    kind.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn pays(kind: &Value, network: &Network, version: Version) -> bool {
    let names = match version {
        Version::V1 => [network.v1_name.unwrap_or_default(), network.caip2],
        Version::V2 => [network.caip2, "eip155:*"],
    };
    let number = kind.get("x402Version").and_then(Value::as_u64);
    text(kind, "scheme") == "exact"
        && number == Some(version.number())
        && names.contains(&text(kind, "network"))
        && (version == Version::V2 || network.v1_name.is_some())
}

/// Kinds of other schemes, and of networks that are no EVM's.
fn foreign(kinds: &[Value]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for kind in kinds {
        let (scheme, network) = (text(kind, "scheme"), text(kind, "network"));
        let evm = network.starts_with("eip155:") || network::chain_id(network).is_some();
        let named = format!("{network} ({scheme})");
        if (scheme != "exact" || !evm) && !found.contains(&named) && found.len() < FOREIGN_MAX {
            found.push(named);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_paid_and_what_cannot() {
        let body = json!({
            "kinds": [
                { "x402Version": 2, "scheme": "upto", "network": "eip155:84532" },
                { "x402Version": 2, "scheme": "exact", "network": "eip155:8453" },
                { "x402Version": 1, "scheme": "exact", "network": "base" },
                { "x402Version": 2, "scheme": "exact", "network": "solana:EtWT" },
            ],
            "extensions": ["bazaar"],
            "signers": { "eip155:*": ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"], "solana:*": ["9xQe"] },
        });
        let kinds = Kinds::of(&body, None, None);
        assert_eq!(kinds.network.map(|network| network.chain_id), Some(8453));
        assert_eq!(kinds.versions, [Version::V2, Version::V1]);
        assert_eq!(kinds.signers.len(), 1);
        assert_eq!(kinds.extensions, ["bazaar"]);
        assert_eq!(
            kinds.foreign,
            ["eip155:84532 (upto)", "solana:EtWT (exact)"]
        );
        let other = Kinds::of(&body, network::by_chain_id(84532), None);
        assert!(other.is_readable && other.versions.is_empty());
        assert!(!Kinds::of(&json!({}), None, None).is_readable);
    }
}
