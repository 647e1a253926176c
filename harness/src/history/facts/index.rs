//! Taking events into the index, one by one.

use std::collections::HashSet;
use std::rc::Rc;

use super::Facts;
use crate::history::bodies::Bodies;
use crate::history::event::{Event, What};
use crate::history::exchange::{Exchange, Outcome};
use crate::history::facilitator_call::{Broadcast, CallAnswer, FacilitatorCall, Mined};
use crate::history::observation::{Ending, Fault, HandlerReading, Rest};
use x402_mock_facilitator::event::Endpoint;

impl<'h> Facts<'h> {
    pub(super) fn take(&mut self, event: &'h Event, bodies: &Rc<Bodies<'h>>) {
        match &event.what {
            What::RunStarted(run) => self.run = Some(run),
            What::Signed(signed) => {
                let place = self.signed.len();
                self.places.signed.insert(signed.authorization, place);
                let unique = (signed.key.payer, signed.key.nonce);
                self.places.by_key.insert(unique, place);
                self.signed.push(signed);
            }
            What::Ledger(record) => self.ledger.push(record),
            What::Transaction { transaction, found } => {
                // Looked up on every chain of the run: one that knows it is enough.
                let known = self.transactions.entry(transaction.to_ascii_lowercase());
                let known = known.or_default();
                *known = known.or(found.as_ref());
            }
            What::HandlerRuns {
                after_exchange,
                count,
            } => self.handler_readings.push(HandlerReading {
                after_exchange: *after_exchange,
                count: *count,
            }),
            What::AtRest { chain_id, block } => {
                self.places.last_rest.insert(*chain_id, event.seq);
                self.rests.push(Rest {
                    seq: event.seq,
                    chain_id: *chain_id,
                    block: *block,
                });
            }
            What::FaultInjected {
                call,
                exchange,
                authorization,
                fault,
            } => self.faults.push(Fault {
                at_us: event.at_us,
                call: *call,
                exchange: *exchange,
                authorization: *authorization,
                name: fault,
            }),
            What::Note { probe, text } => self.notes.push((probe.as_deref(), text)),
            What::RunEnded {
                interrupted,
                trouble,
            } => {
                self.ending = Some(Ending {
                    interrupted: *interrupted,
                    trouble: trouble.as_deref(),
                });
            }
            What::Sent(_) | What::Answered(_) | What::Unanswered { .. } => {
                self.take_exchange(event, bodies);
            }
            What::FacilitatorReceived { .. }
            | What::Broadcast { .. }
            | What::Mined { .. }
            | What::FacilitatorAnswered { .. }
            | What::FacilitatorCut { .. } => self.take_call(event, bodies),
            What::Scenario { name, body } => {
                let text = bodies.get(body).map_or("", |body| body.text);
                self.scenarios.push((name, text));
            }
            What::CaseRan(ran) => self.cases.push(ran),
            What::Body { .. } => {}
        }
    }

    fn take_exchange(&mut self, event: &'h Event, bodies: &Rc<Bodies<'h>>) {
        let (number, outcome) = match &event.what {
            What::Sent(sent) => {
                self.places
                    .exchanges
                    .insert(sent.exchange, self.exchanges.len());
                let exchange = Exchange::new(sent, event.at_us, event.seq, Rc::clone(bodies));
                self.exchanges.push(exchange);
                return;
            }
            What::Answered(answered) => (answered.exchange, Outcome::Answered(answered)),
            What::Unanswered {
                exchange,
                trouble,
                message,
            } => (*exchange, Outcome::Unanswered(*trouble, message)),
            _ => return,
        };
        if let Some(&place) = self.places.exchanges.get(&number) {
            let exchange = &mut self.exchanges[place];
            exchange.outcome = outcome;
            exchange.ended_at_us = event.at_us;
            exchange.ended_seq = event.seq;
        }
    }

    fn take_call(&mut self, event: &'h Event, bodies: &Rc<Bodies<'h>>) {
        match &event.what {
            What::FacilitatorReceived {
                call,
                endpoint,
                authorization,
                body,
            } => {
                self.places.calls.insert(*call, self.calls.len());
                self.calls.push(FacilitatorCall::new(
                    *call,
                    *endpoint,
                    *authorization,
                    event.at_us,
                    body,
                    Rc::clone(bodies),
                ));
            }
            What::Broadcast { call, transaction } => {
                if let Some(&place) = self.places.calls.get(call) {
                    self.calls[place].broadcast = Some(Broadcast {
                        transaction: *transaction,
                        at_us: event.at_us,
                    });
                }
            }
            What::Mined {
                call,
                transaction,
                success,
            } => {
                if let Some(&place) = self.places.calls.get(call) {
                    self.calls[place].mined = Some(Mined {
                        transaction: *transaction,
                        success: *success,
                        at_us: event.at_us,
                    });
                }
            }
            What::FacilitatorAnswered {
                call,
                status,
                body,
                lied,
            } => {
                if let Some(&place) = self.places.calls.get(call) {
                    self.calls[place].answer = Some(CallAnswer {
                        status: *status,
                        body,
                        lied: *lied,
                        at_us: event.at_us,
                    });
                }
            }
            What::FacilitatorCut { call } => {
                if let Some(&place) = self.places.calls.get(call) {
                    self.calls[place].cut_at_us = Some(event.at_us);
                }
            }
            _ => {}
        }
    }

    pub(super) fn keep_our_calls(&mut self) {
        let ours = self.payers();
        self.calls.retain(|call| {
            call.authorization
                .is_none_or(|key| ours.contains(&key.payer))
        });
        self.calls
            .sort_by_key(|call| (call.received_at_us, call.call));
        self.mark_direct_calls();
        self.places.calls.clear();
        for (place, call) in self.calls.iter().enumerate() {
            self.places.calls.insert(call.call, place);
            if let Some(key) = call.authorization {
                let about = self.places.about.entry((key.payer, key.nonce)).or_default();
                about.push(place);
            } else if matches!(call.endpoint, Endpoint::Verify | Endpoint::Settle) {
                self.places.anonymous.push(place);
            }
        }
        self.note_repeated();
        for (place, exchange) in self.exchanges.iter().enumerate() {
            if let Some(number) = exchange.sent.authorization {
                self.places.carrying.entry(number).or_default().push(place);
            }
        }
        self.place_faults();
    }

    /// A call with the very body of a direct one is that one.
    fn mark_direct_calls(&mut self) {
        let direct = self
            .exchanges
            .iter()
            .filter(|exchange| exchange.is_direct());
        let bodies: HashSet<&str> = direct
            .filter_map(|exchange| exchange.sent.body.as_deref())
            .collect();
        for call in &mut self.calls {
            call.direct = bodies.contains(call.body_hash());
        }
    }

    /// Notes requests that were answered 429 and sent again: the later answer is the one that counts.
    fn note_repeated(&mut self) {
        let mut later = HashSet::new();
        for exchange in self.exchanges.iter().rev() {
            let sent = exchange.sent;
            let same = (&sent.probe, &sent.route, sent.authorization, &sent.payment);
            if exchange.status() == Some(429) && later.contains(&same) {
                self.places.repeated.insert(sent.exchange);
            }
            later.insert(same);
        }
    }
}
