//! A history of a given number of events, as a long run of good purchases leaves it.

use std::io::Write;

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};
use x402_assay::history::bodies;
use x402_assay::history::event::{Answered, Event, Offered, RunStarted, Sent, Signed, What};
use x402_assay_protocol::{Version, header, network};
use x402_mock_facilitator::event::{
    AuthorizationKey, Endpoint, LedgerRecord, Movement, TransactionRecord,
};

use crate::payment::challenge;

const MARKER: &str = "paid-content-7f3a";
const START_US: u64 = 1_770_000_000_000_000;
const CHAIN_ID: u64 = network::DEFAULT_CHAIN_ID;
/// Events before and after the purchases.
const FRAME: u64 = 7;
/// Events of one purchase.
const PER_PURCHASE: u64 = 16;

/// Writes a history of so many events, one a line.
///
/// # Errors
/// When it cannot be written, or holds more purchases than can be numbered.
pub fn write(out: impl Write, events: u64) -> anyhow::Result<()> {
    let mut history = Writer {
        out,
        seq: 0,
        now_us: START_US,
    };
    let purchases = u32::try_from(events.saturating_sub(FRAME) / PER_PURCHASE)?;
    history.beginning()?;
    for number in 0..purchases {
        history.purchase(number)?;
    }
    while history.seq + 2 < events {
        let text = "a remark".to_owned();
        history.say(What::Note { probe: None, text })?;
    }
    history.end()?;
    Ok(history.out.flush()?)
}

struct Writer<W> {
    out: W,
    seq: u64,
    now_us: u64,
}

