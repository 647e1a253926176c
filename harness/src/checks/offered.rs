//! What a challenge offers, reduced to what two challenges can be compared by.

use std::collections::{BTreeMap, BTreeSet};

use x402_assay_protocol::{Challenge, Requirement};

/// Scheme, network and token of an offer; addresses in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) scheme: String,
    pub(super) network: String,
    pub(super) asset: String,
}

impl Kind {
    fn of(offer: &Requirement) -> Self {
        Self {
            scheme: member(offer, "scheme"),
            network: member(offer, "network"),
            asset: member(offer, "asset"),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            scheme,
            network,
            asset,
        } = self;
        write!(f, "{scheme} on {network} in {asset}")
    }
}

/// What is asked for each kind: every value of one member.
pub(super) fn by_kind(challenge: &Challenge, name: &str) -> BTreeMap<Kind, BTreeSet<String>> {
    let mut found: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for offer in &challenge.accepts {
        let values = found.entry(Kind::of(offer)).or_default();
        values.insert(member(offer, name));
    }
    found
}

/// Token domains of each kind: `extra.name` and `extra.version`.
pub(super) fn domains(challenge: &Challenge) -> BTreeMap<Kind, BTreeSet<String>> {
    let mut found: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for offer in &challenge.accepts {
        let part = |name| offer.extra_text(name).unwrap_or_default();
        let domain = format!("{} version {}", part("name"), part("version"));
        found.entry(Kind::of(offer)).or_default().insert(domain);
    }
    found
}

/// One member as text; hexadecimal addresses are the same in any letter case.
fn member(offer: &Requirement, name: &str) -> String {
    let text = offer.text(name).unwrap_or_default();
    match text.starts_with("0x") {
        true => text.to_ascii_lowercase(),
        false => text.to_owned(),
    }
}

/// Values as a sentence names them.
pub(super) fn listed(values: &BTreeSet<String>) -> String {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    values.join(" and ")
}
