//! A purchase while our facilitator misbehaves towards it on purpose.

use serde_json::json;
use x402_mock_facilitator::{Fault, FaultSpec, Match};

use super::Battery;
use super::purchase::Quote;
use crate::client::SignOptions;
use crate::http::Exchange;
use crate::runner::session::{PaymentHeader, SendError};

/// A fault for the calls of one endpoint (all of them when `None`) about one payment.
pub(super) type Rule = (Option<x402_mock_facilitator::Endpoint>, Fault);

impl Battery<'_> {
    /// One honest payment; `rules` are armed for its authorization alone, so that nobody else is disturbed, and taken
    /// back when it is answered.
    pub(super) async fn pay_under(
        &self,
        name: &str,
        quote: &Quote,
        rules: Vec<Rule>,
    ) -> Result<(PaymentHeader, Exchange), SendError> {
        let (payment, header) = self.sign(quote, &SignOptions::default(), None);
        let nonce = payment.authorization.nonce;
        let prefix = format!("battery.{nonce:x}");
        for (index, (endpoint, fault)) in rules.into_iter().enumerate() {
            let matching = Match {
                endpoint,
                authorization: Some(nonce),
                ..Match::default()
            };
            let spec = FaultSpec::new(format!("{prefix}.{index}"), fault).for_calls(matching);
            self.session.control.add_fault(&json!(spec)).await?;
        }
        let probe = self.probe(name);
        let sent = self.session.send(&probe, self.route, Some(&header)).await;
        self.session.control.remove_faults(&prefix).await?;
        Ok((header, sent?))
    }
}
