//! Rows about direct calls and what the ledger shows of them: each judge red, green and skipped on hand-written histories,
//! and the tempting false alarm.

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};
use x402_assay::history::What;
use x402_assay::history::event::{Answered, Offered, Sent, Signed};
use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::{AuthorizationKey, Endpoint, LedgerRecord, Movement};

use crate::support::written::{Written, assert_says};

const CHAIN: u64 = 84_532;
const AMOUNT: u64 = 10_000;
const PAYER: Address = Address::repeat_byte(0xaa);
const PAY_TO: Address = Address::repeat_byte(0xbb);
const ASSET: Address = Address::repeat_byte(0x36);
const TRANSACTION: B256 = B256::repeat_byte(0x77);

fn key(number: u32) -> AuthorizationKey {
    AuthorizationKey {
        payer: PAYER,
        nonce: B256::from(U256::from(number + 1)),
        asset: ASSET,
        chain_id: CHAIN,
    }
}

fn yes() -> Value {
    json!({ "success": true, "transaction": TRANSACTION, "network": "eip155:84532" })
}

fn no(reason: &str) -> Value {
    json!({ "success": false, "errorReason": reason, "transaction": "", "network": "eip155:84532" })
}

fn pending() -> Value {
    json!({
        "success": false,
        "errorReason": "settlement_pending",
        "transaction": TRANSACTION,
        "network": "eip155:84532",
    })
}

/// Payments, direct calls about them, and the ledger at rest.
struct Books {
    written: Written,
    signed: u32,
    logs: u64,
}

impl Books {
    fn new() -> Self {
        Self {
            written: Written::new(),
            signed: 0,
            logs: 0,
        }
    }

    /// Signs an honest payment of what is asked for.
    fn sign(&mut self) -> u32 {
        let number = self.signed;
        self.signed += 1;
        self.written.say(What::Signed(Box::new(Signed {
            authorization: number,
            version: Version::V2,
            key: key(number),
            to: PAY_TO,
            value: U256::from(AMOUNT),
            valid_after: 0,
            valid_before: 1_700_000_300,
            offered: Offered {
                asset: ASSET,
                chain_id: CHAIN,
                pay_to: PAY_TO,
                amount: U256::from(AMOUNT),
            },
            upto: None,
            wrong: None,
        })));
        number
    }

    /// Asks about a payment; the answer comes `took_us` later, or after `meanwhile`.
    fn ask(&mut self, probe: &str, number: u32, answer: &Value, took_us: u64) {
        self.ask_while(probe, number, answer, |books| books.written.wait(took_us));
    }

    fn ask_while(
        &mut self,
        probe: &str,
        number: u32,
        answer: &Value,
        meanwhile: impl FnOnce(&mut Self),
    ) {
        let (place, _) = probe.split_once('/').unwrap();
        let endpoint = match place {
            "settle" => Endpoint::Settle,
            _ => Endpoint::Verify,
        };
        let (exchange, call) = self.written.numbers();
        let written = &mut self.written;
        let request = written.body(&json!({}));
        written.say(What::Sent(Box::new(Sent {
            exchange,
            probe: format!("v2/{probe}"),
            route: "(facilitator)".to_owned(),
            method: "POST".to_owned(),
            path: format!("/{place}"),
            headers: Vec::new(),
            body: Some(request.clone()),
            authorization: Some(number),
            payment: None,
        })));
        written.say(What::FacilitatorReceived {
            call,
            endpoint,
            authorization: Some(Box::new(key(number))),
            body: request,
        });
        meanwhile(self);
        let written = &mut self.written;
        let body = written.body(answer);
        written.say(What::FacilitatorAnswered {
            call,
            status: 200,
            body: body.clone(),
            lied: false,
        });
        written.say(What::Answered(Answered {
            exchange,
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body,
            headers_us: 900,
            total_us: 1_000,
        }));
    }

    fn verify(mut self, probe: &str, valid: bool) -> Self {
        let number = self.sign();
        let answer = match valid {
            true => json!({ "isValid": true }),
            false => json!({ "isValid": false, "invalidReason": "declined" }),
        };
        self.ask(probe, number, &answer, 0);
        self
    }

    /// A payment that is settled, with the Transfer that the ledger shows, if one: its value and recipient.
    fn settle(mut self, probe: &str, answer: &Value, moved: Option<(u64, Address)>) -> Self {
        let number = self.sign();
        self.ask(probe, number, answer, 0);
        self.moved(number, moved);
        self
    }

    fn moved(&mut self, number: u32, moved: Option<(u64, Address)>) {
        let Some((value, to)) = moved else {
            return;
        };
        let used = Movement::AuthorizationUsed {
            payer: PAYER,
            nonce: key(number).nonce,
        };
        let transfer = Movement::Transfer {
            from: PAYER,
            to,
            value: U256::from(value),
        };
        for what in [used, transfer] {
            self.logs += 1;
            self.written.say(What::Ledger(Box::new(LedgerRecord {
                chain_id: CHAIN,
                block: 1,
                transaction: TRANSACTION,
                log_index: self.logs,
                asset: ASSET,
                what,
            })));
        }
    }

    /// The ledger was read, and nothing is under way.
    fn at_rest(mut self) -> Written {
        self.written.say(What::AtRest {
            chain_id: CHAIN,
            block: 1,
        });
        self.written
    }
}

const PAID: Option<(u64, Address)> = Some((AMOUNT, PAY_TO));

