//! What one arrival does, from its first byte to its last.

mod facilitator;

use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::B256;
use http::{HeaderName, HeaderValue};
use x402_assay_reports::model::load::{LoadKind, LoadPhase, class};

use super::Part;
use super::connection::{Answer, Broken, Connection, Message};
use super::payment::{LoadPayer, SignedNonce, Window, header_value, sign};
use super::quote::Quote;
use super::read::{self, Read};
use super::sale::{Said, Sale};
use super::shard::{Arrival, Shard, of};
use super::tally::{Outcome, class_of};

/// Tries of a request that certainly did not leave.
const TRIES: usize = 3;
/// A payment header that is none.
const MALFORMED: HeaderValue = HeaderValue::from_static("!this is no payment!");

/// Runs an arrival, and after it those that wait.
pub(super) async fn run(shard: Rc<Shard>, first: Arrival) {
    let mut next = Some(first);
    while let Some(arrival) = next {
        once(&shard, &arrival).await;
        next = match shard.stop.is_cancelled() {
            true => None,
            false => shard.next_waiting(),
        };
    }
}

/// Runs one arrival that was entered.
pub(super) async fn once(shard: &Rc<Shard>, arrival: &Arrival) {
    let begun = Instant::now();
    shard.count(arrival.warm, |counts| counts.sent += 1);
    if !arrival.warm {
        shard.last_begin.set(Some(begun));
    }
    let journey = Journey {
        shard,
        arrival,
        of: of(shard.work.kind, arrival.part),
    };
    let mut line = Line::new(shard, arrival.warm);
    let outcome = match shard.work.kind {
        LoadKind::Paid => journey.paid(&mut line).await,
        LoadKind::Unpaid => journey.unpaid(&mut line).await,
        LoadKind::Verify | LoadKind::Settle => journey.at_facilitator(&mut line).await,
    };
    line.give_back();
    shard.leave(arrival, &outcome, begun);
}

/// A connection, or the way to one.
struct Line<'s> {
    shard: &'s Shard,
    warm: bool,
    connection: Option<Connection>,
}

impl<'s> Line<'s> {
    const fn new(shard: &'s Shard, warm: bool) -> Self {
        Self {
            shard,
            warm,
            connection: None,
        }
    }

    /// Sends a request over a connection that is kept, or a new one.
    async fn exchange(&mut self, message: &Message) -> Result<Answer, Broken> {
        let mut tries = 0;
        loop {
            let mut connection = self.connection().await?;
            self.shard.count(self.warm, |counts| counts.requests += 1);
            match connection.exchange(message, self.shard.work.timeout).await {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                Err(failed) if failed.unsent && tries < TRIES => tries += 1,
                Err(failed) => return Err(failed.why),
            }
        }
    }

    async fn connection(&mut self) -> Result<Connection, Broken> {
        if let Some(mut connection) = self.connection.take()
            && connection.is_open()
        {
            return Ok(connection);
        }
        if !self.shard.work.per_payment
            && let Some(connection) = self.shard.take_pooled()
        {
            return Ok(connection);
        }
        let begun = Instant::now();
        let opened = Connection::open(&self.shard.work.peer, self.shard.work.timeout).await?;
        self.shard
            .count(self.warm, |counts| counts.connections += 1);
        let elapsed = begun.elapsed();
        self.shard.phase(self.warm, LoadPhase::Connect, elapsed);
        Ok(opened)
    }

    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.shard.work.per_payment
        {
            self.shard.give_back(connection);
        }
    }
}

/// How a request with a payment was answered.
#[derive(Debug)]
struct Paid {
    class: Cow<'static, str>,
    delivered: bool,
    /// Refused as a payment.
    refused: bool,
}

struct Journey<'s> {
    shard: &'s Rc<Shard>,
    arrival: &'s Arrival,
    of: &'static str,
}

