//! Turns a script into events.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use x402_assay_protocol::{Version, facilitator, network};
use x402_mock_facilitator::event::{
    AuthorizationKey, Endpoint, LedgerRecord, Movement, TransactionRecord,
};

use super::super::Recorder;
use super::super::event::{Answered, Event, Offered, Sent, Signed, SignedUpto, What};
use super::honest::payment;
use super::{Call, Moves, Payment, Probe, Reply, Script, address, offer};

const CHAIN_ID: u64 = 84_532;
/// Microseconds between two steps.
const STEP_US: u64 = 1_000;
const START_US: u64 = 1_700_000_000_000_000;

pub(super) fn events(script: &Script) -> Vec<Event> {
    let mut stage = Stage::new();
    if let Some(run) = &script.run {
        stage.say(What::RunStarted(Box::new(run.clone())));
    }
    if script.asks_supported {
        stage.supported();
    }
    for probe in &script.probes {
        stage.play(probe, script.counts_runs);
    }
    for (probe, text) in &script.notes {
        stage.say(What::Note {
            probe: Some(probe.clone()),
            text: text.clone(),
        });
    }
    if script.rests {
        stage.ledger.extend(script.more_ledger.clone());
        stage.rest();
    }
    if let Some((interrupted, trouble)) = &script.ending {
        stage.say(What::RunEnded {
            interrupted: *interrupted,
            trouble: trouble.clone(),
        });
    }
    stage.recorder.snapshot()
}

struct Stage {
    recorder: Recorder,
    now_us: u64,
    exchange: u32,
    authorization: u32,
    call: u64,
    block: u64,
    runs: u64,
    ledger: Vec<LedgerRecord>,
    receipts: Vec<String>,
    /// Authorization and header value of each exchange with a payment.
    sent: HashMap<String, (Option<Signed>, String)>,
}

impl Stage {
    fn new() -> Self {
        Self {
            recorder: Recorder::in_memory(Arc::new(str::to_owned)),
            now_us: START_US,
            exchange: 0,
            authorization: 0,
            call: 0,
            block: 1,
            runs: 0,
            ledger: Vec::new(),
            receipts: Vec::new(),
            sent: HashMap::new(),
        }
    }

    fn say(&mut self, what: What) {
        self.now_us += STEP_US;
        self.recorder.append(self.now_us, what);
    }

    fn body(&self, text: &str) -> String {
        self.recorder.body(self.now_us, text.as_bytes())
    }

    fn supported(&mut self) {
        let empty = self.body("");
        self.received(Endpoint::Supported, None, empty.clone());
        self.answered(200, empty, false);
    }

    fn play(&mut self, probe: &Probe, counts_runs: bool) {
        let exchange = self.exchange;
        self.exchange += 1;
        let (signed, value) = self.pay(probe, exchange);
        let payment_header = value
            .iter()
            .map(|value| (version_of(probe).payment_header().to_owned(), value.clone()));
        let content_type = probe
            .request
            .iter()
            .map(|(kind, _)| ("Content-Type".to_owned(), (*kind).to_owned()));
        let headers = content_type.chain(payment_header).collect();
        let payment = value.as_deref().map(|value| self.body(value));
        self.say(What::Sent(Box::new(Sent {
            exchange,
            probe: probe.name.clone(),
            route: probe.route.clone(),
            method: probe.method.clone(),
            path: probe.path.clone().unwrap_or_else(|| probe.route.clone()),
            headers,
            body: probe.request.map(|(_, body)| self.body(body)),
            authorization: signed.as_ref().map(|signed| signed.authorization),
            payment,
        })));
        for call in &probe.calls {
            self.facilitator_call(probe, call, signed.as_ref(), value.as_deref());
        }
        for moves in &probe.moves {
            self.transfer(moves, signed.as_ref().expect("only payments move money"));
        }
        self.reply(probe, exchange, signed.as_ref());
        self.runs += probe.runs;
        if counts_runs && value.is_some() {
            self.say(What::HandlerRuns {
                after_exchange: exchange,
                count: self.runs,
            });
        }
    }

