//! What one arrival does at a facilitator: a fresh payment, posted to `/verify` or `/settle`.

use std::time::Instant;

use bytes::Bytes;
use x402_assay_reports::model::load::{LoadKind, LoadPhase, class};

use super::{Journey, Line};
use crate::load::Part;
use crate::load::answers::{self, Told};
use crate::load::connection::Broken;
use crate::load::desk::Desk;
use crate::load::payment::message;
use crate::load::sale::{Said, Sale};
use crate::load::tally::Outcome;

impl Journey<'_> {
    /// One call, or two of the same payment.
    pub(super) async fn at_facilitator(&self, line: &mut Line<'_>) -> Outcome {
        let Some(desk) = &self.shard.work.desk else {
            return self.end(class::OTHER, false, false);
        };
        match self.arrival.part {
            Part::Malformed => {
                let told = self.call(line, desk.malformed(), None).await;
                self.deserved(told)
            }
            Part::Expired => {
                let told = self.fresh(line, desk).await;
                self.deserved(told)
            }
            Part::Duplicate => {
                let Some((place, body)) = self.signed(desk) else {
                    return self.end(class::OTHER, false, false);
                };
                let mut second = Line::new(self.shard, self.arrival.warm);
                let (one, other) = tokio::join!(
                    self.call(line, body.clone(), Some(place)),
                    self.call(&mut second, body, Some(place))
                );
                second.give_back();
                self.of_copies(one, other)
            }
            Part::RetrySame => {
                let Some((place, body)) = self.signed(desk) else {
                    return self.end(class::OTHER, false, false);
                };
                let one = self.call(line, body.clone(), Some(place)).await;
                let other = self.call(line, body, Some(place)).await;
                self.of_copies(one, other)
            }
            // A plan with the parts of a buyer is refused before anything is sent.
            Part::Buy | Part::Abandon | Part::RetryFresh => match self.fresh(line, desk).await {
                Ok(told) => {
                    let good = told.verdict == Some(true);
                    self.end(told.class, good, good)
                }
                Err(why) => self.trouble(why),
            },
        }
    }

    async fn fresh(&self, line: &mut Line<'_>, desk: &Desk) -> Result<Told, Broken> {
        match self.signed(desk) {
            Some((place, body)) => self.call(line, body, Some(place)).await,
            None => Err(Broken::Garbage),
        }
    }

    /// A fresh payment in the body of a call, and the place of its record.
    fn signed(&self, desk: &Desk) -> Option<(usize, Bytes)> {
        let quote = self.shard.quote_ahead.borrow().clone()?;
        Some(self.sign_as(&quote, |quote, payer, signed| {
            desk.body(&message(quote, payer, signed))
        }))
    }

    /// Makes one call, and notes what was answered about the payment at `place`.
    async fn call(
        &self,
        line: &mut Line<'_>,
        body: Bytes,
        place: Option<usize>,
    ) -> Result<Told, Broken> {
        let (shard, warm, begun) = (self.shard, self.arrival.warm, Instant::now());
        let kind = shard.work.kind;
        if let Some(place) = place {
            shard.with_sale(place, |sale| sale.sent = sale.sent.saturating_add(1));
        }
        let answer = line.exchange(&shard.work.template.with_body(&body)).await?;
        let phase = match kind {
            LoadKind::Verify => LoadPhase::Verify,
            LoadKind::Settle | LoadKind::Paid | LoadKind::Unpaid => LoadPhase::Settle,
        };
        shard.phase(warm, phase, answer.done_at - begun);
        self.note_limit(&answer);
        let told = answers::read(&answer, kind);
        let done_us = shard.since_origin(answer.done_at);
        match place {
            Some(place) => {
                shard.with_sale(place, |sale| note(sale, answer.status, &told, done_us));
            }
            // A yes to what is no payment.
            None if told.verdict == Some(true) => {
                shard.count(false, |counts| counts.strays += 1);
            }
            None => {}
        }
        Ok(told)
    }

    /// What deserves a no: any answer that says so, and is no trouble of the facilitator's own.
    fn deserved(&self, told: Result<Told, Broken>) -> Outcome {
        match told {
            Ok(told) => {
                let is_no = told.verdict == Some(false)
                    || told.verdict.is_none() && !told.class.starts_with('5');
                let meant = is_no && told.class != class::GARBAGE && told.class != "429";
                self.end(told.class, meant, false)
            }
            Err(why) => self.trouble(why),
        }
    }

    /// Copies of one payment: both may be called valid; settled is at most one of them, or both by one transaction.
    fn of_copies(&self, one: Result<Told, Broken>, other: Result<Told, Broken>) -> Outcome {
        let yes =
            |told: &Result<Told, Broken>| matches!(told, Ok(told) if told.verdict == Some(true));
        if self.shard.work.kind == LoadKind::Verify {
            let (both, first) = (yes(&one) && yes(&other), yes(&one));
            return match if first { other } else { one } {
                Ok(told) => self.end(told.class, both, both),
                Err(why) => self.trouble(why),
            };
        }
        match (one, other) {
            (Ok(one), Ok(other)) if one.said == Said::Settled && other.said == Said::Settled => {
                match one.transaction == other.transaction {
                    true => self.end(class::BOTH, true, true),
                    false => self.end(class::SETTLED_TWICE, false, false),
                }
            }
            (Ok(told), _) | (_, Ok(told)) if told.verdict == Some(true) => {
                self.end(told.class, true, true)
            }
            (Ok(told), _) | (_, Ok(told)) => self.end(told.class, false, false),
            (Err(why), Err(_)) => self.trouble(why),
        }
    }
}

