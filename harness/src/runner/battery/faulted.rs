//! Payments that our facilitator treats badly: a fault that hits one authorization and nobody else.

use alloy_primitives::Address;
use serde_json::json;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::{Fault, FaultSpec, FaultView, Match};

use super::Battery;
use crate::client::{self, SignOptions, SignedPayment};
use crate::http::Exchange;
use crate::runner::session::{PaymentHeader, SendError};
use crate::service::ControlError;

/// What goes wrong with which calls about a payment; both endpoints when none is named.
pub(super) type Trouble = (Option<Endpoint>, Fault);

/// A payment that is signed and recorded, and not sent yet.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) header: PaymentHeader,
    pub(super) payment: SignedPayment,
}

impl Battery<'_> {
    /// True when the target asks the bench's facilitator, so that its faults can reach the target. When not, it is noted
    /// once for `section` and its probes are not to be sent. Ask after a purchase.
    pub(super) async fn can_fault(&self, section: &str) -> bool {
        let session = self.session;
        let can = session.access.is_ours() && session.uses_our_facilitator().await;
        if !can {
            let why = "not sent: the target does not use the bench's facilitator";
            session.note(Some(&self.probe(section)), why);
        }
        can
    }

    /// A fresh challenge, and a payment for it by the payer of this number; `None`, with a note, when there is nothing to
    /// pay. What `change` leaves alone is as in an honest payment.
    pub(super) async fn ready(
        &self,
        name: &str,
        payer: usize,
        change: impl FnOnce(u64, &mut SignOptions) + Send,
    ) -> Result<Option<Ready>, SendError> {
        let Some(quote) = self.quote(&self.probe(name)).await? else {
            return Ok(None);
        };
        let (now, mut options) = self.session.clocks.honest(quote.chain_id());
        change(now, &mut options);
        let resource = quote.resource.as_ref();
        let payment = client::sign(self.payer(payer), &quote.choice, resource, now, &options);
        let number = self.session.record_signed(&payment, None);
        let header = quote.header(&payment, number);
        Ok(Some(Ready { header, payment }))
    }

    /// Lets these troubles hit every call about this payment, until they are taken back.
    pub(super) async fn inject(
        &self,
        ready: &Ready,
        troubles: &[Trouble],
    ) -> Result<(), ControlError> {
        let nonce = ready.payment.key.nonce;
        for (number, (endpoint, fault)) in troubles.iter().enumerate() {
            let name = format!("{}{number}", prefix(ready));
            let spec = FaultSpec::new(name, fault.clone()).for_calls(Match {
                endpoint: *endpoint,
                authorization: Some(nonce),
                ..Match::default()
            });
            self.session.control.add_fault(&json!(spec)).await?;
        }
        Ok(())
    }

    /// Ends what [`Self::inject`] began, and tells how each fault stood.
    pub(super) async fn take_back(&self, ready: &Ready) -> Result<Vec<FaultView>, ControlError> {
        let list = self.session.control.remove_faults(&prefix(ready)).await?;
        Ok(list.faults)
    }

    /// Ends every fault of this run's payments.
    pub(super) async fn take_all_back(&self) -> Result<(), ControlError> {
        let control = &self.session.control;
        for payer in &self.session.payers {
            control.remove_faults(&prefix_of(payer.address())).await?;
        }
        Ok(())
    }

    /// Ends the first of the troubles alone.
    pub(super) async fn take_back_first(&self, ready: &Ready) -> Result<(), ControlError> {
        let first = format!("{}0", prefix(ready));
        self.session.control.remove_faults(&first).await.map(|_| ())
    }

    /// Pays under these troubles: challenge, signature, faults for that payment alone, the paid request. The faults stay
    /// until [`Self::take_all_back`]: some servers settle when the answer has left.
    pub(super) async fn pay_under(
        &self,
        name: &str,
        troubles: &[Trouble],
    ) -> Result<Option<(Ready, Exchange)>, SendError> {
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(None);
        };
        self.send_under(name, ready, troubles).await.map(Some)
    }

    /// As [`Self::pay_under`], for a payment that is signed already.
    pub(super) async fn send_under(
        &self,
        name: &str,
        ready: Ready,
        troubles: &[Trouble],
    ) -> Result<(Ready, Exchange), SendError> {
        self.inject(&ready, troubles).await?;
        let probe = self.probe(name);
        let sent = self.session.send(&probe, self.route, Some(&ready.header));
        let exchange = sent.await?;
        Ok((ready, exchange))
    }
}

/// Begins the names of all faults of one payment.
fn prefix(ready: &Ready) -> String {
    let key = &ready.payment.key;
    format!("{}{:x}.", prefix_of(key.payer), key.nonce)
}

/// Begins the names of all faults of one payer's payments; every run has payers of its own.
fn prefix_of(payer: Address) -> String {
    format!("battery.{payer:x}.")
}
