//! What an exchange is about: endpoint, payer, nonce.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use x402_assay_protocol::{Payment, header};

use super::event::{LinkEnds, Subject};
use super::head::RequestHead;

/// Longest target that is kept, in characters.
const TARGET_MAX: usize = 120;

/// What is known of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What it is about; `None` for what no rule can name.
    #[serde(skip)]
    pub subject: Option<Subject>,
    /// HTTP method.
    pub method: String,
    /// Request target as sent, shortened.
    pub target: String,
    /// `from` of the authorization, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<Address>,
    /// Its nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<B256>,
    /// Port of the caller's end of the connection.
    pub peer_port: u16,
}

impl About {
    /// What the head alone tells.
    pub(super) fn of_head(ends: LinkEnds, head: &RequestHead, peer_port: u16) -> Self {
        let mut about = Self {
            method: head.method.clone(),
            target: head.target.chars().take(TARGET_MAX).collect(),
            peer_port,
            ..Self::default()
        };
        match ends {
            LinkEnds::ServerFacilitator => {
                about.subject = Subject::of_facilitator_path(path(&head.target));
            }
            LinkEnds::ClientServer => {
                let names = [header::PAYMENT_SIGNATURE, header::X_PAYMENT];
                let value = names.iter().find_map(|name| head.fields.get(name));
                about.subject = Some(match value {
                    Some(_) => Subject::Payment,
                    None => Subject::Quote,
                });
                if let Some(Ok(decoded)) = value.map(header::decode) {
                    about.authorize(Payment::read(decoded.value));
                }
            }
        }
        about
    }

    /// Adds what the body of a facilitator call tells.
    pub(super) fn read_call(&mut self, body: &[u8]) {
        if !matches!(self.subject, Some(Subject::Verify | Subject::Settle)) {
            return;
        }
        let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(body) else {
            return;
        };
        if let Some(payment) = value.get_mut("paymentPayload") {
            self.authorize(Payment::read(payment.take()));
        }
    }

    /// The path without its query.
    pub(super) fn path(&self) -> &str {
        path(&self.target)
    }

    fn authorize(&mut self, payment: Payment) {
        if let Some(authorization) = payment.authorization {
            self.payer = Some(authorization.from);
            self.nonce = Some(authorization.nonce);
        }
    }
}

fn path(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}
