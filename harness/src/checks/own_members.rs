//! Which values a server ever offered, member by member: what reaches the facilitator and is none of them, but is what the
//! client claims, came from the client.

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_assay_protocol::eip3009::parse_address;

use crate::history::Facts;

/// Members of v2 terms beside those of `extra`; a v1 payment claims none that it could lie about and still be matched.
const MEMBERS: [&str; 6] = [
    "scheme",
    "network",
    "amount",
    "asset",
    "payTo",
    "maxTimeoutSeconds",
];

/// The offers of a run, each once.
#[derive(Debug)]
pub(super) struct OwnMembers<'f> {
    offers: Vec<&'f Value>,
}

impl<'f> OwnMembers<'f> {
    /// Everything that was offered in a generation.
    pub(super) fn of(facts: &'f Facts<'_>, version: Version) -> Self {
        let mut seen = std::collections::HashSet::new();
        let offers = facts
            .exchanges
            .iter()
            .filter_map(|exchange| exchange.challenge(version))
            .flat_map(|challenge| &challenge.accepts)
            .map(|offer| &offer.raw)
            .filter(|offer| seen.insert(offer.to_string()))
            .collect();
        Self { offers }
    }

    /// The first member in which requirements are the client's claim and no offer.
    pub(super) fn copied_from(&self, payment: &Value, requirements: &Value) -> Option<String> {
        let claimed = payment.get("accepted")?;
        let plain = MEMBERS.iter().map(|name| format!("/{name}"));
        let extra = claimed.get("extra").and_then(Value::as_object);
        let extra = extra.into_iter().flat_map(|extra| extra.keys());
        let extra =
            extra.map(|name| format!("/extra/{}", name.replace('~', "~0").replace('/', "~1")));
        plain
            .chain(extra)
            .find(|place| {
                let Some(claim) = claimed.pointer(place) else {
                    return false;
                };
                let is_own =
                    |offer: &&Value| offer.pointer(place).is_some_and(|own| same(own, claim));
                !self.offers.iter().any(is_own)
                    && requirements
                        .pointer(place)
                        .is_some_and(|asked| same(asked, claim))
            })
            .map(|place| place[1..].replace('/', "."))
    }
}

/// Equal, or one address in two letter cases.
fn same(one: &Value, other: &Value) -> bool {
    let address = |value: &Value| value.as_str().and_then(parse_address);
    one == other || address(one).is_some() && address(one) == address(other)
}
