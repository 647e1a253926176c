//! Defects of a facilitator that lists resources. A correct one validates what it lists, and fetches nothing for that.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::{Defect, DefectSet};
use crate::answer::Answer;
use crate::event::Endpoint;
use crate::faults::Faults;
use crate::faults::steer::Steer;
use crate::request::Parts;

/// Name of the extension.
pub(super) const BAZAAR: &str = "bazaar";
/// Last segment of the list's path.
const LIST: &str = "resources";
/// Items of a page, when nothing is said and at most.
const PAGE: usize = 20;
const PAGE_MAX: usize = 100;
/// Longest information that is listed, in bytes of JSON.
const INFORMATION_MAX_BYTES: usize = 16 * 1024;
/// References of one schema that are fetched at most.
const FETCHED_MAX: usize = 4;
/// Longest wait for one of them.
const FETCH_WAIT: Duration = Duration::from_secs(1);
/// Bytes read of one of them.
const FETCH_MAX_BYTES: u64 = 64 * 1024;

/// True when resources are listed.
pub(super) const fn is_open(defects: DefectSet) -> bool {
    defects.has(Defect::BazaarListsAnything) || defects.has(Defect::BazaarFetchesSchemas)
}

/// The list, for whoever asks for it while there is one.
pub(crate) fn list(
    faults: &Faults,
    name: &str,
    method: &Method,
    query: Option<&str>,
) -> Option<Answer> {
    let asked = name == LIST && matches!(*method, Method::GET | Method::HEAD);
    let (defects, memory) = asked.then(|| faults.remembered())?;
    if !is_open(defects) {
        return None;
    }
    let number = |wanted: &str| -> Option<usize> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut values = pairs.filter(|(name, _)| name == wanted);
        values.next()?.1.parse().ok()
    };
    let limit = number("limit").unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let offset = number("offset").unwrap_or(0);
    let items = memory.listed();
    let page: Vec<&Value> = items.iter().skip(offset).take(limit).collect();
    let body = json!({
        "x402Version": 2,
        "items": page,
        "pagination": { "limit": limit, "offset": offset, "total": items.len() },
    });
    Some(Answer::new(axum::http::StatusCode::OK, &body))
}

/// What a payment asks to be listed as, as an item of the list.
pub(crate) fn wanted(defects: DefectSet, parts: &Parts) -> Option<Value> {
    if !is_open(defects) {
        return None;
    }
    let payment = parts.payment();
    let information = payment.get("extensions")?.get(BAZAAR)?;
    if information.to_string().len() > INFORMATION_MAX_BYTES {
        return None;
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Some(json!({
        "resource": payment["resource"]["url"].as_str().unwrap_or_default(),
        "type": "http",
        "x402Version": payment["x402Version"],
        "accepts": [payment["accepted"]],
        "lastUpdated": now.as_secs(),
        "extensions": { BAZAAR: information },
    }))
}

/// Takes the resource of a settled payment on.
pub(crate) async fn take_on(
    steer: &Steer,
    endpoint: Endpoint,
    item: Option<Value>,
    answer: &mut Answer,
) {
    let Some(item) = item.filter(|_| endpoint == Endpoint::Settle) else {
        return;
    };
    let success = answer.members().and_then(|members| members.get("success"));
    if success != Some(&Value::Bool(true)) {
        return;
    }
    if steer.defects().has(Defect::BazaarFetchesSchemas) {
        let mut urls = Vec::new();
        references(&item["extensions"][BAZAAR]["schema"], &mut urls);
        for url in &urls {
            // Nothing depends on what comes: asking is the defect.
            let _ = tokio::time::timeout(FETCH_WAIT, fetch(url)).await;
        }
    }
    if steer.defects().has(Defect::BazaarListsAnything) {
        steer.memory().list(item);
    }
}

/// References of a schema to documents elsewhere.
fn references(schema: &Value, found: &mut Vec<Url>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                let text = value.as_str().filter(|_| name == "$ref" || name == "$id");
                let url = text.and_then(|text| Url::parse(text).ok());
                if let Some(url) = url.filter(|_| found.len() < FETCHED_MAX) {
                    found.push(url);
                }
                references(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Fetches a document, on this machine alone: what is broken on purpose must not reach anybody else.
async fn fetch(url: &Url) -> std::io::Result<()> {
    let host: IpAddr = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    let Some(port) = url.port_or_known_default() else {
        return Ok(());
    };
    if !host.is_loopback() || url.scheme() != "http" {
        return Ok(());
    }
    let mut stream = TcpStream::connect((host, port)).await?;
    let path = url.path();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut document = Vec::new();
    stream
        .take(FETCH_MAX_BYTES)
        .read_to_end(&mut document)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_a_schema_are_found_wherever_they_stand_and_few() {
        let schema = json!({
            "$id": "http://127.0.0.1/a",
            "properties": { "input": { "anyOf": [{ "$ref": "http://127.0.0.1/b" }, { "$ref": "#/here" }] } },
            "title": "http://127.0.0.1/c",
        });
        let mut urls = Vec::new();
        references(&schema, &mut urls);
        let paths: Vec<&str> = urls.iter().map(Url::path).collect();
        assert_eq!(paths, ["/a", "/b"]);
        let many = vec![json!({ "$ref": "http://127.0.0.1/d" }); 9];
        references(&Value::from(many), &mut urls);
        assert_eq!(urls.len(), FETCHED_MAX);
    }
}