impl Journey<'_> {
    fn end(&self, class: impl Into<Cow<'static, str>>, meant: bool, good: bool) -> Outcome {
        Outcome {
            of: self.of,
            class: class.into(),
            meant,
            good,
        }
    }

    fn trouble(&self, why: Broken) -> Outcome {
        self.end(why.class(), false, false)
    }

    /// One exchange without a payment.
    async fn unpaid(&self, line: &mut Line<'_>) -> Outcome {
        match self.ask(line).await {
            Ok(answer) if answer.status == 402 => self.end("402", true, true),
            Ok(answer) => self.unasked(&answer),
            Err(why) => self.trouble(why),
        }
    }

    async fn ask(&self, line: &mut Line<'_>) -> Result<Answer, Broken> {
        let begun = Instant::now();
        let answer = line.exchange(&self.shard.work.template.unpaid()).await?;
        let warm = self.arrival.warm;
        self.shard
            .phase(warm, LoadPhase::UnpaidToHeaders, answer.head_at - begun);
        self.shard
            .phase(warm, LoadPhase::UnpaidBody, answer.done_at - answer.head_at);
        Ok(answer)
    }

    /// An answer to an unpaid request that asks for nothing.
    fn unasked(&self, answer: &Answer) -> Outcome {
        self.note_limit(answer);
        if self.delivers(answer) {
            self.shard.count(false, |counts| counts.strays += 1);
        }
        self.end(class_of(answer.status, None), false, false)
    }

    fn delivers(&self, answer: &Answer) -> bool {
        read::delivers(answer, self.shard.work.marker.as_deref())
    }

    fn note_limit(&self, answer: &Answer) {
        if let Some(pause) = read::pause(answer, SystemTime::now()) {
            self.shard
                .count(self.arrival.warm, |counts| counts.limited += 1);
            self.shard.pause(pause);
        }
    }

    async fn paid(&self, line: &mut Line<'_>) -> Outcome {
        let quote = match self.quote(line).await {
            Ok(quote) => quote,
            Err(outcome) => return outcome,
        };
        match self.arrival.part {
            Part::Abandon => self.end(class::ABANDONED, true, false),
            Part::Malformed => self.malformed(line, &quote).await,
            Part::Expired => {
                let (place, value) = self.sign(&quote);
                let paid = self.pay(line, &quote, (place, &value)).await;
                self.refusal(paid)
            }
            Part::Buy => {
                let (place, value) = self.sign(&quote);
                match self.pay(line, &quote, (place, &value)).await {
                    Ok(paid) => self.end(paid.class, paid.delivered, paid.delivered),
                    Err(why) => self.trouble(why),
                }
            }
            Part::Duplicate => {
                let (place, value) = self.sign(&quote);
                let mut second = Line::new(self.shard, self.arrival.warm);
                let (one, other) = tokio::join!(
                    self.pay(line, &quote, (place, &value)),
                    self.pay(&mut second, &quote, (place, &value))
                );
                second.give_back();
                self.of_two(one, other)
            }
            Part::RetrySame => {
                let (place, value) = self.sign(&quote);
                let one = self.pay(line, &quote, (place, &value)).await;
                let other = self.pay(line, &quote, (place, &value)).await;
                self.of_two(one, other)
            }
            Part::RetryFresh => self.retry_fresh(line, &quote).await,
        }
    }

    /// Two payments, each of which buys: the first answer is as good as lost.
    async fn retry_fresh(&self, line: &mut Line<'_>, quote: &Quote) -> Outcome {
        let (place, value) = self.sign(quote);
        let one = self.pay(line, quote, (place, &value)).await;
        let again = match self.quote(line).await {
            Ok(again) => again,
            Err(outcome) => return outcome,
        };
        let (place, value) = self.sign(&again);
        match (one, self.pay(line, &again, (place, &value)).await) {
            (Ok(one), Ok(other)) => {
                let delivered = one.delivered && other.delivered;
                let worse = if other.delivered { one } else { other };
                self.end(worse.class, delivered, delivered)
            }
            (Err(why), _) | (_, Err(why)) => self.trouble(why),
        }
    }

    /// Copies of one payment: exactly one of them is meant to buy, and an idempotent target may answer both alike.
    fn of_two(&self, one: Result<Paid, Broken>, other: Result<Paid, Broken>) -> Outcome {
        match (one, other) {
            (Ok(one), Ok(other)) if one.delivered && other.delivered => {
                match self.shard.work.idempotent {
                    true => self.end(class::BOTH, true, true),
                    false => self.end(class::DELIVERED_TWICE, false, false),
                }
            }
            (Ok(paid), _) | (_, Ok(paid)) if paid.delivered => self.end(paid.class, true, true),
            (Ok(paid), _) | (_, Ok(paid)) => self.end(paid.class, false, false),
            (Err(why), Err(_)) => self.trouble(why),
        }
    }

    fn refusal(&self, paid: Result<Paid, Broken>) -> Outcome {
        match paid {
            Ok(paid) => self.end(paid.class, paid.refused && !paid.delivered, false),
            Err(why) => self.trouble(why),
        }
    }

    async fn malformed(&self, line: &mut Line<'_>, quote: &Quote) -> Outcome {
        let answer = line
            .exchange(&self.shard.work.template.paid(&quote.header, &MALFORMED))
            .await;
        match answer {
            Ok(answer) => {
                self.note_limit(&answer);
                if self.delivers(&answer) {
                    self.shard.count(false, |counts| counts.strays += 1);
                }
                let meant = matches!(answer.status, 400 | 402 | 403 | 409 | 422);
                self.end(class_of(answer.status, None), meant, false)
            }
            Err(why) => self.trouble(why),
        }
    }

    /// Asks for terms, or takes those that were signed for ahead.
    async fn quote(&self, line: &mut Line<'_>) -> Result<Rc<Quote>, Outcome> {
        if let Some(quote) = self.shard.quote_ahead.borrow().as_ref() {
            return Ok(Rc::clone(quote));
        }
        let answer = self.ask(line).await.map_err(|why| self.trouble(why))?;
        if answer.status != 402 {
            return Err(self.unasked(&answer));
        }
        let begun = Instant::now();
        let quote = self.shard.quotes.borrow_mut().of(&answer);
        let quote = quote.map_err(|_| self.end(class::GARBAGE, false, false))?;
        let elapsed = begun.elapsed();
        self.shard
            .phase(self.arrival.warm, LoadPhase::ChallengeDecode, elapsed);
        Ok(quote)
    }

    /// Signs a payment and opens its record.
    fn sign(&self, quote: &Quote) -> (usize, HeaderValue) {
        self.sign_as(quote, header_value)
    }

    /// The same, written as it is sent.
    fn sign_as<T>(
        &self,
        quote: &Quote,
        write: impl FnOnce(&Quote, &LoadPayer, &SignedNonce) -> T,
    ) -> (usize, T) {
        let (shard, begun) = (self.shard, Instant::now());
        let (payer, signed) = self.signed_ahead().unwrap_or_else(|| {
            if shard.work.ahead {
                shard.count(self.arrival.warm, |counts| counts.signed_again += 1);
            }
            let now = unix_s().saturating_add_signed(shard.work.clock_ahead_s);
            let window = match self.arrival.part {
                Part::Expired => Window::expired(now),
                _ => Window::honest(quote, now),
            };
            let payer = shard.next_payer();
            let signed = sign(quote, &shard.work.payers[payer], window);
            (u16::try_from(payer).unwrap_or(u16::MAX), signed)
        });
        let value = write(quote, &shard.work.payers[usize::from(payer)], &signed);
        let elapsed = begun.elapsed();
        shard.phase(self.arrival.warm, LoadPhase::Sign, elapsed);
        let place = shard.sold(Sale {
            nonce: signed.nonce,
            transaction: B256::ZERO,
            due_us: shard.since_origin(self.arrival.due),
            sent_us: shard.since_origin(Instant::now()),
            done_us: 0,
            payer,
            terms: quote.number,
            shard: u16::try_from(shard.number).unwrap_or(u16::MAX),
            status: 0,
            sent: 0,
            answered: 0,
            grants: 0,
            part: self.arrival.part,
            said: Said::Nothing,
        });
        (place, value)
    }

    fn signed_ahead(&self) -> Option<(u16, SignedNonce)> {
        match self.arrival.part {
            // What was signed ahead is good.
            Part::Expired => None,
            _ => self.shard.signed_ahead.borrow_mut().pop(),
        }
    }

    /// Sends a payment and notes what came of it.
    async fn pay(
        &self,
        line: &mut Line<'_>,
        quote: &Quote,
        (place, value): (usize, &HeaderValue),
    ) -> Result<Paid, Broken> {
        let (shard, warm, begun) = (self.shard, self.arrival.warm, Instant::now());
        let name: &HeaderName = &quote.header;
        shard.with_sale(place, |sale| sale.sent = sale.sent.saturating_add(1));
        let answer = line
            .exchange(&shard.work.template.paid(name, value))
            .await?;
        shard.phase(warm, LoadPhase::PaidToHeaders, answer.head_at - begun);
        shard.phase(warm, LoadPhase::PaidBody, answer.done_at - answer.head_at);
        self.note_limit(&answer);
        let reading = Instant::now();
        let read = read::answer(&answer, quote.version, shard.work.marker.as_deref());
        if read.has_receipt {
            shard.phase(warm, LoadPhase::ReceiptDecode, reading.elapsed());
        }
        let done_us = shard.since_origin(answer.done_at);
        shard.with_sale(place, |sale| note(sale, &answer, &read, done_us));
        Ok(Paid {
            class: read.class,
            delivered: read.delivered,
            refused: matches!(answer.status, 400 | 402 | 403 | 409 | 422),
        })
    }
}

