//! The task as the process of the users needs it: read, checked, bounded.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rustls::ClientConfig;
use url::Url;
use x402_assay_protocol::{PayerKey, Version};

use super::wire::Task;
use super::words::Journeys;
use crate::http::tls::client_config;
use crate::load::users::USERS_MAX;

pub(super) struct Order {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) free: Option<Url>,
    pub(super) tls: ClientConfig,
    pub(super) version: Version,
    pub(super) chain_id: Option<u64>,
    pub(super) keys: Vec<PayerKey>,
    pub(super) journeys: Journeys,
    pub(super) think: (Duration, Duration),
    pub(super) warm_up: Duration,
    pub(super) length: Duration,
    pub(super) timeout: Duration,
    pub(super) seed: u64,
    pub(super) clock_ahead_s: i64,
    pub(super) marker: Option<String>,
}

impl Order {
    /// Reads a task.
    ///
    /// # Errors
    /// Names the member that is wrong.
    pub(super) fn read(task: Task) -> Result<Self, String> {
        let wrong = |member: &str, why: &dyn std::fmt::Display| format!("{member}: {why}");
        let mut headers = HeaderMap::new();
        for (name, value) in &task.headers {
            let name = HeaderName::try_from(name.as_str()).map_err(|why| wrong("headers", &why))?;
            let value =
                HeaderValue::try_from(value.as_str()).map_err(|why| wrong("headers", &why))?;
            headers.append(name, value);
        }
        let keys: Vec<PayerKey> = task
            .keys
            .iter()
            .map(|key| read_key(key))
            .collect::<Option<_>>()
            .ok_or("keys: one of them is no key")?;
        if !(1..=USERS_MAX).contains(&(keys.len() as u64)) {
            return Err(format!("keys: there are {}", keys.len()));
        }
        let body = task.body.map(|body| STANDARD.decode(body)).transpose();
        let url = |text: &str| Url::parse(text).map_err(|why| wrong("url", &why));
        Ok(Self {
            url: url(&task.url)?,
            method: Method::from_bytes(task.method.as_bytes())
                .map_err(|why| wrong("method", &why))?,
            headers,
            body: body
                .map_err(|why| wrong("body", &why))?
                .unwrap_or_default()
                .into(),
            free: task.free.as_deref().map(url).transpose()?,
            tls: client_config(task.ca.as_deref(), task.insecure)
                .map_err(|why| wrong("ca", &why))?,
            version: match task.version {
                1 => Version::V1,
                2 => Version::V2,
                other => return Err(format!("version: there is no {other}")),
            },
            chain_id: task.chain_id,
            keys,
            journeys: Journeys::parse(&task.journeys).map_err(|why| wrong("journeys", &why))?,
            think: match task.think_ms {
                (least, most) if least <= most => {
                    (Duration::from_millis(least), Duration::from_millis(most))
                }
                _ => return Err("think_ms: it ends before it begins".to_owned()),
            },
            warm_up: Duration::from_millis(task.warm_up_ms),
            length: Duration::from_millis(task.length_ms),
            timeout: Duration::from_millis(task.timeout_ms),
            seed: task.seed,
            clock_ahead_s: task.clock_ahead_s,
            marker: task.marker,
        })
    }

    /// Where the target is, without a path.
    pub(super) fn host(&self) -> String {
        self.url[..url::Position::BeforePath].to_owned()
    }
}

fn read_key(text: &str) -> Option<PayerKey> {
    let bytes: [u8; 32] = alloy_primitives::hex::decode(text).ok()?.try_into().ok()?;
    PayerKey::from_bytes(&bytes)
}
