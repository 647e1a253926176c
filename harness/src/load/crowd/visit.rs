//! What one user does on one way through the shop.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::B256;
use goose::goose::{GooseMethod, GooseRequest, GooseUser};
use http::HeaderName;
use http::header::HeaderValue;
use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;
use x402_assay_reports::model::load::{LoadPhase, class};

use super::exchange;
use super::shop::{Shop, Visit};
use super::wire::{Sold, Word};
use crate::client::{self, Choice, Payer, SignOptions};
use crate::load::connection::{Answer, Broken};
use crate::load::quote::Asked;
use crate::load::read::{self, Read};
use crate::load::sale::Said;
use crate::load::tally::{Outcome, class_of};
use crate::load::users::Journey;

/// How often a payment is sent at most.
const SENT_MAX: u8 = 3;
/// Pause before a payment is sent again, where the target names none.
const BACK_OFF: Duration = Duration::from_millis(200);

/// A virtual user: its wallet and what it remembers.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) number: u16,
    pub(super) payer: Payer,
}

pub(super) struct Walk<'a> {
    pub(super) shop: &'a Shop,
    pub(super) visitor: &'a Visitor,
    pub(super) visit: Visit,
    /// The target asked for a pause.
    pub(super) pause: Option<Duration>,
}

/// Terms that were read.
struct Quote {
    choice: Choice,
    resource: Option<serde_json::Value>,
}

/// A payment that was told to the bench.
struct Payment {
    name: HeaderName,
    value: HeaderValue,
    sold: Sold,
}