/// Keeps what was promised; of a verification nothing is.
fn note(sale: &mut Sale, status: u16, told: &Told, done_us: u64) {
    sale.answered = sale.answered.saturating_add(1);
    sale.done_us = sale.done_us.max(done_us);
    if sale.status == 0 || told.verdict == Some(true) {
        sale.status = status;
    }
    match (sale.said, told.said) {
        (_, Said::Settled) => sale.grants = sale.grants.saturating_add(1),
        (Said::Settled | Said::Twice, _) | (_, Said::Nothing) => return,
        _ => {}
    }
    let named = told.transaction.unwrap_or_default();
    if matches!(sale.said, Said::Settled | Said::Twice) {
        // A later yes: of the same transaction, or not.
        if named != sale.transaction {
            sale.said = Said::Twice;
        }
        return;
    }
    // A pending settlement may fail later; a failure is final, and a success is what was promised.
    if sale.said == Said::Failed && told.said == Said::Pending {
        return;
    }
    sale.said = told.said;
    sale.transaction = named;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::sale::tests::bought;
    use alloy_primitives::B256;

    fn told(said: Said, transaction: u8) -> Told {
        Told {
            class: "".into(),
            verdict: Some(said == Said::Settled),
            said,
            transaction: (transaction > 0).then(|| B256::repeat_byte(transaction)),
        }
    }

    fn noted(answers: &[Told]) -> Sale {
        let mut sale = Sale {
            transaction: B256::ZERO,
            status: 0,
            answered: 0,
            grants: 0,
            said: Said::Nothing,
            ..bought(1)
        };
        for told in answers {
            note(&mut sale, 200, told, 9);
        }
        sale
    }

    #[test]
    fn a_promise_stands_whatever_is_said_to_a_copy() {
        for answers in [
            [told(Said::Settled, 7), told(Said::Failed, 0)],
            [told(Said::Failed, 0), told(Said::Settled, 7)],
            [told(Said::Nothing, 0), told(Said::Settled, 7)],
        ] {
            let sale = noted(&answers);
            assert_eq!((sale.said, sale.grants), (Said::Settled, 1));
            assert_eq!(sale.transaction, B256::repeat_byte(7));
        }
    }

    #[test]
    fn two_successes_differ_by_their_transactions() {
        let same = noted(&[told(Said::Settled, 7), told(Said::Settled, 7)]);
        assert_eq!((same.said, same.grants), (Said::Settled, 2));
        let other = noted(&[told(Said::Settled, 7), told(Said::Settled, 8)]);
        assert_eq!((other.said, other.grants), (Said::Twice, 2));
    }

    #[test]
    fn a_failure_outlives_a_pending_copy() {
        let sale = noted(&[told(Said::Failed, 0), told(Said::Pending, 7)]);
        assert_eq!(sale.said, Said::Failed);
        let sale = noted(&[told(Said::Pending, 7), told(Said::Failed, 0)]);
        assert_eq!(sale.said, Said::Failed);
        let sale = noted(&[told(Said::Nothing, 0)]);
        assert_eq!((sale.said, sale.answered), (Said::Nothing, 1));
    }
}
