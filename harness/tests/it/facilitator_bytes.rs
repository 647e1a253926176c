//! Rows about what the bench cannot pay, or cannot provoke: each judge red, green and skipped on hand-written histories.

use alloy_primitives::{Address, B256, U256, keccak256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use x402_assay::history::event::{Answered, RunStarted, Sent};
use x402_assay::history::{Event, What};
use x402_assay::verdict::{self, Judging};
use x402_assay_protocol::{PayerKey, TokenDomain};
use x402_assay_reports::Report;
use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::event::Endpoint;

const NOW_US: u64 = 1_700_000_000_000_000;
const PERMIT2: &str = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const PROXY: &str = "0x402085c248EeA27D92E8b30b2C58ed07f9E20001";
const PAY_TO: &str = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const ASSET: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const SIGNER: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// A history that is written by hand.
struct Written {
    events: Vec<Event>,
    bodies: usize,
    exchanges: u32,
    calls: u64,
}

impl Written {
    /// With an answer of `/supported`.
    fn new() -> Self {
        let mut written = Self {
            events: Vec::new(),
            bodies: 0,
            exchanges: 0,
            calls: 0,
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

    fn say(&mut self, what: What) {
        let seq = self.events.len() as u64;
        self.events.push(Event {
            seq,
            at_us: NOW_US + seq * 1_000,
            what,
        });
    }

    fn body(&mut self, value: &Value) -> String {
        let hash = format!("body{}", self.bodies);
        self.bodies += 1;
        self.say(What::Body {
            hash: hash.clone(),
            text: value.to_string(),
            truncated_from: None,
        });
        hash
    }

    /// A direct call without a payment.
    fn get(&mut self, probe: &str, path: &str, status: u16, answer: &Value) {
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
    fn call(mut self, endpoint: Endpoint, request: &Value, answer: &Value) -> Self {
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

    fn verify(self, request: &Value, yes: bool) -> Self {
        let answer = match yes {
            true => json!({ "isValid": true }),
            false => json!({ "isValid": false, "invalidReason": "declined" }),
        };
        self.call(Endpoint::Verify, request, &answer)
    }

    fn settle(self, request: &Value, answer: &Value) -> Self {
        self.call(Endpoint::Settle, request, answer)
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
fn assert_says(written: Written, id: &str, wanted: Verdict) {
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

/// A wrong payment that is called valid is red; refused it is green; without one the row is skipped.
#[track_caller]
fn shows(id: &str, good: &Value, pointer: &str, wrong: &Value, red: Verdict) {
    let mut bad = good.clone();
    *bad.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("{pointer}")) = wrong.clone();
    assert_says(Written::new().verify(&bad, true), id, red);
    assert_says(Written::new().verify(&bad, false), id, Verdict::Pass);
    assert_says(Written::new().verify(good, true), id, Verdict::Skipped);
}

fn permit2(scheme: &str) -> Value {
    json!({
        "x402Version": 2,
        "paymentPayload": {
            "x402Version": 2,
            "payload": {
                "signature": "0x11",
                "permit2Authorization": {
                    "from": "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                    "permitted": { "token": ASSET, "amount": "10000" },
                    "spender": PROXY,
                    "nonce": "7",
                    "deadline": "1700000300",
                    "witness": { "to": PAY_TO, "facilitator": SIGNER, "validAfter": "0" },
                },
            },
            "extensions": {
                "eip2612GasSponsoring": { "info": { "spender": PERMIT2, "amount": "10000" } },
                "erc20ApprovalGasSponsoring": { "info": {
                    "spender": PERMIT2,
                    "asset": ASSET,
                    "signedTransaction": approval(ASSET, PERMIT2),
                } },
            },
        },
        "paymentRequirements": {
            "scheme": scheme, "network": "eip155:84532", "amount": "10000",
            "asset": ASSET, "payTo": PAY_TO, "maxTimeoutSeconds": 300, "extra": {},
        },
    })
}

/// The bytes of an approval, as far as they are looked at.
fn approval(target: &str, spender: &str) -> String {
    let bare = |text: &str| text.trim_start_matches("0x").to_ascii_lowercase();
    format!(
        "0x02f8ab94{}80b844095ea7b3{:0>64}{:0>64}",
        bare(target),
        bare(spender),
        "2710"
    )
}

const AUTHORIZATION: &str = "/paymentPayload/payload/permit2Authorization";

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn permit2_rows() {
    let good = permit2("exact");
    let stranger = json!("0xcccccccccccccccccccccccccccccccccccccccc");
    let at = |rest: &str| format!("{AUTHORIZATION}{rest}");
    shows(
        "FAC-P2-001",
        &good,
        &at("/spender"),
        &stranger,
        Verdict::Fail,
    );
    shows(
        "FAC-P2-002",
        &good,
        &at("/witness/to"),
        &stranger,
        Verdict::Fail,
    );
    shows(
        "FAC-P2-003",
        &good,
        &at("/deadline"),
        &json!("1600000000"),
        Verdict::Fail,
    );
    shows(
        "FAC-P2-003",
        &good,
        &at("/witness/validAfter"),
        &json!("1800000000"),
        Verdict::Fail,
    );
    shows(
        "FAC-P2-003",
        &good,
        &at("/permitted/token"),
        &stranger,
        Verdict::Fail,
    );
    shows(
        "FAC-P2-004",
        &good,
        &at("/permitted/amount"),
        &json!("9999"),
        Verdict::Fail,
    );
    let mut more = good.clone();
    *more.pointer_mut(&at("/permitted/amount")).unwrap() = json!("10001");
    assert_says(
        Written::new().verify(&more, true),
        "FAC-P2-004",
        Verdict::Skipped,
    );
    let told = json!({ "isValid": false, "invalidReason": "permit2_allowance_required" });
    let written = Written::new().call(Endpoint::Verify, &good, &told);
    assert_says(written, "FAC-P2-005", Verdict::Info);
    assert_says(Written::new(), "FAC-P2-005", Verdict::Skipped);
    let settled =
        |hash: &str| json!({ "success": true, "transaction": hash, "network": "eip155:84532" });
    let twice = |second: &Value| {
        Written::new()
            .settle(&good, &settled("0x01"))
            .settle(&good, second)
    };
    assert_says(twice(&settled("0x02")), "FAC-P2-006", Verdict::Fail);
    assert_says(twice(&settled("0x01")), "FAC-P2-006", Verdict::Info);
    assert_says(
        twice(&json!({ "success": false })),
        "FAC-P2-006",
        Verdict::Pass,
    );
    assert_says(
        Written::new().settle(&good, &settled("0x01")),
        "FAC-P2-006",
        Verdict::Skipped,
    );
    let both = Written::new()
        .verify(&good, true)
        .settle(&good, &settled("0x01"));
    assert_says(both, "FAC-P2-007", Verdict::Info);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn upto_rows() {
    let good = permit2("upto");
    let stranger = json!("0xcccccccccccccccccccccccccccccccccccccccc");
    let asked = |amount: &str| {
        let mut request = good.clone();
        request["paymentRequirements"]["amount"] = json!(amount);
        request
    };
    let settled = |amount: &str, hash: &str| json!({ "success": true, "transaction": hash, "network": "eip155:84532", "amount": amount });
    let no = json!({ "success": false, "errorReason": "declined" });
    let exceeding = asked("10001");
    assert_says(
        Written::new().settle(&exceeding, &settled("10001", "0x01")),
        "FAC-UPTO-001",
        Verdict::Fail,
    );
    assert_says(
        Written::new().settle(&exceeding, &no),
        "FAC-UPTO-001",
        Verdict::Pass,
    );
    assert_says(
        Written::new().settle(&asked("400"), &settled("400", "0x01")),
        "FAC-UPTO-001",
        Verdict::Skipped,
    );
    assert_says(
        Written::new().settle(&asked("400"), &settled("10000", "0x01")),
        "FAC-UPTO-002",
        Verdict::Fail,
    );
    assert_says(
        Written::new().settle(&asked("400"), &settled("400", "0x01")),
        "FAC-UPTO-002",
        Verdict::Pass,
    );
    assert_says(
        Written::new().settle(&asked("0"), &no),
        "FAC-UPTO-003",
        Verdict::Warn,
    );
    assert_says(
        Written::new().settle(&asked("0"), &settled("0", "0x01")),
        "FAC-UPTO-003",
        Verdict::Warn,
    );
    assert_says(
        Written::new().settle(&asked("0"), &settled("0", "")),
        "FAC-UPTO-003",
        Verdict::Pass,
    );
    let twice = |second: &Value| {
        Written::new()
            .settle(&asked("400"), &settled("400", "0x01"))
            .settle(&good, second)
    };
    assert_says(
        twice(&settled("10000", "0x02")),
        "FAC-UPTO-004",
        Verdict::Fail,
    );
    assert_says(twice(&no), "FAC-UPTO-004", Verdict::Pass);
    // A charge of nothing leaves the authorization as it was.
    let after_zero = Written::new()
        .settle(&asked("0"), &settled("0", ""))
        .settle(&good, &settled("10000", "0x02"));
    assert_says(after_zero, "FAC-UPTO-004", Verdict::Skipped);
    let at = |rest: &str| format!("{AUTHORIZATION}{rest}");
    shows(
        "FAC-UPTO-005",
        &good,
        &at("/permitted/amount"),
        &json!("20000"),
        Verdict::Fail,
    );
    shows(
        "FAC-UPTO-006",
        &good,
        &at("/witness/facilitator"),
        &stranger,
        Verdict::Fail,
    );
    shows(
        "FAC-UPTO-007",
        &good,
        "/paymentPayload/payload",
        &json!({ "authorization": {} }),
        Verdict::Fail,
    );
    shows(
        "FAC-UPTO-008",
        &good,
        &at("/witness/to"),
        &stranger,
        Verdict::Fail,
    );
    let both = Written::new()
        .verify(&good, true)
        .settle(&asked("400"), &settled("400", "0x01"));
    assert_says(both, "FAC-EQ-005", Verdict::Info);
    assert_says(Written::new(), "FAC-EQ-005", Verdict::Skipped);
}

#[test]
fn gas_rows() {
    let good = permit2("exact");
    let stranger = "0xcccccccccccccccccccccccccccccccccccccccc";
    let eip2612 = "/paymentPayload/extensions/eip2612GasSponsoring/info";
    let erc20 = "/paymentPayload/extensions/erc20ApprovalGasSponsoring/info";
    let at = |place: &str, name: &str| format!("{place}/{name}");
    shows(
        "FAC-GAS-001",
        &good,
        &at(eip2612, "spender"),
        &json!(stranger),
        Verdict::Fail,
    );
    assert_says(
        Written::new().verify(&good, true),
        "FAC-GAS-002",
        Verdict::Info,
    );
    shows(
        "FAC-GAS-003",
        &good,
        &at(erc20, "spender"),
        &json!(stranger),
        Verdict::Fail,
    );
    shows(
        "FAC-GAS-003",
        &good,
        &at(erc20, "asset"),
        &json!(stranger),
        Verdict::Fail,
    );
    for odd in [approval(stranger, PERMIT2), approval(ASSET, stranger)] {
        shows(
            "FAC-GAS-003",
            &good,
            &at(erc20, "signedTransaction"),
            &json!(odd),
            Verdict::Fail,
        );
    }
    let failed =
        |hash: &str| json!({ "success": false, "errorReason": "declined", "transaction": hash });
    assert_says(
        Written::new().settle(&good, &failed("0x01")),
        "FAC-GAS-004",
        Verdict::Warn,
    );
    assert_says(
        Written::new().settle(&good, &failed("")),
        "FAC-GAS-004",
        Verdict::Pass,
    );
}

fn channel_domain() -> B256 {
    let domain = TokenDomain {
        name: "x402 Batch Settlement".to_owned(),
        version: "1".to_owned(),
        chain_id: 84532,
        verifying_contract: "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"
            .parse()
            .unwrap(),
    };
    domain.separator()
}

fn typed(hash: B256) -> B256 {
    keccak256(
        [
            &[0x19, 0x01][..],
            channel_domain().as_slice(),
            hash.as_slice(),
        ]
        .concat(),
    )
}

fn voucher() -> Value {
    let key = PayerKey::derived("channel", 7, 0);
    let word = |address: &str| address.parse::<Address>().unwrap().into_word();
    let authorizer = key.address().to_string();
    let salt = B256::repeat_byte(5);
    let kind = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)",
    );
    let words = [
        kind,
        word(&authorizer),
        word(&authorizer),
        word(PAY_TO),
        word(SIGNER),
        word(ASSET),
        U256::from(900).into(),
        salt,
    ];
    let id = typed(keccak256(words.concat()));
    let voucher = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    let words = [voucher, id, U256::from(10_000).into()];
    let signature = key.sign(&typed(keccak256(words.concat())));
    json!({
        "x402Version": 2,
        "paymentPayload": {
            "x402Version": 2,
            "payload": {
                "type": "voucher",
                "channelConfig": {
                    "payer": authorizer, "payerAuthorizer": authorizer, "receiver": PAY_TO,
                    "receiverAuthorizer": SIGNER, "token": ASSET, "withdrawDelay": 900, "salt": salt.to_string(),
                },
                "voucher": { "channelId": id.to_string(), "maxClaimableAmount": "10000", "signature": signature.to_hex() },
            },
        },
        "paymentRequirements": {
            "scheme": "batch-settlement", "network": "eip155:84532", "amount": "10000",
            "asset": ASSET, "payTo": PAY_TO, "extra": { "receiverAuthorizer": SIGNER },
        },
    })
}

#[test]
fn channel_rows() {
    let good = voucher();
    let payload = "/paymentPayload/payload";
    let stranger = json!("0xcccccccccccccccccccccccccccccccccccccccc");
    for name in ["token", "receiver", "receiverAuthorizer", "payer"] {
        shows(
            "FAC-BATCH-001",
            &good,
            &format!("{payload}/channelConfig/{name}"),
            &stranger,
            Verdict::Fail,
        );
    }
    shows(
        "FAC-BATCH-002",
        &good,
        &format!("{payload}/voucher/maxClaimableAmount"),
        &json!("20000"),
        Verdict::Fail,
    );
    let state = |balance: &str| json!({ "isValid": true, "extra": { "channelId": "0x01", "balance": balance, "totalClaimed": "0" } });
    let written = |answer: &Value| Written::new().call(Endpoint::Verify, &good, answer);
    assert_says(written(&state("5000")), "FAC-BATCH-002", Verdict::Fail);
    assert_says(written(&state("50000")), "FAC-BATCH-002", Verdict::Skipped);
    assert_says(written(&state("50000")), "FAC-BATCH-003", Verdict::Pass);
    assert_says(
        written(&json!({ "isValid": true })),
        "FAC-BATCH-003",
        Verdict::Warn,
    );
    assert_says(Written::new(), "FAC-BATCH-003", Verdict::Skipped);
}

const COMPUTE: u8 = 4;
const TOKEN: u8 = 5;
const LIGHTHOUSE: u8 = 6;
const MEMO: u8 = 7;
const STRANGE: u8 = 8;

fn base58(text: &str) -> Vec<u8> {
    let digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number = U256::ZERO;
    for digit in text.chars() {
        number = number * U256::from(58) + U256::from(digits.find(digit).unwrap());
    }
    number.to_be_bytes::<32>().to_vec()
}

/// A transaction of these instructions: program, accounts, data. Accounts: fee payer, owner, source, mint; then programs.
fn solana(instructions: &[(u8, &[u8], Vec<u8>)]) -> String {
    let mut bytes = vec![1];
    bytes.extend([0; 64]);
    bytes.extend([0x80, 1, 0, 0]);
    let keys = [
        vec![1; 32],
        vec![2; 32],
        vec![3; 32],
        base58("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"),
        base58("ComputeBudget111111111111111111111111111111"),
        base58("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
        base58("L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95"),
        base58("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        vec![9; 32],
    ];
    bytes.push(u8::try_from(keys.len()).unwrap());
    bytes.extend(keys.concat());
    bytes.extend([0; 32]);
    bytes.push(u8::try_from(instructions.len()).unwrap());
    for (program, accounts, data) in instructions {
        bytes.push(*program);
        bytes.push(u8::try_from(accounts.len()).unwrap());
        bytes.extend(*accounts);
        bytes.push(u8::try_from(data.len()).unwrap());
        bytes.extend(data);
    }
    bytes.push(0);
    STANDARD.encode(bytes)
}

fn limit() -> (u8, &'static [u8], Vec<u8>) {
    (COMPUTE, &[], vec![2, 0, 0, 0, 0])
}

fn price(micro: u64) -> (u8, &'static [u8], Vec<u8>) {
    (COMPUTE, &[], [&[3][..], &micro.to_le_bytes()].concat())
}

fn transfer(accounts: &'static [u8], amount: u64) -> (u8, &'static [u8], Vec<u8>) {
    (
        TOKEN,
        accounts,
        [&[12][..], &amount.to_le_bytes(), &[6]].concat(),
    )
}

fn memo(text: &str) -> (u8, &'static [u8], Vec<u8>) {
    (MEMO, &[], text.as_bytes().to_vec())
}

const ACCOUNTS: &[u8] = &[2, 3, 2, 1];

fn of_solana(transaction: &str) -> Value {
    json!({
        "x402Version": 2,
        "paymentPayload": { "x402Version": 2, "payload": { "transaction": transaction } },
        "paymentRequirements": {
            "scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "amount": "10000",
            "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", "payTo": "9xQe",
            "extra": { "feePayer": "6NXePcxtPyeJn6ZKvfGbqBwt4cYSbtsvc1Vx8m98FtvT", "memo": "order 7" },
        },
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn solana_rows() {
    let good = solana(&[
        limit(),
        price(1),
        transfer(ACCOUNTS, 10_000),
        memo("order 7"),
    ]);
    let good = of_solana(&good);
    let place = "/paymentPayload/payload/transaction";
    let with = |instructions: &[(u8, &[u8], Vec<u8>)]| json!(solana(instructions));
    let rows = [
        (
            "FAC-SVM-001",
            with(&[
                limit(),
                price(1),
                transfer(&[2, 3, 2, 0], 10_000),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-002",
            with(&[
                price(1),
                limit(),
                transfer(ACCOUNTS, 10_000),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-003",
            with(&[
                limit(),
                price(1),
                transfer(ACCOUNTS, 10_000),
                (STRANGE, &[], vec![]),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-005",
            with(&[
                limit(),
                price(5_000_001),
                transfer(ACCOUNTS, 10_000),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-006",
            with(&[
                limit(),
                price(1),
                transfer(&[2, 2, 2, 1], 10_000),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-007",
            with(&[
                limit(),
                price(1),
                transfer(ACCOUNTS, 9_999),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-007",
            with(&[
                limit(),
                price(1),
                transfer(ACCOUNTS, 10_001),
                memo("order 7"),
            ]),
            Verdict::Warn,
        ),
        (
            "FAC-SVM-008",
            with(&[
                limit(),
                price(1),
                transfer(ACCOUNTS, 10_000),
                memo("order 8"),
            ]),
            Verdict::Fail,
        ),
        (
            "FAC-SVM-008",
            with(&[
                limit(),
                price(1),
                transfer(ACCOUNTS, 10_000),
                memo("order 7"),
                memo("order 7"),
            ]),
            Verdict::Fail,
        ),
    ];
    for (id, wrong, red) in &rows {
        shows(id, &good, place, wrong, *red);
    }
    let payer = json!("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU");
    shows(
        "FAC-SVM-010",
        &good,
        "/paymentRequirements/extra/feePayer",
        &payer,
        Verdict::Warn,
    );
    let lit = of_solana(&solana(&[
        limit(),
        price(1),
        transfer(ACCOUNTS, 10_000),
        (LIGHTHOUSE, &[], vec![1]),
        memo("order 7"),
    ]));
    assert_says(
        Written::new().verify(&lit, true),
        "FAC-SVM-004",
        Verdict::Pass,
    );
    let blamed = json!({ "isValid": false, "invalidReason": "invalid_exact_svm_payload_unknown_fourth_instruction" });
    assert_says(
        Written::new().call(Endpoint::Verify, &lit, &blamed),
        "FAC-SVM-004",
        Verdict::Fail,
    );
    assert_says(
        Written::new().verify(&lit, false),
        "FAC-SVM-004",
        Verdict::Skipped,
    );
    let yes = json!({ "success": true, "transaction": "5h", "network": "solana" });
    let twice = |second: &Value| Written::new().settle(&good, &yes).settle(&good, second);
    assert_says(twice(&yes), "FAC-SVM-009", Verdict::Warn);
    assert_says(
        twice(&json!({ "success": false, "errorReason": "duplicate_settlement" })),
        "FAC-SVM-009",
        Verdict::Pass,
    );
    assert_says(
        Written::new().settle(&good, &yes),
        "FAC-SVM-009",
        Verdict::Skipped,
    );
}

fn listed(change: impl Fn(&mut Value), second: &Value) -> Written {
    let item = |name: &str| json!({ "resource": name, "type": "http", "x402Version": 2, "accepts": [], "lastUpdated": "2026-01-01T00:00:00Z" });
    let page = |items: Value, limit: u64| json!({ "x402Version": 2, "items": items, "pagination": { "limit": limit, "offset": 0, "total": 2 } });
    let mut all = page(json!([item("a"), item("b")]), 20);
    change(&mut all);
    let mut written = Written::new();
    written.get("discovery/all", "/discovery/resources", 200, &all);
    written.get(
        "discovery/one",
        "/discovery/resources?limit=1",
        200,
        &page(json!([item("a")]), 1),
    );
    written.get(
        "discovery/hundred",
        "/discovery/resources?limit=100",
        200,
        &all,
    );
    written.get(
        "discovery/second",
        "/discovery/resources?limit=1&offset=1",
        200,
        &page(json!([second]), 1),
    );
    written
}

#[test]
fn discovery_rows() {
    let other = json!({ "resource": "b", "type": "http", "x402Version": 2, "accepts": [], "lastUpdated": 7 });
    let first = json!({ "resource": "a", "type": "http", "x402Version": 2, "accepts": [], "lastUpdated": "2026-01-01T00:00:00Z" });
    for id in ["FAC-DISC-002", "FAC-DISC-003", "FAC-DISC-004"] {
        assert_says(listed(|_| {}, &other), id, Verdict::Pass);
        assert_says(Written::new(), id, Verdict::Skipped);
    }
    assert_says(listed(|_| {}, &other), "FAC-DISC-001", Verdict::Info);
    let bare = |all: &mut Value| *all = json!({ "items": [] });
    assert_says(listed(bare, &other), "FAC-DISC-002", Verdict::Warn);
    let hundred = |all: &mut Value| all["pagination"]["limit"] = json!(100);
    assert_says(listed(hundred, &other), "FAC-DISC-003", Verdict::Warn);
    assert_says(listed(|_| {}, &first), "FAC-DISC-003", Verdict::Warn);
    let without = |all: &mut Value| all["items"][0] = json!({ "resource": "a" });
    assert_says(listed(without, &other), "FAC-DISC-004", Verdict::Warn);
}
