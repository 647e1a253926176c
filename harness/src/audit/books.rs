//! Books: everything that is known about each authorization the bench signed.

use std::collections::HashSet;

use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::Endpoint;

use super::by_use;
use super::delivery::{Contents, Delivery};
use super::ledger::{Moved, Transfers};
use super::siblings::{self, Blind};
use crate::history::event::{Signed, Trouble};
use crate::history::exchange::Outcome;
use crate::history::{Exchange, Facts};

/// Where a payment carries its identifier.
const PAYMENT_ID: &str = "/extensions/payment-identifier/info/id";

/// A delivery of the paid content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Exchange in which it came.
    pub exchange: u32,
    /// Whether it repeats an earlier grant of the same authorization without a new handler run.
    pub repeat: Repeat,
}

/// What a later grant of the same authorization is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The first, or one that counts again.
    Distinct,
    /// The handler did not run again.
    NotRunAgain,
    /// The profile declares that repeats are answered from a cache.
    Declared,
}

/// Everything about one authorization.
#[derive(Debug)]
pub struct Book<'h> {
    /// What was offered and signed.
    pub signed: &'h Signed,
    /// Exchanges that carried it.
    pub exchanges: Vec<u32>,
    /// `/verify` calls about it.
    pub verify_calls: usize,
    /// `/settle` calls about it.
    pub settle_calls: usize,
    /// Handler runs in its exchanges, when the origin counts them.
    pub handler_runs: Option<u64>,
    /// Transfers it was used for.
    pub transfers: Vec<Moved<'h>>,
    /// `/settle` calls about it that said yes to a charge of nothing, which needs no Transfer: `upto` alone knows them.
    pub settled_for_nothing: usize,
    /// Deliveries it bought.
    pub grants: Vec<Grant>,
    /// Our own facilitator lied about it.
    pub faulted: bool,
    /// Names of the injected faults that touched it.
    pub faults: Vec<&'h str>,
    /// The ledger was read after its last exchange.
    pub at_rest: bool,
    /// Its exchanges ended without an answer because of us, or of time.
    pub answer_lost: bool,
    /// The bench itself asked the facilitator about it, without a server that could give anything.
    pub called_directly: bool,
}

impl Book<'_> {
    /// `payer/nonce`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.signed.key.payer, self.signed.key.nonce)
    }

    /// True when it was signed to be paid.
    pub const fn is_honest(&self) -> bool {
        self.signed.wrong.is_none()
    }

    /// True when a server that was sent it answered.
    pub fn is_answered(&self, facts: &Facts<'_>) -> bool {
        let mut exchanges = self.exchanges.iter().filter_map(|n| facts.exchange(*n));
        exchanges.any(|exchange| exchange.answer().is_some() && !exchange.is_direct())
    }

    /// Grants that count.
    pub fn distinct_grants(&self) -> usize {
        self.grants
            .iter()
            .filter(|grant| grant.repeat == Repeat::Distinct)
            .count()
    }

    /// How often it was paid: by a Transfer, or once because its use cost nothing.
    pub fn times_paid(&self) -> usize {
        self.transfers.len() + self.settled_for_nothing.min(1)
    }

    /// True when a Transfer has exactly the terms that were advertised.
    pub fn paid_as_offered(&self) -> bool {
        self.transfers
            .iter()
            .any(|moved| matches_offer(self.signed, moved))
    }

    /// Exchanges of the grants and the Transfers, as evidence.
    pub fn evidence(&self, facts: &Facts<'_>) -> Vec<Evidence> {
        let exchanges = self.exchanges.iter().filter_map(|n| facts.exchange(*n));
        let calls = facts.calls_about(self.signed.key);
        exchanges
            .map(Exchange::evidence)
            .chain(calls.map(|call| call.evidence()))
            .chain(self.transfers.iter().map(Moved::evidence))
            .collect()
    }
}

/// True when token, chain, recipient and amount of a Transfer are those of the offer; what is settled by use is at most
/// the amount.
pub fn matches_offer(signed: &Signed, moved: &Moved<'_>) -> bool {
    let offered = &signed.offered;
    moved.record.asset == offered.asset
        && moved.record.chain_id == offered.chain_id
        && moved.to == offered.pay_to
        && (moved.value == offered.amount || signed.upto.is_some() && moved.value < offered.amount)
}

