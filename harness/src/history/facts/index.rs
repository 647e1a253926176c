//! Taking events into the index, one by one.

use std::collections::HashSet;
use std::rc::Rc;

use super::Facts;
use crate::history::direct::DirectCall;
use crate::history::event::{Event, What};
use crate::history::exchange::{Exchange, Outcome};
use crate::history::facilitator_call::{Broadcast, CallAnswer, FacilitatorCall, Hold, Mined};
use crate::history::observation::{Ending, Fault, HandlerReading, Rest, StepBegan};
use crate::history::readings::Readings;
use x402_mock_facilitator::event::Endpoint;

impl<'h> Facts<'h> {
    pub(super) fn take(&mut self, event: &'h Event, readings: &Rc<Readings<'h>>) {
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
            What::FaultInjected { .. } => self.take_fault(event),
            What::Step { round, step, name } => self.steps.push(StepBegan {
                at_us: event.at_us,
                round,
                step: *step,
                name,
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
                self.take_exchange(event, readings);
            }
            What::FacilitatorReceived { .. }
            | What::Broadcast { .. }
            | What::Mined { .. }
            | What::Held { .. }
            | What::Released { .. }
            | What::FacilitatorAnswered { .. }
            | What::FacilitatorCut { .. } => self.take_call(event, readings),
            What::Scenario { name, body } => {
                let text = readings.bodies.get(body).map_or("", |body| body.text);
                self.scenarios.push((name, text));
            }
            What::CaseRan(ran) => self.cases.push(ran),
            // The payments of a load are audited as they are; judges of exchanges know nothing of them.
            What::Body { .. } | What::Payment(_) => {}
        }
    }

    fn take_exchange(&mut self, event: &'h Event, readings: &Rc<Readings<'h>>) {
        let mut broken_off = None;
        let (number, outcome) = match &event.what {
            What::Sent(sent) => {
                self.places
                    .exchanges
                    .insert(sent.exchange, self.exchanges.len());
                let exchange = Exchange::new(sent, event.at_us, event.seq, Rc::clone(readings));
                self.exchanges.push(exchange);
                return;
            }
            What::Answered(answered) => (answered.exchange, Outcome::Answered(answered)),
            What::Unanswered {
                exchange,
                trouble,
                message,
                partial,
            } => {
                broken_off = partial.as_deref();
                (*exchange, Outcome::Unanswered(*trouble, message))
            }
            _ => return,
        };
        if let Some(&place) = self.places.exchanges.get(&number) {
            let exchange = &mut self.exchanges[place];
            exchange.outcome = outcome;
            exchange.partial = broken_off;
            exchange.ended_at_us = event.at_us;
            exchange.ended_seq = event.seq;
        }
    }

    fn take_call(&mut self, event: &'h Event, readings: &Rc<Readings<'h>>) {
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
                    authorization.as_deref(),
                    event.at_us,
                    body,
                    Rc::clone(readings),
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
            _ => self.take_hold(event),
        }
    }

    fn take_fault(&mut self, event: &'h Event) {
        if let What::FaultInjected {
            call,
            exchange,
            authorization,
            fault,
        } = &event.what
        {
            self.faults.push(Fault {
                at_us: event.at_us,
                call: *call,
                exchange: *exchange,
                authorization: *authorization,
                name: fault,
            });
        }
    }

    fn take_hold(&mut self, event: &'h Event) {
        match &event.what {
            What::Held { call } => {
                if let Some(&place) = self.places.calls.get(call) {
                    self.calls[place].holds.push(Hold {
                        held_at_us: event.at_us,
                        released: None,
                    });
                }
            }
            What::Released { call, position, of } => {
                if let Some(&place) = self.places.calls.get(call)
                    && let Some(hold) = self.calls[place].holds.last_mut()
                {
                    hold.released = Some((event.at_us, *position, *of));
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
        for (place, exchange) in self.exchanges.iter().enumerate() {
            if let Some(number) = exchange.sent.authorization {
                self.places.carrying.entry(number).or_default().push(place);
            }
        }
        self.place_probes();
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
        self.mark_direct_supported();
    }

    /// `/supported` has no body: the first such call while the bench makes one is its own.
    fn mark_direct_supported(&mut self) {
        let direct = self.exchanges.iter().filter(|exchange| {
            DirectCall::of(exchange).is_some_and(|call| call.endpoint() == Endpoint::Supported)
        });
        for exchange in direct {
            let own = self.calls.iter_mut().find(|call| {
                call.endpoint == Endpoint::Supported
                    && !call.direct
                    && exchange.spans(call.received_at_us)
            });
            if let Some(call) = own {
                call.direct = true;
            }
        }
    }
}
