//! Whether a facilitator can do what its `/supported` advertises.

use serde_json::Value;
use x402_assay_protocol::{Version, network};
use x402_assay_reports::model::{Evidence, Verdict};
use x402_mock_facilitator::event::Endpoint;

use super::expectation::Miss;
use super::scene::Scene;
use crate::history::DirectCall;
use crate::history::direct::said;

const WHAT: &str = "supported_is_true";

/// Good payments that were asked about directly: of an advertised kind, verify says valid and settle success. What is done
/// unadvertised is told and no fault.
pub(super) fn is_true(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let told = scene.answers(None).into_iter().filter_map(|call| {
        let is_told = call.endpoint() == Endpoint::Supported && call.exchange.is_success();
        let kinds = call.exchange.body_json()?.get("kinds")?.as_array()?;
        is_told.then_some((call, kinds))
    });
    let Some((said_so, kinds)) = told.last() else {
        return vec![Miss::unseen(WHAT, "/supported gave no list of kinds")];
    };
    let (mut misses, mut observed) = (Vec::new(), false);
    for book in scene.books.books.iter().filter(|book| book.is_honest()) {
        let signed = book.signed;
        let kind = format!(
            "exact v{} on {}",
            signed.version.number(),
            network::caip2(signed.offered.chain_id)
        );
        let is_advertised = advertises(kinds, signed.version, signed.offered.chain_id);
        for call in scene.calls_of(book, of) {
            if call.exchange.answer().is_none() || call.is_pending() {
                continue;
            }
            observed = true;
            let did = match call.endpoint() {
                Endpoint::Verify => "called invalid",
                _ => "not settled",
            };
            let miss = match (is_advertised, call.says_yes()) {
                (true, false) => {
                    let why = said(&[call]);
                    Some((
                        None,
                        format!("{kind} is advertised, and a good payment of it was {did}{why}"),
                    ))
                }
                (false, true) if call.endpoint() == Endpoint::Settle => Some((
                    Some(Verdict::Info),
                    format!("{kind} is not advertised, and was settled"),
                )),
                _ => None,
            };
            misses.extend(miss.map(|(verdict, text)| Miss {
                verdict,
                ..Miss::new(WHAT, text, evidence(scene, &[said_so, call]))
            }));
        }
    }
    if !observed {
        return vec![Miss::unseen(WHAT, "no good payment was asked about")];
    }
    misses
}

/// True when a kind names the `exact` scheme of this generation on this chain, alone or with all of EVM.
fn advertises(kinds: &[Value], version: Version, chain_id: u64) -> bool {
    let caip2 = network::caip2(chain_id);
    let known = network::by_chain_id(chain_id);
    let names = match version {
        Version::V1 => vec![known.and_then(|known| known.v1_name).unwrap_or_default()],
        Version::V2 => vec![caip2.as_str(), "eip155:*"],
    };
    kinds.iter().any(|kind| {
        let text = |name: &str| kind.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = kind.get("x402Version").and_then(Value::as_u64);
        text("scheme") == "exact"
            && number == Some(version.number())
            && !text("network").is_empty()
            && names.contains(&text("network"))
    })
}

fn evidence(scene: &Scene<'_, '_>, calls: &[DirectCall<'_, '_>]) -> Vec<Evidence> {
    let exchanges: Vec<_> = calls.iter().map(|call| call.exchange).collect();
    scene.evidence(&exchanges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_is_scheme_generation_and_network_together() {
        let kinds = |kind: Value| vec![kind];
        let v1 = kinds(json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia" }));
        let v2 = kinds(json!({ "x402Version": 2, "scheme": "exact", "network": "eip155:84532" }));
        let all = kinds(json!({ "x402Version": 2, "scheme": "exact", "network": "eip155:*" }));
        let upto = kinds(json!({ "x402Version": 2, "scheme": "upto", "network": "eip155:84532" }));
        let odd = kinds(json!("exact"));
        let table = [v1, v2, all, upto, odd].map(|kinds| {
            [Version::V1, Version::V2].map(|version| advertises(&kinds, version, 84_532))
        });
        let (yes, no) = (true, false);
        assert_eq!(table, [[yes, no], [no, yes], [no, yes], [no, no], [no, no]]);
        let nameless = [json!({ "x402Version": 1, "scheme": "exact" })];
        assert!(
            !advertises(&nameless, Version::V1, 31_337),
            "no v1 name is no name"
        );
    }
}
