//! A payment identifier whose first attempt bought nothing, because our facilitator was out of order.

use x402_mock_facilitator::Fault;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::Status;

use super::Battery;
use super::faulted::Ready;
use super::identifier::with_id;
use crate::client::{self, identifier};
use crate::runner::session::{PaymentHeader, SendError};

/// The facilitator fails before it has done anything: no lie is told, and nothing has moved.
const OUT_OF_ORDER: u16 = 503;

impl Battery<'_> {
    /// The same payment twice: while `/verify` fails, and after it works again.
    pub(super) async fn after_failure(&self) -> Result<(), SendError> {
        if !self.can_fault("id/failed").await {
            return Ok(());
        }
        let Some(quote) = self.quote(&self.probe("id/failed")).await? else {
            return Ok(());
        };
        let (now, options) = self.session.clocks.honest(quote.chain_id());
        let resource = quote.resource.as_ref();
        let payment = client::sign(self.payer(0), &quote.choice, resource, now, &options);
        let number = self.session.record_signed(&payment, None);
        let header = PaymentHeader::of(&payment, number);
        let header = with_id(header, &quote, &identifier::fresh_id());
        let ready = Ready { header, payment };
        let trouble = Fault::Status(Status {
            // No verdict: what is out of order has not refused the payment.
            body: Some("{}".to_owned()),
            ..Status::without_work(OUT_OF_ORDER)
        });
        let troubles = [(Some(Endpoint::Verify), trouble)];
        let (ready, _) = self.send_under("id/failed", ready, &troubles).await?;
        self.take_back(&ready).await?;
        self.send_copy("id/retried", self.route, &ready.header)
            .await
    }
}