/// The books of a run.
#[derive(Debug)]
pub struct Books<'h> {
    /// One per signed authorization, in order.
    pub books: Vec<Book<'h>>,
    /// Exchanges on paid routes that delivered the content without a readable authorization of ours.
    pub strays: Vec<u32>,
    /// Transfers of our payers that no used authorization explains.
    pub unexplained: Vec<Moved<'h>>,
    /// How paid content is recognised.
    pub contents: Contents<'h>,
}

impl<'h> Books<'h> {
    /// Reads the books out of a history.
    pub fn keep(facts: &Facts<'h>) -> Self {
        let contents = Contents::learn(facts);
        let mut transfers = Transfers::read(facts);
        let books = facts
            .signed
            .iter()
            .map(|signed| {
                let unique = (signed.key.payer, signed.key.nonce);
                let moved = transfers.by_authorization.remove(&unique);
                keep_book(facts, &contents, signed, moved.unwrap_or_default())
            })
            .collect();
        let strays = strays(facts, &contents);
        let mut unexplained = transfers.unexplained;
        unexplained.extend(transfers.by_authorization.into_values().flatten());
        Self {
            books,
            strays,
            unexplained,
            contents,
        }
    }

    /// The book of an authorization number.
    pub fn book(&self, authorization: u32) -> Option<&Book<'h>> {
        // Numbers count up from 0, so the place is nearly always the number.
        let guess = self.books.get(authorization as usize);
        guess
            .filter(|book| book.signed.authorization == authorization)
            .or_else(|| {
                self.books
                    .iter()
                    .find(|book| book.signed.authorization == authorization)
            })
    }

    /// The book of the payment an exchange carries.
    pub fn book_of(&self, exchange: &Exchange<'h>) -> Option<&Book<'h>> {
        self.book(exchange.sent.authorization?)
    }

    /// What an exchange delivered.
    pub fn delivery(&self, exchange: &Exchange<'h>) -> Delivery {
        self.contents.delivery(exchange)
    }

    /// True when the exchange delivered the content and that counts as a grant of its own.
    pub fn is_distinct_grant(&self, exchange: &Exchange<'h>) -> bool {
        self.delivery(exchange) == Delivery::Content
            && self.book_of(exchange).is_none_or(|book| {
                book.grants.iter().any(|grant| {
                    grant.exchange == exchange.number() && grant.repeat == Repeat::Distinct
                })
            })
    }
}

fn keep_book<'h>(
    facts: &Facts<'h>,
    contents: &Contents<'h>,
    signed: &'h Signed,
    transfers: Vec<Moved<'h>>,
) -> Book<'h> {
    let count = |endpoint| {
        facts
            .calls_about(signed.key)
            .filter(|call| call.endpoint == endpoint)
            .count()
    };
    let carrying: Vec<&Exchange<'h>> = facts.carrying(signed.authorization).collect();
    let last_seq = carrying.iter().map(|exchange| exchange.ended_seq).max();
    let has_open_settlement = facts
        .calls_about(signed.key)
        .any(|call| call.endpoint == Endpoint::Settle && call.is_open());
    let chains = [signed.offered.chain_id, signed.key.chain_id];
    let mut grants: Vec<Grant> = Vec::new();
    for exchange in &carrying {
        if contents.delivery(exchange) == Delivery::Content {
            let repeat = if grants.is_empty() {
                Repeat::Distinct
            } else {
                let first = facts.exchange(grants[0].exchange);
                repeat_of(facts, exchange, first)
            };
            grants.push(Grant {
                exchange: exchange.number(),
                repeat,
            });
        }
    }
    Book {
        settled_for_nothing: by_use::settled_for_nothing(facts, signed),
        signed,
        exchanges: carrying.iter().map(|exchange| exchange.number()).collect(),
        verify_calls: count(Endpoint::Verify),
        settle_calls: count(Endpoint::Settle),
        handler_runs: handler_runs(facts, &carrying),
        transfers,
        grants,
        faulted: facts.calls_about(signed.key).any(|call| call.lied()),
        faults: fault_names(facts, signed),
        at_rest: !has_open_settlement
            && last_seq
                .is_some_and(|seq| chains.iter().any(|chain| facts.at_rest_after(seq, *chain))),
        answer_lost: carrying.iter().any(|exchange| is_lost(exchange)),
        called_directly: carrying.iter().any(|exchange| exchange.is_direct()),
    }
}

fn fault_names<'h>(facts: &Facts<'h>, signed: &Signed) -> Vec<&'h str> {
    let mut names: Vec<&'h str> = Vec::new();
    for fault in facts.faults_about(signed) {
        if !names.contains(&fault.name) {
            names.push(fault.name);
        }
    }
    names
}

