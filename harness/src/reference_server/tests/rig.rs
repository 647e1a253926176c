//! The reference server before the real mock facilitator on a memory ledger, with a client that pays.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, U256, address};
use axum::Router;
use http::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use x402_assay_protocol::{PayerKey, Settlement, Version, header, network};
use x402_mock_facilitator::{Facilitator, Ledger as _, MemoryLedger, Movement, Options};

use super::super::{Defect, DefectSet, MARKER, ReferenceServer, ReferenceServerOptions, Variant};
use super::front::Front;
use crate::client::{
    self, Choice, MALFORMED, Payer, SignOptions, SignedPayment, VARIATIONS, identifier,
};
use crate::http::{Exchange, KeptConnection, ProbeClient, ProbeClientOptions, Request, Response};

pub(super) const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
pub(super) const PAY_TO: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
pub(super) const PRICE: u64 = 10_000;

pub(super) struct Rig {
    pub(super) server: ReferenceServer,
    pub(super) front: Arc<Front>,
    pub(super) payer: Payer,
    pub(super) defects: DefectSet,
    ledger: Arc<MemoryLedger>,
    http: ProbeClient,
    _running: DropGuard,
}

async fn serve(router: Router, cancel: &CancellationToken) -> String {
    let listener = TcpListener::bind(LOCAL).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(x402_mock_facilitator::serve(
        listener,
        router,
        cancel.clone(),
    ));
    url
}

impl Rig {
    pub(super) async fn honest() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with_defect(defect: Defect) -> Self {
        Self::with(|options| options.defects = [defect].into_iter().collect()).await
    }

    pub(super) async fn with_variant(variant: Variant) -> Self {
        Self::with(|options| options.variants = [variant].into_iter().collect()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut ReferenceServerOptions)) -> Self {
        let base = network::by_chain_id(network::DEFAULT_CHAIN_ID).unwrap();
        let payer = Payer::new(PayerKey::derived("reference-server", 1, 0));
        let ledger = Arc::new(MemoryLedger::new(base.chain_id));
        // The second token stands where wrong payments claim it.
        for token in [base.usdc, client::STRANGER] {
            let mut domain = base.usdc_domain();
            domain.verifying_contract = token;
            ledger.register_token(domain);
            ledger
                .mint(token, payer.address(), U256::from(1_000_000))
                .unwrap();
        }
        let facilitator = Facilitator::new(Options::default());
        facilitator.add_ledger(Arc::clone(&ledger) as Arc<dyn x402_mock_facilitator::Ledger>);
        let cancel = CancellationToken::new();
        let upstream = serve(
            x402_mock_facilitator::router(Arc::new(facilitator)),
            &cancel,
        )
        .await;
        let front = Arc::new(Front::new(upstream));
        let url = serve(front.router(), &cancel).await;
        let mut options = ReferenceServerOptions::new(url, base, PAY_TO);
        options.meters = true;
        change(&mut options);
        Self {
            defects: options.defects.clone(),
            server: ReferenceServer::start(options, LOCAL).await.unwrap(),
            front,
            payer,
            ledger,
            http: ProbeClient::new(ProbeClientOptions::default()).unwrap(),
            _running: cancel.drop_guard(),
        }
    }

    pub(super) fn request(&self, path: &str) -> Request {
        let method = if path == "/generate" {
            Method::POST
        } else {
            Method::GET
        };
        let url = Url::parse(&format!("{}{path}", self.server.url())).unwrap();
        let request = Request::new(method, url);
        match path {
            "/generate" => request.with_body(r#"{"q":1}"#),
            _ => request,
        }
    }

    pub(super) async fn exchange(&self, request: Request) -> Exchange {
        self.http.send(request).await
    }

    pub(super) fn keep(&self) -> KeptConnection {
        self.http.keep()
    }

    pub(super) async fn send(&self, request: Request) -> Response {
        self.exchange(request)
            .await
            .outcome
            .unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.send(self.request(path)).await
    }

    /// The offer a client would choose, and the resource to echo.
    pub(super) async fn quote(&self, version: Version, path: &str) -> (Choice, Option<Value>) {
        let read = client::read(version, &self.get(path).await).unwrap();
        let choice = client::choose(&read.challenge, None).unwrap();
        (choice, read.challenge.resource().cloned())
    }

    /// An honest payment, with an identifier where one is required.
    pub(super) async fn sign(&self, version: Version, path: &str) -> SignedPayment {
        let read = client::read(version, &self.get(path).await).unwrap();
        let choice = client::choose(&read.challenge, None).unwrap();
        let resource = read.challenge.resource();
        let options = SignOptions::default();
        let mut signed = client::sign(&self.payer, &choice, resource, now(), &options);
        let extensions = read.challenge.raw.get("extensions");
        if identifier::requires_id(extensions) {
            let id = identifier::fresh_id();
            let value = identifier::with_id(&signed.header_value, extensions, &id);
            signed.header_value = value.unwrap();
        }
        signed
    }

    pub(super) async fn wrong(&self, name: &str, version: Version, path: &str) -> SignedPayment {
        let (choice, resource) = self.quote(version, path).await;
        let mut rows = VARIATIONS.iter().chain(MALFORMED);
        let variation = rows.find(|row| row.name == name).unwrap();
        client::vary(variation, &self.payer, &choice, resource.as_ref(), now()).unwrap()
    }

    pub(super) fn paying(&self, path: &str, payment: &SignedPayment) -> Request {
        let value = payment.header_value.clone();
        self.request(path).with_header(payment.header_name, value)
    }

    pub(super) async fn pay(&self, path: &str, payment: &SignedPayment) -> Response {
        self.send(self.paying(path, payment)).await
    }

    /// Quotes, signs and pays honestly.
    pub(super) async fn buy(&self, version: Version, path: &str) -> Response {
        let payment = self.sign(version, path).await;
        self.pay(path, &payment).await
    }

    /// Quotes, signs wrongly and pays.
    pub(super) async fn cheat(&self, name: &str, version: Version) -> Response {
        let payment = self.wrong(name, version, "/paid").await;
        self.pay("/paid", &payment).await
    }

    /// Sends a v2 payment header with this value.
    pub(super) async fn present(&self, value: &str) -> Response {
        let request = self
            .request("/paid")
            .with_header(header::PAYMENT_SIGNATURE, value);
        self.send(request).await
    }

    /// What the payer sent: (token, recipient, base units).
    pub(super) async fn moved(&self) -> Vec<(Address, Address, U256)> {
        let records = self.ledger.records(0, None).await.unwrap();
        let transfers = records.into_iter().filter_map(|record| match record.what {
            Movement::Transfer { from, to, value } if from == self.payer.address() => {
                Some((record.asset, to, value))
            }
            _ => None,
        });
        transfers.collect()
    }

    pub(super) fn settles(&self) -> usize {
        self.front.calls("settle").len()
    }

    pub(super) fn verifies(&self) -> usize {
        self.front.calls("verify").len()
    }

    /// True when the ledger has this transaction.
    pub(super) async fn mined(&self, transaction: &str) -> bool {
        let hash = transaction.parse().unwrap();
        self.ledger.transaction(hash).await.unwrap().is_some()
    }
}

/// The receipt of an answer; `None` without a readable header.
pub(super) fn receipt(version: Version, response: &Response) -> Option<Settlement> {
    let value = response.headers.first(version.settlement_header())?;
    let decoded = header::decode(value).ok()?;
    Some(Settlement::read(version, decoded.value))
}

/// True when the answer gives what must be paid for.
pub(super) fn granted(response: &Response) -> bool {
    response.text().contains(MARKER)
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
