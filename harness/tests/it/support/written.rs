//! Histories of runs against a facilitator, written by hand.

use serde_json::{Value, json};
use x402_assay::history::event::{Answered, RunStarted, Sent};
use x402_assay::history::{Event, What};
use x402_assay::verdict::{self, Judging};
use x402_assay_reports::Report;
use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

const NOW_US: u64 = 1_700_000_000_000_000;
/// An account that settles.
pub(crate) const SIGNER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// A history that is written by hand.
pub(crate) struct Written {
    events: Vec<Event>,
    bodies: usize,
    exchanges: u32,
    calls: u64,
    /// Microseconds that passed besides the one thousand from event to event.
    waited_us: u64,
}

impl Written {
    /// With an answer of `/supported`.
    pub(crate) fn new() -> Self {
        let mut written = Self {
            events: Vec::new(),
            bodies: 0,
            exchanges: 0,
            calls: 0,
            waited_us: 0,
        };
        written.say(What::RunStarted(Box::new(RunStarted {
            bench_version: "0.1.0".to_owned(),
            seed: 7,
            target_kind: "facilitator".to_owned(),
            target_name: "theirs".to_owned(),
            target_url: "http://127.0.0.1:4022".to_owned(),
            chain_requested: "anvil".to_owned(),
            chain_used: "anvil".to_owned(),
            chain_reason: None,
            node: None,
            facilitator_url: "http://127.0.0.1:4402".to_owned(),
            rpc_url: None,
            marker: None,
            counts_executions: false,
            idempotent_replay: false,
            flow: "authorization".to_owned(),
            dynamic_price: false,
            payers: Vec::new(),
            command: Some("x402-assay run --facilitator http://127.0.0.1:4022".to_owned()),
            again: None,
        })));
        let kinds = json!({
            "kinds": [{ "x402Version": 2, "scheme": "exact", "network": "eip155:84532" }],
            "extensions": [],
            "signers": { "eip155:*": [SIGNER], "solana:*": ["6NXePcxtPyeJn6ZKvfGbqBwt4cYSbtsvc1Vx8m98FtvT"] },
        });
        written.get("supported", "/supported", 200, &kinds);
        written
    }

    pub(crate) fn say(&mut self, what: What) {
        let seq = self.events.len() as u64;
        self.events.push(Event {
            seq,
            at_us: NOW_US + seq * 1_000 + self.waited_us,
            what,
        });
    }

    pub(crate) fn body(&mut self, value: &Value) -> String {
        let hash = format!("body{}", self.bodies);
        self.bodies += 1;
        self.say(What::Body {
            hash: hash.clone(),
            text: value.to_string(),
            truncated_from: None,
        });
        hash
    }

    /// Numbers for the next exchange and the next call.
    pub(crate) fn numbers(&mut self) -> (u32, u64) {
        let numbers = (self.exchanges, self.calls);
        self.exchanges += 1;
        self.calls += 1;
        numbers
    }

    /// A direct call without a payment.
    pub(crate) fn get(&mut self, probe: &str, path: &str, status: u16, answer: &Value) {
        let exchange = self.exchanges;
        self.exchanges += 1;
        let body = self.body(answer);
        self.say(What::Sent(Box::new(Sent {
            exchange,
            probe: format!("v2/{probe}"),
            route: "(facilitator)".to_owned(),
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            authorization: None,
            payment: None,
        })));
        self.say(What::Answered(Answered {
            exchange,
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
            headers_us: 900,
            total_us: 1_000,
        }));
    }

    /// A call that somebody made.
    pub(crate) fn call(mut self, endpoint: Endpoint, request: &Value, answer: &Value) -> Self {
        let call = self.calls;
        self.calls += 1;
        let body = self.body(request);
        self.say(What::FacilitatorReceived {
            call,
            endpoint,
            authorization: None,
            body,
        });
        let body = self.body(answer);
        self.say(What::FacilitatorAnswered {
            call,
            status: 200,
            body,
            lied: false,
        });
        self
    }

    pub(crate) fn verify(self, request: &Value, yes: bool) -> Self {
        let answer = match yes {
            true => json!({ "isValid": true }),
            false => json!({ "isValid": false, "invalidReason": "declined" }),
        };
        self.call(Endpoint::Verify, request, &answer)
    }

    pub(crate) fn settle(self, request: &Value, answer: &Value) -> Self {
        self.call(Endpoint::Settle, request, answer)
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, us: u64) {
        self.waited_us += us;
    }

    fn report(mut self) -> Report {
        self.say(What::RunEnded {
            interrupted: false,
            trouble: None,
        });
        verdict::judge_history(&self.events, None, &Judging::default())
    }
}

#[track_caller]
pub(crate) fn assert_says(written: Written, id: &str, wanted: Verdict) {
    let report = written.report();
    let row = report.checks.iter().find(|row| row.id == id).unwrap();
    assert_eq!(row.verdict, wanted, "{id}: {}", row.detail);
    if matches!(wanted, Verdict::Fail | Verdict::Warn) {
        assert!(
            !row.evidence.is_empty() && row.cause.is_some() && row.fix.is_some(),
            "{id}"
        );
        assert!(
            row.replay
                .as_ref()
                .is_some_and(|command| command.contains(id)),
            "{id}"
        );
    }
}