/// True when the answer may have come had we waited or listened longer.
fn is_lost(exchange: &Exchange<'_>) -> bool {
    match exchange.outcome {
        Outcome::Open => true,
        Outcome::Unanswered(trouble, _) => matches!(
            trouble,
            Trouble::TimedOut | Trouble::Cancelled | Trouble::TooLarge
        ),
        Outcome::Answered(_) => false,
    }
}

fn repeat_of(facts: &Facts<'_>, exchange: &Exchange<'_>, first: Option<&Exchange<'_>>) -> Repeat {
    let by_id = first.is_some_and(|first| is_repeat_by_id(exchange, first));
    if by_id || facts.run.is_some_and(|run| run.idempotent_replay) {
        Repeat::Declared
    } else if runs_in(facts, exchange) == Some(0) {
        Repeat::NotRunAgain
    } else {
        Repeat::Distinct
    }
}

/// True for a repeat with a payment identifier, which the bench sends only where it is declared: the identical request,
/// or the identical answer to another one.
fn is_repeat_by_id(exchange: &Exchange<'_>, first: &Exchange<'_>) -> bool {
    let id = |exchange: &Exchange<'_>| {
        let id = exchange.payment()?.pointer(PAYMENT_ID)?.as_str()?;
        Some(id.to_owned())
    };
    let (one, other) = (exchange.sent, first.sent);
    let same_request =
        (&one.method, &one.path, &one.body) == (&other.method, &other.path, &other.body);
    let bodies = exchange.answer().zip(first.answer());
    let same_answer = bodies.is_some_and(|(one, other)| one.body == other.body);
    id(exchange).is_some() && id(exchange) == id(first) && (same_request || same_answer)
}

/// Most exchanges between two readings that are looked through.
const MAX_EXCHANGES_BETWEEN_READINGS: u32 = 64;

/// Handler runs during one exchange: the difference of the readings around it.
///
/// `None` when the origin does not count, or when another paid exchange lies between the readings and may have run it.
pub fn runs_in(facts: &Facts<'_>, exchange: &Exchange<'_>) -> Option<u64> {
    let number = exchange.number();
    let readings = &facts.handler_readings;
    let after = readings.partition_point(|reading| reading.after_exchange < number);
    let before = readings.get(after.checked_sub(1)?)?;
    let after = readings.get(after)?;
    let runs = after.count.checked_sub(before.count)?;
    if runs == 0 {
        return Some(0);
    }
    if after.after_exchange - before.after_exchange > MAX_EXCHANGES_BETWEEN_READINGS {
        return None;
    }
    let alone = (before.after_exchange + 1..=after.after_exchange)
        .filter(|other| *other != number)
        .all(|other| facts.exchange(other).is_none_or(|other| !other.is_paid()));
    alone.then_some(runs)
}

fn handler_runs(facts: &Facts<'_>, carrying: &[&Exchange<'_>]) -> Option<u64> {
    if carrying.is_empty() {
        return None;
    }
    carrying
        .iter()
        .map(|exchange| runs_in(facts, exchange))
        .sum()
}

/// Groups of probes that ask for something else than the profile declares: another method, another path.
const OTHER_REQUESTS: [&str; 2] = ["path/", "http/"];

/// True when a good answer may be about another resource, which costs nothing: only its content tells.
fn is_another_request(exchange: &Exchange<'_>) -> bool {
    OTHER_REQUESTS
        .iter()
        .any(|group| exchange.probe().starts_with(group))
}

fn strays<'h>(facts: &Facts<'h>, contents: &Contents<'h>) -> Vec<u32> {
    let blind = Blind::among(&facts.exchanges, contents);
    let lone: HashSet<u32> = facts
        .lone_preflights()
        .into_iter()
        .map(Exchange::number)
        .collect();
    facts
        .exchanges
        .iter()
        .filter(|exchange| {
            let counts = exchange.version().is_some() || lone.contains(&exchange.number());
            let known = exchange
                .sent
                .authorization
                .and_then(|n| facts.authorization(n));
            counts
                && known.is_none()
                && contents.delivery(exchange) == Delivery::Content
                && (!is_another_request(exchange) || contents.can_tell(exchange))
                && siblings::control_of(exchange).is_none()
                && !blind.covers(exchange)
        })
        .map(Exchange::number)
        .collect()
}
