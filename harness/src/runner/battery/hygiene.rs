//! Requests around the paid one: other methods and bodies, preflights, connections that are kept, spoofed headers.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::Method;
use serde_json::json;
use x402_assay_protocol::{Version, header};

use super::{Battery, Section};
use crate::config::profile::Route;
use crate::http::Request;
use crate::runner::session::{PaymentHeader, SendError};

/// A page that asks from elsewhere.
const ORIGIN: &str = "https://app.example";
/// Size of the large body.
const LARGE: usize = 1 << 20;
/// A large body is waited for at least so long, however impatient the run is.
const LEAST_WAIT: Duration = Duration::from_secs(3);
/// What paying browsers ask to be shown.
const EXPOSED: &str = "PAYMENT-RESPONSE,X-PAYMENT-RESPONSE";

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V2 => 24,
        Version::V1 => 0,
    },
    run: |battery| hygiene(battery).boxed(),
};

async fn hygiene(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.leads {
        return Ok(());
    }
    battery.methods().await?;
    battery.elsewhere().await?;
    battery.spoofed().await?;
    battery.bodies().await?;
    battery.kept().await
}

impl Battery<'_> {
    /// The paid path with methods that the profile does not name.
    async fn methods(&self) -> Result<(), SendError> {
        let (session, route) = (self.session, self.route);
        let own = &route.method;
        if *own == Method::GET {
            let before = session.newest_exchange().unwrap_or_default();
            session.read_executions(before).await;
            self.ask("http/head", &|request| request.method = Method::HEAD)
                .await?;
            let head = session.newest_exchange().unwrap_or_default();
            session.read_executions(head).await;
        }
        let others = [Method::GET, Method::POST, Method::PUT];
        for method in others.iter().filter(|method| *method != own) {
            let name = format!("http/method/{}", method.as_str().to_ascii_lowercase());
            self.ask(&name, &|request| request.method = method.clone())
                .await?;
        }
        let alias = match *own == Method::GET {
            true => Method::POST,
            false => Method::GET,
        };
        self.ask("http/method/override", &|request| {
            request.method = alias.clone();
            add(request, "X-HTTP-Method-Override", own.as_str());
        })
        .await?;
        self.ask("http/method/lower-case", &|request| {
            let lower = own.as_str().to_ascii_lowercase();
            request.method = Method::from_bytes(lower.as_bytes()).unwrap_or_default();
            request.target = Some(request.path_and_query());
        })
        .await
    }

    /// What a page from another origin asks.
    async fn elsewhere(&self) -> Result<(), SendError> {
        let ours = self.version.payment_header();
        let own = self.route.method.clone();
        self.ask("http/options", &|request| {
            request.method = Method::OPTIONS;
            add(request, "Origin", ORIGIN);
            add(request, "Access-Control-Request-Method", own.as_str());
            add(request, "Access-Control-Request-Headers", ours);
        })
        .await?;
        self.ask("http/cors", &|request| add(request, "Origin", ORIGIN))
            .await?;
        self.pay_as("http/expose-headers", &[], &|value| value, &|request| {
            add(request, "Origin", ORIGIN);
            add(request, "Access-Control-Expose-Headers", EXPOSED);
        })
        .await
    }

    /// Request headers that only answers should carry.
    async fn spoofed(&self) -> Result<(), SendError> {
        let network = match self.version {
            Version::V1 => "base-sepolia",
            Version::V2 => "eip155:84532",
        };
        let receipt = header::encode(&json!({
            "success": true,
            "transaction": format!("0x{}", "11".repeat(32)),
            "network": network,
            "payer": "0x1111111111111111111111111111111111111111",
        }));
        let spoof = |request: &mut Request| {
            add(request, header::PAYMENT_RESPONSE, &receipt);
            add(request, header::X_PAYMENT_RESPONSE, &receipt);
            add(request, "Settlement-Overrides", r#"{"amount":"1"}"#);
        };
        self.ask("http/spoofed-unpaid", &spoof).await?;
        self.pay_as("http/spoofed", &[], &|value| value, &spoof)
            .await
    }

    /// Bodies that a gate may stumble over, on the first route that takes one.
    async fn bodies(&self) -> Result<(), SendError> {
        let routes = &self.session.profile.routes;
        let Some(route) = routes.iter().find(|route| route.body.is_some()) else {
            return Ok(());
        };
        let own = route.body.clone().unwrap_or_default();
        let text = String::from_utf8_lossy(&own);
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        for (name, body) in [
            ("http/body/empty", String::new()),
            ("http/body/truncated", half),
            ("http/body/batch", format!("[{text},{text}]")),
        ] {
            let send = |request: &mut Request| {
                typed(request, "application/json");
                request.body = Some(body.clone().into());
                // A client library leaves out the length of an empty body.
                request.target = Some(request.path_and_query());
            };
            let probe = self.probe(name);
            self.session.send_as(&probe, route, None, &send).await?;
        }
        let send = |request: &mut Request| typed(request, "text/plain; charset=utf-7");
        let probe = self.probe("http/body/wrong-charset");
        self.session.send_as(&probe, route, None, &send).await?;
        self.large("http/large-body", route, false).await?;
        self.large("http/expect-continue", route, true).await
    }

    async fn large(&self, name: &str, route: &Route, expects: bool) -> Result<(), SendError> {
        let session = self.session;
        let mut request = session.request(route, None).await?;
        typed(&mut request, "application/json");
        let filler = "x".repeat(LARGE - 2);
        request.body = Some(format!("\"{filler}\"").into());
        request.target = Some(request.path_and_query());
        if expects {
            add(&mut request, "Expect", "100-continue");
        }
        let wait = session.patience.max(LEAST_WAIT);
        session
            .perform(&self.probe(name), &route.path, request, None, Some(wait))
            .await?;
        Ok(())
    }

    /// A purchase between two challenges, all on one connection, as long as the target keeps it.
    async fn kept(&self) -> Result<(), SendError> {
        let (session, route) = (self.session, self.route);
        let mut connection = session.http().keep();
        let mut header: Option<PaymentHeader> = None;
        for (name, pays) in [
            ("http/kept/unpaid", false),
            ("http/kept/paid", true),
            ("http/kept/unpaid-again", false),
        ] {
            let probe = self.probe(name);
            let payment = header.as_ref().filter(|_| pays);
            if pays && payment.is_none() {
                continue;
            }
            let mut request = session.request(route, payment).await?;
            for (name, _) in &mut request.headers {
                // As the library writes it: letter case is not what this is about.
                name.make_ascii_lowercase();
            }
            let kept = &mut connection;
            let sending = move |request| {
                let kept = kept;
                async move { kept.send(request).await }
            };
            let exchange = session
                .perform_by(&probe, &route.path, request, payment, sending)
                .await?;
            let Some(answer) = exchange.response() else {
                return Ok(());
            };
            let says = answer.headers.text("connection").unwrap_or_default();
            if says.to_ascii_lowercase().contains("close") {
                return Ok(());
            }
            if header.is_none() {
                let quote = self.quoted(&probe, &exchange);
                header = quote.map(|quote| self.signed(&quote, &[]));
            }
        }
        Ok(())
    }

    /// One unpaid request of this route, changed before it leaves.
    pub(super) async fn ask(
        &self,
        name: &str,
        change: &(dyn Fn(&mut Request) + Sync),
    ) -> Result<(), SendError> {
        let probe = self.probe(name);
        self.session
            .send_as(&probe, self.route, None, change)
            .await?;
        Ok(())
    }
}

fn add(request: &mut Request, name: &str, value: &str) {
    request.headers.push((name.to_owned(), value.to_owned()));
}

fn typed(request: &mut Request, content_type: &str) {
    let is_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
    request.headers.retain(|header| !is_type(header));
    add(request, "Content-Type", content_type);
}