    fn pay(&mut self, probe: &Probe, exchange: u32) -> (Option<Signed>, Option<String>) {
        let version = version_of(probe);
        let (signed, value) = match &probe.payment {
            None => return (None, None),
            Some(Payment::Raw(text)) => (None, text.clone()),
            Some(Payment::Again(earlier)) => self.sent[earlier].clone(),
            Some(Payment::AgainWith(earlier, members)) => {
                let (signed, value) = self.sent[earlier].clone();
                (signed, with_members(&value, members))
            }
            Some(Payment::With(members)) => {
                let signed = self.sign(version, None, exchange);
                let value = super::encode(&payment(version, &signed));
                self.say(What::Signed(Box::new(signed.clone())));
                (Some(signed), with_members(&value, members))
            }
            Some(Payment::ByUse(price)) => {
                let mut signed = self.sign(version, None, exchange);
                let price = price.map(U256::from);
                signed.upto = Some(SignedUpto { price });
                let value = super::encode(&payment(version, &signed));
                self.say(What::Signed(Box::new(signed.clone())));
                (Some(signed), value)
            }
            Some(Payment::Fresh(wrong)) => {
                let signed = self.sign(version, wrong.clone(), exchange);
                let mut message = payment(version, &signed);
                for (place, value) in &probe.accepted {
                    let place = format!("/accepted{place}");
                    x402_assay_protocol::write::set(&mut message, &place, Some(value.clone()));
                }
                let value = super::encode(&message);
                self.say(What::Signed(Box::new(signed.clone())));
                (Some(signed), value)
            }
        };
        self.sent
            .insert(probe.name.clone(), (signed.clone(), value.clone()));
        (signed, Some(value))
    }

    fn sign(&mut self, version: Version, wrong: Option<String>, exchange: u32) -> Signed {
        let asset = usdc();
        let authorization = self.authorization;
        self.authorization += 1;
        let low = wrong
            .as_deref()
            .is_some_and(|w| w.starts_with("amount-low"));
        let stranger = wrong.as_deref().is_some_and(|w| w.starts_with("pay-to"));
        Signed {
            authorization,
            version,
            key: AuthorizationKey {
                payer: address(0xaa),
                nonce: B256::from(U256::from(exchange + 1)),
                asset,
                chain_id: CHAIN_ID,
            },
            to: address(if stranger { 0xcc } else { 0xbb }),
            value: U256::from(if low { 1 } else { 10_000 }),
            valid_after: 0,
            valid_before: 4_102_444_800,
            offered: Offered {
                asset,
                chain_id: CHAIN_ID,
                pay_to: address(0xbb),
                amount: U256::from(10_000),
            },
            upto: None,
            wrong,
        }
    }

    fn received(&mut self, endpoint: Endpoint, key: Option<AuthorizationKey>, body: String) {
        self.say(What::FacilitatorReceived {
            call: self.call,
            endpoint,
            authorization: key.map(Box::new),
            body,
        });
    }

    fn answered(&mut self, status: u16, body: String, lied: bool) {
        self.say(What::FacilitatorAnswered {
            call: self.call,
            status,
            body,
            lied,
        });
        self.call += 1;
    }

    fn facilitator_call(
        &mut self,
        probe: &Probe,
        call: &Call,
        signed: Option<&Signed>,
        header: Option<&str>,
    ) {
        let version = version_of(probe);
        let request = call.request.clone().unwrap_or_else(|| {
            let payment = header
                .and_then(|header| x402_assay_protocol::header::decode(header.as_bytes()).ok())
                .map_or(Value::Null, |decoded| decoded.value);
            let mut requirements = offer(version);
            for (name, value) in &call.requirements {
                requirements[*name] = value.clone();
            }
            facilitator::request(version, &payment, &requirements)
        });
        let body = self.body(&request.to_string());
        let key = signed.map(|signed| signed.key).filter(|_| !call.anonymous);
        let endpoint = if call.settle {
            Endpoint::Settle
        } else {
            Endpoint::Verify
        };
        self.received(endpoint, key, body);
        if call.faulted {
            self.say(What::FaultInjected {
                call: Some(self.call),
                exchange: None,
                authorization: None,
                fault: "battery.0".to_owned(),
            });
        }
        if let Some((status, text)) = call.odd_answer {
            let body = self.body(text);
            self.answered(status, body, call.lied);
            return;
        }
        let answer = if call.settle {
            let transaction = if let Some(named) = call.named {
                named.to_owned()
            } else if call.yes {
                self.transaction(probe).to_string()
            } else {
                String::new()
            };
            json!({
                "success": call.yes,
                "transaction": transaction,
                "network": offer(version)["network"],
                "errorReason": call.reason,
            })
        } else {
            json!({"isValid": call.yes, "invalidReason": call.reason})
        };
        let body = self.body(&answer.to_string());
        self.answered(200, body, call.lied);
    }

