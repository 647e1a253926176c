//! Which authorizations the injected faults touched.

use super::Facts;
use crate::history::event::Signed;
use crate::history::observation::Fault;

impl<'h> Facts<'h> {
    /// Tells whom each fault touched; those of other runs' calls are left out.
    pub(super) fn place_faults(&mut self) {
        let calls = &self.places.calls;
        self.faults
            .retain(|fault| fault.call.is_none_or(|call| calls.contains_key(&call)));
        self.faults.sort_by_key(|fault| fault.at_us);
        for (place, fault) in self.faults.iter().enumerate() {
            let call = fault.call.and_then(|call| self.places.calls.get(&call));
            let of_call = call.and_then(|place| self.calls[*place].authorization);
            let of_exchange = fault
                .exchange
                .and_then(|number| self.places.exchanges.get(&number))
                .and_then(|place| self.exchanges[*place].sent.authorization)
                .or(fault.authorization)
                .and_then(|number| self.places.signed.get(&number))
                .map(|place| self.signed[*place].key);
            match of_call.or(of_exchange) {
                Some(key) => {
                    let touched = self.places.faults.entry((key.payer, key.nonce));
                    touched.or_default().push(place);
                }
                // A fault of one exchange without a payment touched that exchange alone.
                None if fault.exchange.is_none() => self.places.wide_faults.push(place),
                None => {}
            }
        }
    }

    /// Injected faults that touched an authorization: in a call about it, in an exchange that carries it, or at large
    /// while one was under way.
    pub fn faults_about(&self, signed: &Signed) -> Vec<&Fault<'h>> {
        let own = self
            .places
            .faults
            .get(&(signed.key.payer, signed.key.nonce));
        let mut places: Vec<usize> = own.cloned().unwrap_or_default();
        let wide = &self.places.wide_faults;
        for exchange in self.carrying(signed.authorization) {
            let from =
                wide.partition_point(|place| self.faults[*place].at_us < exchange.sent_at_us);
            let spanned = wide[from..].iter();
            places.extend(spanned.take_while(|place| exchange.spans(self.faults[**place].at_us)));
        }
        places.sort_unstable();
        places.dedup();
        places.iter().map(|place| &self.faults[*place]).collect()
    }
}
