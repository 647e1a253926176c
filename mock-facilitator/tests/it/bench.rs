//! A facilitator on free ports, and an honest payer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, U256, address};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use x402_assay_protocol::payment::{build, fresh_nonce};
use x402_assay_protocol::{
    Authorization, Network, PayerKey, Requirement, Version, facilitator, network,
};
use x402_mock_facilitator::{
    CallStep, Facilitator, FacilitatorEvent, Fault, FaultSpec, Ledger, LedgerRecord, Match,
    MemoryLedger, Movement, Options, control_router, serve, serve_facilitator,
};

pub(crate) const CHAIN: u64 = 84532;
pub(crate) const PAYEE: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
pub(crate) const PRICE: u64 = 10_000;
pub(crate) const FUNDS: u64 = 100_000_000;

pub(crate) struct Bench {
    pub(crate) facilitator: Arc<Facilitator>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) payer: PayerKey,
    pub(crate) url: String,
    pub(crate) control: String,
    pub(crate) client: reqwest::Client,
    _stop: DropGuard,
}

/// What a test changes about an honest payment before it is signed.
pub(crate) struct Draft {
    pub(crate) version: Version,
    pub(crate) requirement: Value,
    pub(crate) authorization: Authorization,
}

pub(crate) fn usdc() -> &'static Network {
    network::by_chain_id(CHAIN).unwrap()
}

pub(crate) fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default(), |ledger| ledger).await
    }

    /// With the money on a ledger made from the memory ledger.
    pub(crate) async fn start_with(
        options: Options,
        wrap: impl FnOnce(Arc<MemoryLedger>) -> Arc<dyn Ledger>,
    ) -> Self {
        let ledger = Arc::new(MemoryLedger::new(CHAIN));
        ledger.register_token(usdc().usdc_domain());
        let payer = PayerKey::derived("facilitator tests", 0, 0);
        ledger
            .mint(usdc().usdc, payer.address(), U256::from(FUNDS))
            .unwrap();
        let facilitator = Arc::new(Facilitator::new(options));
        facilitator.add_ledger(wrap(ledger.clone()));
        let stop = CancellationToken::new();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve_facilitator(
            listener,
            facilitator.clone(),
            stop.clone(),
        ));
        let control = listen(control_router(facilitator.clone()), &stop).await;
        Self {
            facilitator,
            ledger,
            payer,
            url,
            control,
            client: client(),
            _stop: stop.drop_guard(),
        }
    }

    /// An honest payment, unsigned.
    pub(crate) fn draft(&self, version: Version) -> Draft {
        Draft {
            version,
            requirement: requirement(version),
            authorization: Authorization {
                from: self.payer.address(),
                to: PAYEE,
                value: U256::from(PRICE),
                valid_after: U256::ZERO,
                valid_before: U256::from(unix_s() + 60),
                nonce: fresh_nonce(),
            },
        }
    }

    /// Signs a draft under the domain its requirement names, and wraps it for the facilitator.
    pub(crate) fn sign(&self, draft: &Draft) -> Value {
        sign_as(&self.payer, draft)
    }

    pub(crate) fn honest(&self, version: Version) -> Value {
        self.sign(&self.draft(version))
    }

    pub(crate) async fn verify(&self, body: &Value) -> Value {
        self.post("/verify", body).await
    }

    pub(crate) async fn settle(&self, body: &Value) -> Value {
        self.post("/settle", body).await
    }

    /// Posts a body and wants a verdict (200).
    async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(path, body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn send(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn get(&self, url: &str) -> (u16, Value) {
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn balance(&self, owner: Address) -> U256 {
        self.ledger.balance(usdc().usdc, owner).await.unwrap()
    }

    /// Transfers from the payer: what really moved.
    pub(crate) async fn transfers(&self) -> Vec<LedgerRecord> {
        let records = self.ledger.records(0, None).await.unwrap();
        records
            .into_iter()
            .filter(|record| {
                matches!(record.what, Movement::Transfer { from, .. } if from == self.payer.address())
            })
            .collect()
    }

    /// An honest payment of another payer, with money of its own.
    pub(crate) fn honest_other(&self) -> (Value, Address) {
        let other = PayerKey::derived("facilitator tests", 1, 0);
        self.ledger
            .mint(usdc().usdc, other.address(), U256::from(FUNDS))
            .unwrap();
        let mut draft = self.draft(Version::V2);
        draft.authorization.from = other.address();
        (sign_as(&other, &draft), other.address())
    }

    /// Puts a fault into the calls that match.
    pub(crate) fn fault(&self, name: &str, fault: impl Into<Fault>, matching: Match) {
        let spec = FaultSpec::new(name, fault.into()).for_calls(matching);
        self.facilitator.faults().add(spec).unwrap();
    }

    /// Posts a body; the raw answer, or why there is none.
    pub(crate) async fn raw(&self, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}{path}", self.url);
        self.client.post(url).body(body.to_string()).send().await
    }

    /// Waits for an event.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&CallStep) -> bool) -> FacilitatorEvent {
        let mut after = 0;
        loop {
            let wait = std::time::Duration::from_secs(30);
            let page = self.facilitator.log().wait_page(after, 1_000, wait).await;
            assert!(!page.events.is_empty(), "the event never came");
            after = page.next;
            if let Some(event) = page.events.into_iter().find(|event| wanted(&event.what)) {
                return event;
            }
        }
    }

    pub(crate) fn events(&self) -> Vec<FacilitatorEvent> {
        self.facilitator.log().page(0, usize::MAX).events
    }
}

fn sign_as(payer: &PayerKey, draft: &Draft) -> Value {
    let offer = Requirement::from_raw(draft.version, draft.requirement.clone());
    let separator = usdc().usdc_domain().separator();
    let signature = payer.sign(&draft.authorization.digest(&separator));
    let payment = build(&offer, None, &draft.authorization, &signature);
    facilitator::request(draft.version, &payment, &draft.requirement)
}

pub(crate) fn requirement(version: Version) -> Value {
    let extra = json!({ "name": usdc().usdc_name, "version": usdc().usdc_version });
    let asset = usdc().usdc.to_checksum(None);
    let pay_to = PAYEE.to_checksum(None);
    let price = PRICE.to_string();
    match version {
        Version::V1 => json!({
            "scheme": "exact", "network": "base-sepolia", "maxAmountRequired": price, "asset": asset,
            "payTo": pay_to, "maxTimeoutSeconds": 60, "resource": "http://localhost/paid",
            "description": "", "mimeType": "", "outputSchema": null, "extra": extra,
        }),
        Version::V2 => json!({
            "scheme": "exact", "network": "eip155:84532", "amount": price, "asset": asset,
            "payTo": pay_to, "maxTimeoutSeconds": 60, "extra": extra,
        }),
    }
}

pub(crate) fn hash(answer: &Value) -> B256 {
    answer["transaction"].as_str().unwrap().parse().unwrap()
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        // Bodies as they came, also where another crate of the build switches decoding on.
        .no_gzip()
        .tls_certs_only([])
        .build()
        .unwrap()
}

pub(crate) async fn listen(router: axum::Router, stop: &CancellationToken) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, router, stop.clone()));
    url
}