impl Walk<'_> {
    /// Goes all the way; the outcome says how it ended.
    pub(super) async fn go(&mut self, user: &mut GooseUser, journey: Journey) -> Outcome {
        let ended = match journey {
            Journey::Browse => self.browse(user).await,
            Journey::Quote => self.quote(user).await.map(|_| self.end("402", true, false)),
            Journey::Pay => self.pay(user, 1).await,
            Journey::Retry => self.pay(user, SENT_MAX).await,
            Journey::Abandon => self.abandon(user).await,
        };
        ended.unwrap_or_else(|outcome| outcome)
    }

    fn end(
        &self,
        class: impl Into<std::borrow::Cow<'static, str>>,
        meant: bool,
        good: bool,
    ) -> Outcome {
        Outcome {
            of: self.visit.of,
            class: class.into(),
            meant,
            good,
        }
    }

    fn trouble(&self, why: Broken) -> Outcome {
        self.end(why.class(), false, false)
    }

    async fn browse(&mut self, user: &mut GooseUser) -> Result<Outcome, Outcome> {
        let Some(url) = self.shop.order.free.clone() else {
            return match self.ask(user).await? {
                answer if answer.status == 402 => Ok(self.end("402", true, false)),
                answer => Ok(self.unasked(&answer)),
            };
        };
        let request = user.client.get(url);
        let request = GooseRequest::builder()
            .method(GooseMethod::Get)
            .name("browse")
            .set_request_builder(request)
            .build();
        let answer = self.send(user, request).await?;
        self.note(&answer);
        let meant = (200..300).contains(&answer.status);
        Ok(self.end(class_of(answer.status, None), meant, false))
    }

    /// An exchange with the paid route, without a payment.
    async fn ask(&self, user: &mut GooseUser) -> Result<Answer, Outcome> {
        let request = self.request(user, "unpaid", None);
        let begun = Instant::now();
        let answer = self.send(user, request).await?;
        let (shop, visit) = (self.shop, &self.visit);
        shop.phase(visit, LoadPhase::UnpaidToHeaders, answer.head_at - begun);
        shop.phase(
            visit,
            LoadPhase::UnpaidBody,
            answer.done_at - answer.head_at,
        );
        Ok(answer)
    }

    fn request<'r>(
        &self,
        user: &GooseUser,
        name: &'static str,
        payment: Option<&Payment>,
    ) -> GooseRequest<'r> {
        let order = &self.shop.order;
        let mut request = user
            .client
            .request(order.method.clone(), order.url.clone())
            .headers(order.headers.clone());
        if !order.body.is_empty() {
            request = request.body(order.body.clone());
        }
        let mut built = GooseRequest::builder().name(name);
        match payment {
            Some(payment) => {
                request = request.header(payment.name.clone(), payment.value.clone());
            }
            // Being asked to pay is what this request is for, and no failure.
            None => built = built.expect_status_code(402),
        }
        built.set_request_builder(request).build()
    }

    async fn send(
        &self,
        user: &mut GooseUser,
        request: GooseRequest<'_>,
    ) -> Result<Answer, Outcome> {
        self.shop.count(&self.visit, |counts| counts.requests += 1);
        exchange::send(user, request, self.shop.order.timeout)
            .await
            .map_err(|why| self.trouble(why))
    }

    /// An answer to an unpaid request that asks for nothing.
    fn unasked(&mut self, answer: &Answer) -> Outcome {
        self.note(answer);
        if self.delivers(answer) {
            self.shop.count(&self.visit, |counts| counts.strays += 1);
        }
        self.end(class_of(answer.status, None), false, false)
    }

    fn delivers(&self, answer: &Answer) -> bool {
        read::delivers(answer, self.shop.order.marker.as_deref())
    }

    fn note(&mut self, answer: &Answer) {
        if let Some(pause) = read::pause(answer, SystemTime::now()) {
            self.shop.count(&self.visit, |counts| counts.limited += 1);
            self.pause = self.pause.max(Some(pause));
        }
    }

    /// Asks for the terms and reads them.
    async fn quote(&mut self, user: &mut GooseUser) -> Result<Quote, Outcome> {
        let answer = self.ask(user).await?;
        if answer.status != 402 {
            return Err(self.unasked(&answer));
        }
        let begun = Instant::now();
        let quote = self
            .read(&answer)
            .ok_or_else(|| self.end(class::GARBAGE, false, false))?;
        let elapsed = begun.elapsed();
        self.shop
            .phase(&self.visit, LoadPhase::ChallengeDecode, elapsed);
        Ok(quote)
    }

    fn read(&self, answer: &Answer) -> Option<Quote> {
        let order = &self.shop.order;
        let challenge = match order.version {
            Version::V2 => {
                let values: Vec<&[u8]> = answer.headers.all(PAYMENT_REQUIRED).collect();
                client::read_v2(&values).ok()?.challenge
            }
            Version::V1 => client::read_v1(&answer.body).ok()?.challenge,
        };
        let choice = client::choose(&challenge, order.chain_id).ok()?;
        Some(Quote {
            choice,
            resource: challenge.resource().cloned(),
        })
    }

    /// Signs a payment and tells the bench of it, before it is sent.
    fn sign(&self, quote: &Quote, will_be_sent: bool) -> Result<Payment, Outcome> {
        let (shop, begun) = (self.shop, Instant::now());
        let signed = client::sign(
            &self.visitor.payer,
            &quote.choice,
            quote.resource.as_ref(),
            unix_s().saturating_add_signed(shop.order.clock_ahead_s),
            &SignOptions::default(),
        );
        shop.phase(&self.visit, LoadPhase::Sign, begun.elapsed());
        let name = HeaderName::try_from(signed.header_name);
        let value = HeaderValue::try_from(&signed.header_value);
        let value = value.map_err(|_| self.end(class::GARBAGE, false, false))?;
        let terms = &signed.terms;
        let asked = Asked {
            chain_id: terms.domain.chain_id,
            asset: terms.domain.verifying_contract,
            pay_to: terms.pay_to,
            amount: terms.amount,
        };
        let sent = u8::from(will_be_sent);
        let who = (self.visitor.number, sent);
        let number = shop.signed(&self.visit, asked, signed.key.nonce, who);
        let number = number.ok_or_else(|| self.end(class::OTHER, false, false))?;
        Ok(Payment {
            name: name.map_err(|_| self.end(class::GARBAGE, false, false))?,
            value,
            sold: Sold {
                number,
                done_us: 0,
                status: 0,
                sent,
                answered: 0,
                grants: 0,
                said: Word::Nothing,
                transaction: B256::ZERO,
            },
        })
    }

    async fn abandon(&mut self, user: &mut GooseUser) -> Result<Outcome, Outcome> {
        let quote = self.quote(user).await?;
        self.sign(&quote, false)?;
        Ok(self.end(class::ABANDONED, true, false))
    }

    /// Buys; sends the same payment again where it did not come to anything, `tries` times in all.
    async fn pay(&mut self, user: &mut GooseUser, tries: u8) -> Result<Outcome, Outcome> {
        let quote = self.quote(user).await?;
        let mut payment = self.sign(&quote, true)?;
        let mut outcome = self.once(user, &quote, &mut payment).await;
        while !outcome.good && payment.sold.sent < tries && !self.shop.over.is_cancelled() {
            let pause = self.pause.take().unwrap_or(BACK_OFF);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shop.over.cancelled() => return Ok(outcome),
            }
            payment.sold.sent += 1;
            self.shop.sold(payment.sold.clone(), None);
            self.shop.repeat();
            outcome = self.once(user, &quote, &mut payment).await;
        }
        Ok(outcome)
    }

    /// Sends a payment once, and tells the bench what came of it.
    async fn once(
        &mut self,
        user: &mut GooseUser,
        quote: &Quote,
        payment: &mut Payment,
    ) -> Outcome {
        let (shop, begun) = (self.shop, Instant::now());
        let request = self.request(user, "paid", Some(payment));
        let answer = match self.send(user, request).await {
            Ok(answer) => answer,
            Err(outcome) => {
                shop.sold(payment.sold.clone(), None);
                return outcome;
            }
        };
        let visit = self.visit;
        shop.phase(&visit, LoadPhase::PaidToHeaders, answer.head_at - begun);
        shop.phase(&visit, LoadPhase::PaidBody, answer.done_at - answer.head_at);
        self.note(&answer);
        let reading = Instant::now();
        let version = quote.choice.offer.version;
        let read = read::answer(&answer, version, shop.order.marker.as_deref());
        if read.has_receipt {
            shop.phase(&visit, LoadPhase::ReceiptDecode, reading.elapsed());
        }
        enter(&mut payment.sold, &answer, &read);
        shop.sold(payment.sold.clone(), Some(answer.done_at));
        self.end(read.class, read.delivered, read.delivered)
    }
}

fn enter(sold: &mut Sold, answer: &Answer, read: &Read) {
    sold.answered = sold.answered.saturating_add(1);
    sold.grants = sold.grants.saturating_add(u8::from(read.delivered));
    if sold.status == 0 || read.delivered {
        sold.status = answer.status;
    }
    // A receipt that says yes is what was promised; a later no to a copy of it takes nothing back.
    if sold.said != Word::Settled && read.said != Said::Nothing {
        sold.said = read.said.into();
        sold.transaction = read.transaction.unwrap_or_default();
    }
}

fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}
