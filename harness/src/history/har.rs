//! The messages of a history as HAR 1.2, for the network panel of a browser and for HTTP tools. Pure.
//!
//! Whole messages, as the history holds them: what was redacted there stays redacted, and only test keys signed.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use url::Url;

use super::event::Event;
use super::exchange::{Exchange, Outcome};
use super::facilitator_call::FacilitatorCall;
use super::facts::Facts;

/// Bytes of message bodies that one file holds; later bodies are left out and say so.
const BODIES_MAX: usize = 64 << 20;
/// Histories do not tell the version that was spoken.
const HTTP_VERSION: &str = "unknown";

/// Every exchange with the target and every call to our facilitator, in the order in which they began.
pub fn render(events: &[Event]) -> String {
    let facts = Facts::new(events, None);
    let mut room = BODIES_MAX;
    let mut entries: Vec<(u64, Value)> = Vec::new();
    let base = facts.run.and_then(|run| Url::parse(&run.target_url).ok());
    for exchange in &facts.exchanges {
        let entry = of_exchange(exchange, base.as_ref(), &mut room);
        entries.push((exchange.sent_at_us, entry));
    }
    let facilitator = facts.run.map_or("", |run| run.facilitator_url.as_str());
    for call in &facts.calls {
        let entry = of_call(call, facilitator, &mut room);
        entries.push((call.received_at_us, entry));
    }
    entries.sort_by_key(|(at_us, _)| *at_us);
    let entries: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
    let version = facts
        .run
        .map_or("unknown", |run| run.bench_version.as_str());
    let log = json!({ "log": {
        "version": "1.2",
        "creator": { "name": "x402-assay", "version": version },
        "entries": entries,
    } });
    format!("{log:#}\n")
}

fn of_exchange(exchange: &Exchange<'_>, base: Option<&Url>, room: &mut usize) -> Value {
    let sent = exchange.sent;
    let url = base.and_then(|base| base.join(&sent.path).ok());
    let url = url.map_or_else(|| sent.path.clone(), String::from);
    let body = exchange.request_text();
    let (wait_us, total_us) = exchange
        .answer()
        .map_or((0, 0), |answer| (answer.headers_us, answer.total_us));
    let elapsed = match exchange.answer() {
        Some(_) => total_us,
        None => exchange.ended_at_us.saturating_sub(exchange.sent_at_us),
    };
    let response = match exchange.outcome {
        Outcome::Answered(answer) => response(
            answer.status,
            headers(&answer.headers, |value| exchange.whole(value)),
            exchange.body_text(),
            room,
        ),
        Outcome::Unanswered(..) | Outcome::Open => response(0, Vec::new(), None, room),
    };
    let mut entry = entry(
        exchange.sent_at_us,
        elapsed,
        request(
            &sent.method,
            &url,
            headers(&sent.headers, |value| exchange.whole(value)),
            body,
            room,
        ),
        response,
        json!({
            "send": 0,
            "wait": ms(wait_us.max(elapsed.saturating_sub(total_us))),
            "receive": ms(total_us.saturating_sub(wait_us)),
        }),
    );
    let unanswered = match exchange.outcome {
        Outcome::Unanswered(_, why) => format!("; {why}"),
        Outcome::Open => "; no answer recorded".to_owned(),
        Outcome::Answered(_) => String::new(),
    };
    entry["comment"] = json!(format!(
        "exchange {}: {}{unanswered}",
        exchange.number(),
        sent.probe
    ));
    entry
}

