//! What the process of the users told, put together; every line is checked before it counts.

use std::time::{Duration, Instant};

use alloy_primitives::B256;

use super::wire::{self, Done, Event, LINE_MAX, Signed, Sold};
use crate::load::quote::Asked;
use crate::load::sale::{Said, Sale, Sales};
use crate::load::shard;
use crate::load::tally::Tally;
use crate::load::words::shown;

/// Lines that are not understood before the process is given up.
const STRANGE_MAX: u64 = 100;

/// Everything told so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// When every user was there.
    pub(super) origin: Option<Instant>,
    tally: Tally,
    sales: Sales,
    asked: Vec<Asked>,
    cpu_us: u64,
    done: Option<Done>,
    failed: Option<String>,
    strange: u64,
    first_strange: Option<String>,
}

/// The process says too much that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GivenUp;

impl Collected {
    /// Takes a line; gives the second it closes, if it does.
    pub(super) fn take(
        &mut self,
        line: &[u8],
        users: usize,
    ) -> Result<Option<shard::Tick>, GivenUp> {
        let text = line.trim_ascii_end();
        let taken = serde_json::from_slice::<Event>(text)
            .map_err(|error| error.to_string())
            .and_then(|event| self.event(event, users));
        match taken {
            Ok(tick) => Ok(tick),
            Err(why) => self.strange(&format!("{why}: {}", shown(&String::from_utf8_lossy(text)))),
        }
    }

    /// A line that ended nowhere, or that does not fit.
    pub(super) fn strange(&mut self, why: &str) -> Result<Option<shard::Tick>, GivenUp> {
        self.strange += 1;
        self.first_strange.get_or_insert_with(|| why.to_owned());
        match self.strange < STRANGE_MAX {
            true => Ok(None),
            false => Err(GivenUp),
        }
    }

    fn event(&mut self, event: Event, users: usize) -> Result<Option<shard::Tick>, String> {
        match event {
            Event::Begun { users: told } if told == users => {
                self.origin.get_or_insert_with(Instant::now);
            }
            Event::Begun { users: told } => return Err(format!("{told} users, not {users}")),
            Event::Terms(terms) => {
                if usize::from(terms.number) != self.asked.len() {
                    return Err("terms out of order".to_owned());
                }
                self.asked.push(Asked {
                    chain_id: terms.chain_id,
                    asset: terms.asset,
                    pay_to: terms.pay_to,
                    amount: terms.amount,
                });
            }
            Event::Signed(signed) => self.signed(&signed, users)?,
            Event::Sold(sold) => self.sold(&sold)?,
            Event::Tick(tick) => {
                tick.add_to(&mut self.tally)?;
                self.cpu_us = tick.cpu_us;
                return Ok(Some(shard::Tick {
                    second: tick.second,
                    counts: tick.all,
                    times: tick.times.read()?,
                    classes: tick.classes,
                    in_flight: tick.in_flight,
                }));
            }
            Event::Done(done) => self.done = Some(done),
            Event::Failed { why } => {
                self.failed.get_or_insert(why);
            }
        }
        Ok(None)
    }

    fn signed(&mut self, signed: &Signed, users: usize) -> Result<(), String> {
        if usize::try_from(signed.number) != Ok(self.sales.len())
            || usize::from(signed.terms) >= self.asked.len()
            || usize::from(signed.payer) >= users
        {
            return Err("an authorization out of order".to_owned());
        }
        self.sales.push(Sale {
            nonce: signed.nonce,
            transaction: B256::ZERO,
            due_us: signed.due_us,
            sent_us: signed.sent_us,
            done_us: 0,
            payer: signed.payer,
            terms: signed.terms,
            shard: 0,
            status: 0,
            sent: signed.sent,
            answered: 0,
            grants: 0,
            part: wire::part_of(&signed.journey)?,
            said: Said::Nothing,
        });
        Ok(())
    }

    fn sold(&mut self, sold: &Sold) -> Result<(), String> {
        let place = usize::try_from(sold.number).unwrap_or(usize::MAX);
        let sale = self.sales.get_mut(place);
        let sale = sale.ok_or("an end of what never was signed")?;
        sale.done_us = sold.done_us;
        sale.status = sold.status;
        sale.sent = sold.sent;
        sale.answered = sold.answered;
        sale.grants = sold.grants;
        sale.said = sold.said.into();
        sale.transaction = sold.transaction;
        Ok(())
    }

    /// True when the process said that it is done.
    pub(super) const fn is_done(&self) -> bool {
        self.done.is_some()
    }

    /// Payments that were sent again.
    pub(super) fn repeated(&self) -> u64 {
        self.done.map_or(0, |done| done.repeated)
    }

    /// What the process itself says went wrong.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// How many lines were not understood, and the first of them.
    pub(super) fn strange_told(&self) -> Option<String> {
        let first = self.first_strange.as_ref()?;
        let count = self.strange;
        Some(format!(
            "{count} lines were not understood, the first: {first}"
        ))
    }

    /// What a shard of the engine would leave behind.
    pub(super) fn finish(self) -> shard::Done {
        let at = |us: Option<u64>| Some(self.origin? + Duration::from_micros(us?));
        let (begin, end) = match self.done {
            Some(done) => (done.last_begin_us, done.last_end_us),
            // Cut off: what the records say.
            None => (
                self.sales.iter().map(|sale| sale.due_us).max(),
                self.sales.iter().map(|sale| sale.done_us).max(),
            ),
        };
        shard::Done {
            last_begin: at(begin),
            last_end: at(end),
            tally: self.tally,
            sales: self.sales,
            asked: self.asked,
            cpu: Some(Duration::from_micros(self.cpu_us)),
        }
    }
}

/// Room for one line and its end.
pub(super) const fn line_room() -> u64 {
    LINE_MAX as u64 + 1
}
