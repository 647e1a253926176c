//! What a session writes into the history of its exchanges: secrets hidden, long values by hash.

use x402_assay_protocol::header;

use super::session::{PaymentHeader, Session};
use crate::history::What;
use crate::history::event::{Answered, Sent};
use crate::http::now_us;
use crate::http::{Exchange, Failure, Request, Response};

/// Header values longer than this are stored once, by hash.
const HEADER_INLINE_MAX: usize = 200;

impl Session<'_> {
    /// Records a request as it is sent.
    pub(super) fn record_sent(
        &self,
        exchange: u32,
        probe: &str,
        route: &str,
        request: &Request,
        payment: Option<&PaymentHeader>,
    ) {
        let at_us = now_us();
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), self.inline(at_us, name, value.as_bytes())))
            .collect();
        let body = request
            .body
            .as_ref()
            .map(|body| self.recorder.body(at_us, body));
        let sent = Sent {
            exchange,
            probe: probe.to_owned(),
            route: route.to_owned(),
            method: request.method.to_string(),
            path: self.secrets.text(&request.path_and_query()),
            headers,
            body,
            authorization: payment.and_then(|payment| payment.authorization),
            payment: payment
                .filter(|payment| payment.is_sent())
                .map(|payment| self.recorder.body(at_us, payment.value.as_bytes())),
        };
        self.recorder.append(at_us, What::Sent(Box::new(sent)));
    }

    /// Records how an exchange ended.
    pub(super) fn record_outcome(&self, number: u32, exchange: &Exchange) {
        let at_us = exchange.started_at_us.saturating_add(exchange.total_us);
        let what = match &exchange.outcome {
            Ok(response) => {
                self.keep_receipts(response);
                What::Answered(self.answered(at_us, number, exchange, response))
            }
            Err(Failure {
                trouble,
                message,
                partial,
            }) => What::Unanswered {
                exchange: number,
                trouble: *trouble,
                message: self.secrets.text(message),
                // What a server gave away before it broke off was given all the same.
                partial: partial
                    .as_ref()
                    .map(|part| Box::new(self.answered(at_us, number, exchange, part))),
            },
        };
        self.recorder.append(at_us, what);
    }

    fn answered(
        &self,
        at_us: u64,
        number: u32,
        exchange: &Exchange,
        response: &Response,
    ) -> Answered {
        let headers = response.headers.iter();
        Answered {
            exchange: number,
            status: response.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), self.inline(at_us, name, value)))
                .collect(),
            body: self.recorder.body(at_us, &response.body),
            headers_us: exchange.headers_us,
            total_us: exchange.total_us,
        }
    }

    /// A header value as it stands in an event: secrets hidden, long values by hash.
    fn inline(&self, at_us: u64, name: &str, value: &[u8]) -> String {
        let text = self.secrets.header(name, &String::from_utf8_lossy(value));
        if text.len() > HEADER_INLINE_MAX {
            format!("body:{}", self.recorder.body(at_us, text.as_bytes()))
        } else {
            text
        }
    }

    fn keep_receipts(&self, response: &Response) {
        for name in [header::PAYMENT_RESPONSE, header::X_PAYMENT_RESPONSE] {
            let Some(Ok(decoded)) = response.headers.first(name).map(header::decode) else {
                continue;
            };
            let hash = decoded
                .value
                .get("transaction")
                .and_then(serde_json::Value::as_str);
            if let (Some(hash), Ok(mut receipts)) =
                (hash.filter(|hash| !hash.is_empty()), self.receipts.lock())
            {
                receipts.insert(hash.chars().take(100).collect());
            }
        }
    }
}
