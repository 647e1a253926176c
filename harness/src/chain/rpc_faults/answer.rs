//! One request to the RPC, with the faults that strike it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::calls::{Call, Calls, number};
use super::lies::{Lie, hide_newer, tell};
use super::registry::{RpcFaults, Strike};
use super::rule::RpcFault;
use crate::chain::rpc_reply::{allow_any_origin, error};

/// Longest that a call is held back.
const HELD_MAX: Duration = Duration::from_secs(300);
/// Largest answer that is changed on its way.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// The connection is to be reset.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::chain) struct Broken;

/// One call and what strikes it.
struct Struck {
    call: Call,
    strikes: Vec<Strike>,
    lie: Lie,
}

/// Answers a request: struck calls as their faults say, the others as the node does. `ask` passes a body on.
pub(in crate::chain) async fn answer<A>(
    faults: &RpcFaults,
    chain_id: Option<u64>,
    body: Bytes,
    ask: impl Fn(Bytes) -> A,
) -> Result<Response<Body>, Broken>
where
    A: Future<Output = Response<Body>>,
{
    let calls = (!faults.idle()).then(|| Calls::read(&body)).flatten();
    let Some(Calls { calls, batch }) = calls else {
        return Ok(ask(body).await);
    };
    let mut struck: Vec<Struck> = calls
        .into_iter()
        .map(|call| Struck {
            strikes: faults.strike(&call, chain_id),
            call,
            lie: Lie::Ask,
        })
        .collect();
    if struck.iter().all(|struck| struck.strikes.is_empty()) {
        return Ok(ask(body).await);
    }
    if let Some(response) = before(&struck, &body).await? {
        return Ok(response);
    }
    let newest = newest(&struck, &ask).await;
    let head = match newest {
        Some(Ok(head)) => head,
        Some(Err(response)) => return Ok(response),
        None => 0,
    };
    for one in &mut struck {
        for strike in &one.strikes {
            if one.lie == Lie::Ask {
                one.lie = tell(strike.fault, &mut one.call, head);
            }
        }
    }
    let response = merge(&struck, batch, head, &ask).await;
    let lost = |one: &Struck| one.strikes.iter().any(|s| s.fault == RpcFault::LoseAnswer);
    if struck.iter().any(lost) {
        return Err(Broken);
    }
    Ok(response)
}

/// Waits and failures of the whole request; the latest armed one counts.
async fn before(struck: &[Struck], body: &Bytes) -> Result<Option<Response<Body>>, Broken> {
    let strikes = || struck.iter().flat_map(|one| &one.strikes);
    for strike in strikes() {
        if let RpcFault::Latency { ms } = strike.fault {
            let limit = Duration::from_millis(ms).min(HELD_MAX);
            let _ = timeout(limit, strike.over.cancelled()).await;
        }
    }
    let mut failures = strikes().filter(|strike| {
        matches!(
            strike.fault,
            RpcFault::RateLimited | RpcFault::Html | RpcFault::Timeout | RpcFault::Reset
        )
    });
    let Some(last) = failures.next_back() else {
        return Ok(None);
    };
    match last.fault {
        RpcFault::RateLimited => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, body, "rate limit exceeded");
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(RETRY_AFTER, second);
            Ok(Some(response))
        }
        RpcFault::Html => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body></body></html>";
            let mut response = Response::new(Body::from(page));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            let kind = HeaderValue::from_static("text/html");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            allow_any_origin(response.headers_mut());
            Ok(Some(response))
        }
        RpcFault::Timeout => {
            // Until the rule is over: then the caller may as well know.
            let _ = timeout(HELD_MAX, last.over.cancelled()).await;
            Err(Broken)
        }
        _ => Err(Broken),
    }
}

/// The true newest block, where a lie needs it; else the node's answer why not.
async fn newest<A>(
    struck: &[Struck],
    ask: &impl Fn(Bytes) -> A,
) -> Option<Result<u64, Response<Body>>>
where
    A: Future<Output = Response<Body>>,
{
    let lags = |one: &Struck| {
        one.strikes
            .iter()
            .any(|s| matches!(s.fault, RpcFault::Lag { .. }))
    };
    if !struck.iter().any(lags) {
        return None;
    }
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []});
    let (head, body) = whole(ask(call.to_string().into()).await).await;
    let answered = serde_json::from_slice::<Value>(&body).ok();
    let block = answered.and_then(|answer| number(answer.get("result")?));
    Some(block.ok_or_else(|| Response::from_parts(head, Body::from(body))))
}

/// Asks the node what is not answered here, and puts the answers together in the order of the calls.
async fn merge<A>(
    struck: &[Struck],
    batch: bool,
    head: u64,
    ask: &impl Fn(Bytes) -> A,
) -> Response<Body>
where
    A: Future<Output = Response<Body>>,
{
    let open: Vec<&Struck> = struck.iter().filter(|one| one.lie == Lie::Ask).collect();
    let mut told = Vec::new();
    let mut headers = HeaderMap::new();
    if !open.is_empty() {
        let mut asked: Vec<Value> = open.iter().map(|one| one.call.to_json()).collect();
        let body = match asked.pop() {
            Some(only) if !batch => only.to_string(),
            last => Value::Array(asked.into_iter().chain(last).collect()).to_string(),
        };
        let (parts, body) = whole(ask(body.into()).await).await;
        told = match serde_json::from_slice(&body) {
            Ok(Value::Array(answers)) if batch => answers,
            Ok(answer @ Value::Object(_)) if !batch => vec![answer],
            // What the node says to all of them goes back as it is.
            _ => return Response::from_parts(parts, Body::from(body)),
        };
        headers = parts.headers;
    }
    let answers: Vec<Value> = struck
        .iter()
        .filter_map(|one| match &one.lie {
            Lie::Answer(answer) => Some(answer.clone()),
            Lie::Ask => truth(one, &mut told, head),
        })
        .collect();
    let body = match answers.first() {
        Some(only) if !batch => only.to_string(),
        _ => Value::Array(answers).to_string(),
    };
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    let kind = headers.remove(CONTENT_TYPE).unwrap_or(json);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    allow_any_origin(response.headers_mut());
    response
}

/// The node's answer to a call, without what a lag hides.
fn truth(one: &Struck, told: &mut Vec<Value>, head: u64) -> Option<Value> {
    let index = told
        .iter()
        .position(|answer| answer.get("id") == Some(&one.call.id))?;
    let mut answer = told.swap_remove(index);
    for strike in &one.strikes {
        if let RpcFault::Lag { blocks } = strike.fault {
            hide_newer(&one.call, &mut answer, head.saturating_sub(blocks));
        }
    }
    Some(answer)
}

async fn whole(response: Response<Body>) -> (http::response::Parts, Bytes) {
    let (parts, body) = response.into_parts();
    // The proxy's answers are whole and bounded already.
    let body = axum::body::to_bytes(body, ANSWER_MAX)
        .await
        .unwrap_or_default();
    (parts, body)
}