impl<W: Write> Writer<W> {
    fn say(&mut self, what: What) -> anyhow::Result<()> {
        self.now_us += 50;
        let event = Event {
            seq: self.seq,
            at_us: self.now_us,
            what,
        };
        self.seq += 1;
        serde_json::to_writer(&mut self.out, &event)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    fn body(&mut self, text: &str) -> anyhow::Result<String> {
        let hash = bodies::hash(text.as_bytes());
        self.say(What::Body {
            hash: hash.clone(),
            text: text.to_owned(),
            truncated_from: None,
        })?;
        Ok(hash)
    }

    fn beginning(&mut self) -> anyhow::Result<()> {
        self.say(What::RunStarted(Box::new(RunStarted {
            bench_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: 1,
            target_kind: "server".to_owned(),
            target_name: "made up".to_owned(),
            target_url: "http://127.0.0.1:3000/paid".to_owned(),
            chain_requested: "auto".to_owned(),
            chain_used: "anvil".to_owned(),
            chain_reason: None,
            node: None,
            facilitator_url: "http://127.0.0.1:4402".to_owned(),
            rpc_url: None,
            marker: Some(MARKER.to_owned()),
            counts_executions: false,
            idempotent_replay: false,
            flow: "authorization".to_owned(),
            dynamic_price: false,
            payers: vec![payer()],
            command: None,
            again: None,
        })))?;
        for text in shared_bodies() {
            self.body(&text)?;
        }
        Ok(())
    }

    fn purchase(&mut self, number: u32) -> anyhow::Result<()> {
        let [empty, valid, content, quote] =
            shared_bodies().map(|text| bodies::hash(text.as_bytes()));
        let (key, transaction) = (key(number), B256::from(U256::from(number) + U256::from(1)));
        let [asking, paying] = [2 * number, 2 * number + 1];
        self.say(sent(asking, "v2/quote", None))?;
        let challenged = vec![(header::PAYMENT_REQUIRED.to_owned(), format!("body:{quote}"))];
        self.say(answered(asking, 402, challenged, &empty))?;
        self.say(What::Signed(Box::new(signed(number, key))))?;
        self.say(sent(paying, "v2/good", Some(number)))?;
        let [verify, settle] = [u64::from(asking), u64::from(paying)];
        self.say(received(verify, Endpoint::Verify, key, &empty))?;
        self.say(facilitator_answered(verify, valid))?;
        self.say(received(settle, Endpoint::Settle, key, &empty))?;
        self.say(What::Broadcast {
            call: settle,
            transaction,
        })?;
        self.say(What::Mined {
            call: settle,
            transaction,
            success: true,
        })?;
        let receipt = json!({
            "success": true,
            "transaction": transaction.to_string(),
            "network": network::caip2(CHAIN_ID),
            "payer": key.payer.to_string(),
        });
        let settled = self.body(&receipt.to_string())?;
        self.say(facilitator_answered(settle, settled))?;
        let receipt = self.body(&header::encode(&receipt))?;
        let headers = vec![(
            header::PAYMENT_RESPONSE.to_owned(),
            format!("body:{receipt}"),
        )];
        self.say(answered(paying, 200, headers, &content))?;
        self.ledger(number, key, transaction)
    }

    fn ledger(
        &mut self,
        number: u32,
        key: AuthorizationKey,
        transaction: B256,
    ) -> anyhow::Result<()> {
        let block = u64::from(number) + 1;
        self.say(What::Transaction {
            transaction: transaction.to_string(),
            found: Some(TransactionRecord {
                chain_id: CHAIN_ID,
                transaction,
                block,
                success: true,
                from: None,
            }),
        })?;
        let record = |log_index, what| {
            What::Ledger(Box::new(LedgerRecord {
                chain_id: CHAIN_ID,
                block,
                transaction,
                log_index,
                asset: key.asset,
                what,
            }))
        };
        let AuthorizationKey { payer, nonce, .. } = key;
        self.say(record(0, Movement::AuthorizationUsed { payer, nonce }))?;
        self.say(record(
            1,
            Movement::Transfer {
                from: payer,
                to: recipient(),
                value: amount(),
            },
        ))
    }

    fn end(&mut self) -> anyhow::Result<()> {
        self.say(What::AtRest {
            chain_id: CHAIN_ID,
            block: u64::from(u32::MAX),
        })?;
        self.say(What::RunEnded {
            interrupted: false,
            trouble: None,
        })
    }
}

/// Nothing, the answer to verify, the paid content, the challenge.
fn shared_bodies() -> [String; 4] {
    let mut quoted: Value = challenge();
    quoted["accepts"][0]["payTo"] = json!(recipient().to_string());
    [
        "{}".to_owned(),
        r#"{"isValid":true}"#.to_owned(),
        format!(r#"{{"secret":"{MARKER}"}}"#),
        header::encode(&quoted),
    ]
}

const fn payer() -> Address {
    Address::repeat_byte(0xaa)
}

const fn recipient() -> Address {
    Address::repeat_byte(0xbb)
}

fn amount() -> U256 {
    U256::from(10_000)
}

fn key(number: u32) -> AuthorizationKey {
    let token = network::by_chain_id(CHAIN_ID).expect("the default is in the table");
    AuthorizationKey {
        payer: payer(),
        nonce: B256::from(U256::from(number)),
        asset: token.usdc,
        chain_id: CHAIN_ID,
    }
}

fn signed(number: u32, key: AuthorizationKey) -> Signed {
    Signed {
        authorization: number,
        version: Version::V2,
        key,
        to: recipient(),
        value: amount(),
        valid_after: START_US / 1_000_000 - 600,
        valid_before: START_US / 1_000_000 + 86_400,
        offered: Offered {
            asset: key.asset,
            chain_id: CHAIN_ID,
            pay_to: recipient(),
            amount: amount(),
        },
        upto: None,
        wrong: None,
    }
}

fn sent(exchange: u32, probe: &str, authorization: Option<u32>) -> What {
    What::Sent(Box::new(Sent {
        exchange,
        probe: probe.to_owned(),
        route: "/paid".to_owned(),
        method: "GET".to_owned(),
        path: "/paid".to_owned(),
        headers: vec![("accept".to_owned(), "*/*".to_owned())],
        body: None,
        authorization,
        // A load run does not keep the payments themselves.
        payment: authorization.map(|number| format!("{number:016x}")),
    }))
}

fn answered(exchange: u32, status: u16, headers: Vec<(String, String)>, body: &str) -> What {
    What::Answered(Answered {
        exchange,
        status,
        headers,
        body: body.to_owned(),
        headers_us: 390,
        total_us: 400,
    })
}

fn received(call: u64, endpoint: Endpoint, key: AuthorizationKey, body: &str) -> What {
    What::FacilitatorReceived {
        call,
        endpoint,
        authorization: Some(Box::new(key)),
        body: body.to_owned(),
    }
}

const fn facilitator_answered(call: u64, body: String) -> What {
    What::FacilitatorAnswered {
        call,
        status: 200,
        body,
        lied: false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The bound of one event, in bytes on average.
    const MAX_BYTES: usize = 400;

    #[test]
    fn no_kind_of_event_is_larger_than_the_bound() {
        let mut written = Vec::new();
        write(&mut written, 1_607).unwrap();
        let mut kinds: HashMap<String, (usize, usize)> = HashMap::new();
        let mut events = 0;
        for line in written.split_inclusive(|byte| *byte == b'\n') {
            let event: Value = serde_json::from_slice(line).unwrap();
            let kind = event["what"].as_object().unwrap().keys().next().unwrap();
            let (count, bytes) = kinds.entry(kind.clone()).or_default();
            *count += 1;
            *bytes += line.len();
            events += 1;
        }
        assert_eq!(events, 1_607);
        assert!(kinds.len() > 10, "{kinds:?}");
        for (kind, (count, bytes)) in kinds.iter().filter(|(_, (count, _))| *count > 1) {
            assert!(bytes / count <= MAX_BYTES, "{kind}: {bytes} / {count}");
        }
    }
}
