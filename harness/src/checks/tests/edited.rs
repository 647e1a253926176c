//! Scripts that are played one exchange after the other, edited afterwards: at the same time, cut off, held back.

use x402_assay_reports::Report;
use x402_mock_facilitator::event::Endpoint;

use crate::history::Facts;
use crate::history::event::{Event, What};
use crate::history::script::{CONTENT, Call, Moves, Payment, Probe, Reply, Script};
use crate::verdict::{Judging, build_report};

/// A purchase that is served.
pub(super) fn sold(name: &str) -> Probe {
    Probe {
        payment: Some(Payment::Fresh(None)),
        calls: vec![Call::verify(true), Call::settle(true)],
        moves: vec![Moves::default()],
        runs: 1,
        ..Probe::new(
            name,
            Reply::answer(200, CONTENT).with("payment-response", "receipt"),
        )
    }
}

/// A good payment that gets this answer and causes nothing but these calls.
pub(super) fn refused(name: &str, calls: Vec<Call>, reply: Reply) -> Probe {
    Probe {
        payment: Some(Payment::Fresh(None)),
        calls,
        ..Probe::new(name, reply)
    }
}

/// The payment of the exchange before that has this name, once more.
pub(super) fn again(name: &str, of: &str, reply: Reply) -> Probe {
    Probe {
        payment: Some(Payment::Again(of.to_owned())),
        ..Probe::new(name, reply)
    }
}

/// The events of a script, to be edited.
pub(super) struct Edited(pub(super) Vec<Event>);

impl Edited {
    pub(super) fn of(script: &Script) -> Self {
        Self(script.events())
    }

    fn sent(&self, name: &str) -> usize {
        let is_sent = |event: &Event| matches!(&event.what, What::Sent(sent) if sent.probe == name);
        let place = self.0.iter().position(is_sent);
        place.unwrap_or_else(|| panic!("the script holds no {name}"))
    }

    /// Number of the first exchange of this name.
    pub(super) fn number(&self, name: &str) -> u32 {
        match &self.0[self.sent(name)].what {
            What::Sent(sent) => sent.exchange,
            _ => unreachable!("only requests are looked for"),
        }
    }

    /// All exchanges whose names begin so are sent at the same instant.
    pub(super) fn together(mut self, prefix: &str) -> Self {
        let is_one = |event: &Event| matches!(&event.what, What::Sent(sent) if sent.probe.starts_with(prefix));
        let first = self.0.iter().find(|event| is_one(event));
        let at_us = first.expect("the script holds such exchanges").at_us;
        for event in self.0.iter_mut().filter(|event| is_one(event)) {
            event.at_us = at_us;
        }
        self
    }

    /// Place of the last facilitator's answer that belongs to the exchange.
    fn last_answer(&self, name: &str) -> usize {
        let from = self.sent(name);
        let ends =
            |event: &Event| matches!(&event.what, What::Answered(_) | What::Unanswered { .. });
        let to = self.0[from..].iter().position(ends).expect("it ends") + from;
        let is_answer = |event: &Event| matches!(event.what, What::FacilitatorAnswered { .. });
        let place = self.0[from..to].iter().rposition(is_answer);
        place.expect("the facilitator was asked") + from
    }

    /// The last call in this exchange was answered with an error that says nothing.
    pub(super) fn junk(mut self, name: &str) -> Self {
        let place = self.last_answer(name);
        if let What::FacilitatorAnswered { status, body, .. } = &mut self.0[place].what {
            *status = 500;
            "unknown".clone_into(body);
        }
        self
    }

    /// The last call in this exchange was cut off by a fault.
    pub(super) fn cut(mut self, name: &str) -> Self {
        let place = self.last_answer(name);
        let What::FacilitatorAnswered { call, .. } = self.0[place].what else {
            unreachable!("only answers are looked for")
        };
        self.0[place].what = What::FacilitatorCut { call };
        let mut fault = self.0[place].clone();
        fault.what = What::FaultInjected {
            call: Some(call),
            exchange: None,
            authorization: None,
            fault: "reset".to_owned(),
        };
        self.0.insert(place, fault);
        self
    }

    /// The settlement in this exchange was held back for so long.
    pub(super) fn held(mut self, name: &str, for_us: u64) -> Self {
        let from = self.sent(name);
        let settles = |event: &Event| {
            matches!(
                event.what,
                What::FacilitatorReceived {
                    endpoint: Endpoint::Settle,
                    ..
                }
            )
        };
        let place = self.0[from..].iter().position(settles).expect("it settles") + from;
        let What::FacilitatorReceived { call, .. } = self.0[place].what else {
            unreachable!("only calls are looked for")
        };
        let at = |event: &Event, at_us, what| Event {
            at_us,
            what,
            ..event.clone()
        };
        let held_at_us = self.0[place].at_us;
        let held = at(&self.0[place], held_at_us, What::Held { call });
        let released = What::Released {
            call,
            position: 1,
            of: 1,
        };
        let released = at(&self.0[place], held_at_us + for_us, released);
        self.0.splice(place + 1..place + 1, [held, released]);
        self
    }

    /// The calls of the facilitator in this exchange come so much later.
    pub(super) fn asked_later(mut self, name: &str, by_us: u64) -> Self {
        let from = self.sent(name);
        for event in &mut self.0[from..] {
            match &event.what {
                What::FacilitatorReceived { .. } => event.at_us += by_us,
                What::Answered(_) | What::Unanswered { .. } => {
                    event.at_us += by_us;
                    break;
                }
                _ => {}
            }
        }
        self
    }

    /// This exchange ended so much later.
    pub(super) fn ended_later(mut self, name: &str, by_us: u64) -> Self {
        let from = self.sent(name);
        let ends =
            |event: &Event| matches!(&event.what, What::Answered(_) | What::Unanswered { .. });
        let place = self.0[from..].iter().position(ends).expect("it ends") + from;
        self.0[place].at_us += by_us;
        self
    }

    /// An outage met this exchange.
    pub(super) fn out(mut self, name: &str) -> Self {
        let place = self.sent(name);
        let mut fault = self.0[place].clone();
        fault.what = What::FaultInjected {
            call: None,
            exchange: Some(self.number(name)),
            authorization: None,
            fault: "outage".to_owned(),
        };
        self.0.insert(place + 1, fault);
        self
    }

    pub(super) fn report(&self) -> Report {
        build_report(&Facts::new(&self.0, None), &Judging::default())
    }
}
