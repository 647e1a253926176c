//! Which exchanges belong to which probe.

use std::collections::{HashMap, HashSet};

use x402_assay_protocol::Version;

use super::Facts;

impl Facts<'_> {
    pub(super) fn place_probes(&mut self) {
        let repeated = self.repeated();
        let mut last_of_route = HashMap::new();
        let mut probed = HashSet::new();
        for (place, exchange) in self.exchanges.iter().enumerate() {
            let sent = exchange.sent;
            last_of_route.insert((sent.route.as_str(), sent.method.as_str()), place);
            let Some(version) = exchange.version() else {
                continue;
            };
            probed.insert(version);
            if !repeated.contains(&exchange.number()) {
                let of_probe = self.places.probes.entry((version, exchange.probe()));
                of_probe.or_default().push(place);
            }
        }
        let mut lone: Vec<usize> = last_of_route
            .into_values()
            .filter(|place| self.exchanges[*place].probe() == "preflight")
            .collect();
        lone.sort_by_key(|place| self.exchanges[*place].number());
        self.places.lone_preflights = lone;
        let versions = [Version::V1, Version::V2].into_iter();
        self.places.versions = versions
            .filter(|version| probed.contains(version))
            .collect();
    }

    /// Requests that were answered 429 and sent again: the later answer is the one that counts.
    fn repeated(&self) -> HashSet<u32> {
        let mut repeated = HashSet::new();
        let mut later = HashSet::new();
        for exchange in self.exchanges.iter().rev() {
            let sent = exchange.sent;
            let same = (&sent.probe, &sent.route, sent.authorization, &sent.payment);
            if exchange.status() == Some(429) && later.contains(&same) {
                repeated.insert(sent.exchange);
            }
            later.insert(same);
        }
        repeated
    }
}