#[test]
fn a_good_payment_is_valid() {
    let id = "FAC-VERIFY-001";
    let first = || Books::new().verify("verify/good", true);
    let later = |valid| first().verify("verify/after-http", valid).at_rest();
    assert_says(later(false), id, Verdict::Fail);
    assert_says(later(true), id, Verdict::Pass);
    // Where none is valid it is the control that is missing.
    let none = Books::new().verify("verify/good", false).at_rest();
    assert_says(none, id, Verdict::Skipped);
}

#[test]
fn what_moves_is_what_was_signed() {
    let id = "FAC-SETTLE-011";
    let settled = |answer: &Value, moved| {
        let books = Books::new().verify("verify/good", true);
        books.settle("settle/good", answer, moved).at_rest()
    };
    let stranger = Address::repeat_byte(0xcc);
    assert_says(settled(&yes(), Some((9_900, PAY_TO))), id, Verdict::Fail);
    assert_says(settled(&yes(), Some((AMOUNT, stranger))), id, Verdict::Fail);
    assert_says(settled(&yes(), PAID), id, Verdict::Pass);
    // What it was called is told elsewhere.
    assert_says(settled(&no("declined"), PAID), id, Verdict::Pass);
    assert_says(settled(&yes(), None), id, Verdict::Skipped);
}

#[test]
fn an_unknown_outcome_is_called_pending() {
    let id = "FAC-SETTLE-009";
    let list = json!({ "kinds": [] });
    // The answer comes while mining stands still, or after it.
    let held = |answer: &Value, moved, late: bool| {
        let mut books = Books::new();
        let number = books.sign();
        if late {
            books.ask_while("settle/held", number, answer, |books| {
                books.written.get("held-over", "/supported", 200, &list);
            });
        } else {
            books.ask("settle/held", number, answer, 0);
            books.written.get("held-over", "/supported", 200, &list);
        }
        books.moved(number, moved);
        books.at_rest()
    };
    let failed = no("invalid_transaction_state");
    assert_says(held(&failed, PAID, false), id, Verdict::Warn);
    let mut bare = pending();
    bare["transaction"] = json!("");
    assert_says(held(&bare, PAID, false), id, Verdict::Warn);
    assert_says(held(&pending(), PAID, false), id, Verdict::Pass);
    // A true failure, and a facilitator that waits for the block.
    assert_says(held(&failed, None, false), id, Verdict::Info);
    assert_says(held(&yes(), PAID, true), id, Verdict::Info);
    assert_says(Books::new().at_rest(), id, Verdict::Skipped);
}

#[test]
fn near_its_end_a_payment_is_settled_in_time_or_not_at_all() {
    let id = "FAC-SETTLE-014";
    let settled = |answer: &Value, moved| {
        Books::new()
            .settle("settle/ends-soon", answer, moved)
            .at_rest()
    };
    let expired = no("invalid_exact_evm_payload_authorization_valid_before");
    assert_says(settled(&expired, PAID), id, Verdict::Warn);
    assert_says(settled(&yes(), None), id, Verdict::Warn);
    assert_says(settled(&expired, None), id, Verdict::Pass);
    assert_says(settled(&yes(), PAID), id, Verdict::Pass);
    assert_says(settled(&pending(), PAID), id, Verdict::Pass);
    assert_says(Books::new().at_rest(), id, Verdict::Skipped);
}

#[test]
fn a_slow_node_does_not_hold_answers_for_ever() {
    let id = "FAC-HTTP-008";
    let after = |took_us, answer: &Value| {
        let mut books = Books::new();
        let number = books.sign();
        books.ask("verify/slow-node", number, answer, took_us);
        books.at_rest()
    };
    let valid = json!({ "isValid": true });
    assert_says(after(12_000_000, &valid), id, Verdict::Warn);
    assert_says(after(3_000_000, &valid), id, Verdict::Pass);
    // An error in time is an answer too.
    let trouble = json!({ "isValid": false, "invalidReason": "unexpected_verify_error" });
    assert_says(after(3_000_000, &trouble), id, Verdict::Pass);
    assert_says(Books::new().at_rest(), id, Verdict::Skipped);
}

#[test]
fn bazaar_information_is_validated_and_nothing_is_fetched() {
    let written = |items: Value, fetched: bool| {
        let mut written = Books::new()
            .settle("settle/bazaar-bad", &yes(), PAID)
            .written;
        let list = json!({
            "x402Version": 2,
            "items": items,
            "pagination": { "limit": 20, "offset": 0, "total": 1 },
        });
        written.get("bazaar/listed", "/discovery/resources", 200, &list);
        if fetched {
            written.say(What::Note {
                probe: Some("bazaar/fetched".to_owned()),
                text: "http://127.0.0.1:9/schema.json".to_owned(),
            });
        }
        written
    };
    let item =
        |information: Value| json!([{ "resource": "a", "extensions": { "bazaar": information } }]);
    let given = item(json!({ "info": { "input": { "type": "http", "method": 7 } } }));
    let other = item(json!({ "info": { "input": { "type": "http", "method": "GET" } } }));
    assert_says(written(given, false), "FAC-DISC-005", Verdict::Warn);
    assert_says(written(other.clone(), false), "FAC-DISC-005", Verdict::Pass);
    assert_says(written(json!([]), false), "FAC-DISC-005", Verdict::Pass);
    assert_says(written(json!([]), true), "FAC-DISC-007", Verdict::Fail);
    assert_says(written(other, false), "FAC-DISC-007", Verdict::Pass);
    for id in ["FAC-DISC-005", "FAC-DISC-007"] {
        assert_says(Written::new(), id, Verdict::Skipped);
    }
}