fn note(sale: &mut Sale, answer: &Answer, read: &Read, done_us: u64) {
    sale.answered = sale.answered.saturating_add(1);
    sale.done_us = sale.done_us.max(done_us);
    if read.delivered {
        sale.grants = sale.grants.saturating_add(1);
    }
    if sale.status == 0 || read.delivered {
        sale.status = answer.status;
    }
    // A receipt that says yes is what was promised; a later no to a copy of it takes nothing back.
    if sale.said != Said::Settled && read.said != Said::Nothing {
        sale.said = read.said;
        sale.transaction = read.transaction.unwrap_or_default();
    }
}

/// Signs ahead what a shard will need: asks for the terms once, over a connection of its own.
///
/// # Errors
/// When the target does not tell terms that can be paid.
pub(super) async fn sign_ahead(shard: &Shard, count: usize) -> Result<(), String> {
    let work = &shard.work;
    let made = shard.quote_ahead.borrow().clone();
    let quote = match made {
        Some(quote) => quote,
        None => terms_ahead(shard).await?,
    };
    let now = unix_s().saturating_add_signed(work.clock_ahead_s);
    let mut window = Window::honest(&quote, now);
    // They have to outlive the whole run.
    window.before = window.before.saturating_add(work.length.as_secs() + 1);
    let mut signed = Vec::with_capacity(count);
    for _ in 0..count {
        let payer = shard.next_payer();
        let number = u16::try_from(payer).unwrap_or(u16::MAX);
        signed.push((number, sign(&quote, &work.payers[payer], window)));
    }
    shard.signed_ahead.replace(signed);
    shard.quote_ahead.replace(Some(quote));
    Ok(())
}

async fn terms_ahead(shard: &Shard) -> Result<Rc<Quote>, String> {
    let mut line = Line::new(shard, true);
    let answer = line.exchange(&shard.work.template.unpaid()).await;
    let answer = answer.map_err(|why| format!("the terms to sign ahead: {}", why.class()))?;
    let quote = match answer.status {
        402 => shard.quotes.borrow_mut().of(&answer),
        other => return Err(format!("the terms to sign ahead: HTTP {other}, not 402")),
    };
    line.give_back();
    quote.map_err(|_| "the terms to sign ahead cannot be paid".to_owned())
}

fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