fn of_call(call: &FacilitatorCall<'_>, facilitator: &str, room: &mut usize) -> Value {
    let url = format!("{}{}", facilitator.trim_end_matches('/'), call.path());
    let kind = vec![json!({ "name": "content-type", "value": "application/json" })];
    let body = call.request_text();
    let method = match body.is_none_or(str::is_empty) {
        true => "GET",
        false => "POST",
    };
    let response = match call.answer {
        Some(answer) => response(
            answer.status,
            kind.clone(),
            call.response_text_whole(),
            room,
        ),
        None => response(0, Vec::new(), None, room),
    };
    let elapsed = call
        .ended_at_us()
        .map_or(0, |ended| ended.saturating_sub(call.received_at_us));
    let mut entry = entry(
        call.received_at_us,
        elapsed,
        request(method, &url, kind, body, room),
        response,
        json!({ "send": 0, "wait": ms(elapsed), "receive": 0 }),
    );
    let ending = match (call.lied(), call.cut_at_us) {
        (true, _) => "; the answer is an injected lie",
        (_, Some(_)) => "; the connection was cut",
        (false, None) => "",
    };
    // The history keeps bodies of these calls, not their headers.
    entry["comment"] = json!(format!(
        "facilitator call {} (headers are not recorded){ending}",
        call.call
    ));
    entry
}

fn entry(began_us: u64, elapsed_us: u64, request: Value, response: Value, timings: Value) -> Value {
    json!({
        "startedDateTime": date(began_us),
        "time": ms(elapsed_us),
        "request": request,
        "response": response,
        "cache": {},
        "timings": timings,
    })
}

fn request(
    method: &str,
    url: &str,
    headers: Vec<Value>,
    body: Option<&str>,
    room: &mut usize,
) -> Value {
    let query: Vec<Value> = Url::parse(url).map_or_else(
        |_| Vec::new(),
        |url| {
            let pairs = url.query_pairs();
            pairs
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect()
        },
    );
    let mut request = json!({
        "method": method,
        "url": url,
        "httpVersion": HTTP_VERSION,
        "cookies": [],
        "headers": headers,
        "queryString": query,
        "headersSize": -1,
        "bodySize": body.map_or(0, str::len),
    });
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        let mime = mime(&request["headers"]);
        request["postData"] = match taken(body, room) {
            Some(text) => json!({ "mimeType": mime, "params": [], "text": text }),
            None => json!({ "mimeType": mime, "params": [], "text": "", "comment": LEFT_OUT }),
        };
    }
    request
}

const LEFT_OUT: &str =
    "left out: the bodies of this file have reached 64 MiB; history.jsonl holds it";

fn response(status: u16, headers: Vec<Value>, body: Option<&str>, room: &mut usize) -> Value {
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let headers = Value::Array(headers);
    let size = body.map_or(0, str::len);
    let mut content = json!({ "size": size, "mimeType": mime(&headers) });
    if let Some(body) = body {
        match taken(body, room) {
            Some(text) => content["text"] = json!(text),
            None => content["comment"] = json!(LEFT_OUT),
        }
    }
    json!({
        "status": status,
        "statusText": reason.unwrap_or_default(),
        "httpVersion": HTTP_VERSION,
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": header(&headers, "location"),
        "headersSize": -1,
        "bodySize": -1,
    })
}

/// The body, while there is room.
fn taken<'b>(body: &'b str, room: &mut usize) -> Option<&'b str> {
    *room = room.checked_sub(body.len())?;
    Some(body)
}

fn headers<'v>(list: &'v [(String, String)], whole: impl Fn(&'v str) -> &'v str) -> Vec<Value> {
    list.iter()
        .map(|(name, value)| json!({ "name": name, "value": whole(value) }))
        .collect()
}

fn header(headers: &Value, wanted: &str) -> String {
    let named = |header: &&Value| {
        let name = header["name"].as_str().unwrap_or_default();
        name.eq_ignore_ascii_case(wanted)
    };
    let found = headers.as_array().and_then(|list| list.iter().find(named));
    found
        .and_then(|header| header["value"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn mime(headers: &Value) -> String {
    match header(headers, "content-type") {
        none if none.is_empty() => "application/octet-stream".to_owned(),
        some => some,
    }
}

fn date(at_us: u64) -> String {
    let micros = i64::try_from(at_us).unwrap_or(i64::MAX);
    DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn ms(us: u64) -> f64 {
    // Microseconds of a run are far below 2^53.
    us as f64 / 1_000.0
}