    /// The hash of the exchange's transaction.
    fn transaction(&self, probe: &Probe) -> B256 {
        let shared = probe.moves.first().and_then(|moves| moves.transaction);
        shared.map_or_else(
            || B256::from(U256::from(1_000 + self.exchange)),
            B256::repeat_byte,
        )
    }

    fn transfer(&mut self, moves: &Moves, signed: &Signed) {
        let hash = moves.transaction.map_or_else(
            || B256::from(U256::from(1_000 + self.exchange)),
            B256::repeat_byte,
        );
        self.block += 1;
        let record = |log_index, what| LedgerRecord {
            chain_id: CHAIN_ID,
            block: self.block,
            transaction: hash,
            log_index,
            asset: moves.asset.unwrap_or(signed.key.asset),
            what,
        };
        let (payer, nonce) = (signed.key.payer, signed.key.nonce);
        let used = match signed.upto {
            None => Movement::AuthorizationUsed { payer, nonce },
            Some(_) => Movement::PermitUsed { payer, nonce },
        };
        let moved = Movement::Transfer {
            from: signed.key.payer,
            to: moves.to.unwrap_or(signed.to),
            value: moves.value.unwrap_or(signed.value),
        };
        let records = [record(0, used), record(1, moved)];
        self.ledger.extend(records);
    }

    fn reply(&mut self, probe: &Probe, exchange: u32, signed: Option<&Signed>) {
        let what = match &probe.reply {
            Reply::Trouble(trouble) => What::Unanswered {
                exchange,
                trouble: *trouble,
                message: "it went wrong".to_owned(),
                partial: None,
            },
            Reply::Answer {
                status,
                headers,
                body,
            } => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| (name.clone(), self.header(probe, value, signed)))
                    .collect();
                What::Answered(Answered {
                    exchange,
                    status: *status,
                    headers,
                    body: self.body(body),
                    headers_us: 900,
                    total_us: 1_000 + u64::from(exchange),
                })
            }
        };
        self.say(what);
    }

    fn header(&mut self, probe: &Probe, value: &str, signed: Option<&Signed>) -> String {
        if let Some(changes) = value.strip_prefix("receipt") {
            let version = version_of(probe);
            let mut receipt = json!({
                "success": true,
                "transaction": self.transaction(probe).to_string(),
                "network": offer(version)["network"],
                "payer": signed.map(|signed| signed.key.payer.to_string()),
            });
            if !changes.is_empty() {
                let changes: Value = serde_json::from_str(changes).expect("changes are JSON");
                for (name, value) in changes.as_object().expect("changes are an object") {
                    receipt[name] = value.clone();
                }
            }
            self.note_receipt(&receipt);
            return super::encode(&receipt);
        }
        if let Ok(decoded) = x402_assay_protocol::header::decode(value.as_bytes()) {
            self.note_receipt(&decoded.value);
        }
        value.to_owned()
    }

    fn note_receipt(&mut self, receipt: &Value) {
        let named = receipt.get("transaction").and_then(Value::as_str);
        self.receipts
            .extend(named.filter(|n| !n.is_empty()).map(str::to_owned));
    }

    fn rest(&mut self) {
        for transaction in std::mem::take(&mut self.receipts) {
            let found = self
                .ledger
                .iter()
                .find(|record| record.transaction.to_string() == transaction)
                .map(|record| TransactionRecord {
                    chain_id: CHAIN_ID,
                    transaction: record.transaction,
                    block: record.block,
                    success: true,
                    from: None,
                });
            self.say(What::Transaction { transaction, found });
        }
        for record in std::mem::take(&mut self.ledger) {
            self.say(What::Ledger(Box::new(record)));
        }
        self.say(What::AtRest {
            chain_id: CHAIN_ID,
            block: self.block,
        });
    }
}

/// The message of a header with members set.
fn with_members(value: &str, members: &[(&'static str, Value)]) -> String {
    let decoded = x402_assay_protocol::header::decode(value.as_bytes());
    let mut message = decoded.expect("a message of the script").value;
    for (pointer, member) in members {
        x402_assay_protocol::write::set(&mut message, pointer, Some(member.clone()));
    }
    super::encode(&message)
}

fn version_of(probe: &Probe) -> Version {
    let named = || match probe.name.starts_with("v1/") {
        true => Version::V1,
        false => Version::V2,
    };
    probe.version.unwrap_or_else(named)
}

fn usdc() -> alloy_primitives::Address {
    network::by_chain_id(CHAIN_ID)
        .expect("the table holds Base Sepolia")
        .usdc
}
