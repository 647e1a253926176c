//! The protocol port: `/verify`, `/settle`, `/supported`, `/health` under any base path.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::Version;
use x402_assay_protocol::facilitator::{SettleResponse, VerifyResponse};

use crate::answer::{Answer, no_response};
use crate::connection::Connection;
use crate::defects::answers::{ends_connection, refused_outright};
use crate::defects::{DefectSet, catalogue, deviations};
use crate::event::{CallStep, Endpoint};
use crate::facilitator::Facilitator;
use crate::faults::steer::{Start, Steer};
use crate::log::bounded_text;
use crate::plain::{crashed, health, help};
use crate::refusal::{Refusal, reason};
use crate::request::Parts;
use crate::settle::{Settled, Unsettled};
use crate::supported::supported;
use crate::upto;
use crate::verify::Scope;

/// Longest wait for a request body to arrive whole.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The router of the protocol port. Paths match on their last segment, so any base path works.
pub fn router(facilitator: Arc<Facilitator>) -> Router {
    let limit = facilitator.options().body_max_bytes;
    Router::new()
        .fallback(dispatch)
        .layer(DefaultBodyLimit::max(limit))
        .with_state(facilitator)
}

/// Who called, as far as faults need to know.
struct Caller {
    connection: Option<Connection>,
    gone: CancellationToken,
}

impl Caller {
    fn of(request: &Request) -> Self {
        let connection = request.extensions().get::<ConnectInfo<Connection>>();
        Self {
            connection: connection.map(|info| info.0.clone()),
            gone: CancellationToken::new(),
        }
    }
}

/// One call: received, done, answered, each logged in that order.
///
async fn dispatch(State(facilitator): State<Arc<Facilitator>>, request: Request) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let method = request.method().clone();
    if name == "health" && reads(&method) {
        let answer = Answer::new(StatusCode::OK, &health());
        let bytes = answer.bytes();
        return answer.into_response(bytes);
    }
    let endpoint = match name.as_str() {
        "verify" => Endpoint::Verify,
        "settle" => Endpoint::Settle,
        "supported" => Endpoint::Supported,
        _ => Endpoint::Other,
    };
    let caller = facilitator
        .faults()
        .is_armed()
        .then(|| Caller::of(&request));
    // Dropped with this future, which ends when the caller hangs up.
    let _here = caller
        .as_ref()
        .map(|caller| caller.gone.clone().drop_guard());
    let query = request.uri().query();
    let list = catalogue::list(facilitator.faults(), &name, &method, query);
    let body = read_body(request, facilitator.options().body_max_bytes).await;
    let living = facilitator.lives().begin();
    let call = facilitator.begin_call(endpoint);
    let parts = receive(&facilitator, call, endpoint, body);
    let is_steered = caller.is_some();
    let work = {
        let facilitator = Arc::clone(&facilitator);
        async move {
            let work = async {
                match (caller.filter(|_| operates(endpoint, &method)), list) {
                    // Apart, so that a call without faults does not carry the room that faults take.
                    (Some(caller), _) => {
                        Box::pin(steered(
                            &facilitator,
                            call,
                            endpoint,
                            &method,
                            parts,
                            caller,
                        ))
                        .await
                    }
                    (None, Some(list)) => answered(&facilitator, call, list),
                    (None, None) => {
                        let work = answer(&facilitator, call, endpoint, &method, parts, None);
                        answered(&facilitator, call, work.await)
                    }
                }
            };
            tokio::select! {
                biased;
                response = work => response,
                // Ended in mid-work: whatever it had claimed or waited for is dropped with it.
                () = living.over() => {
                    facilitator.log().append(call, CallStep::Cut);
                    no_response()
                }
            }
        }
    };
    let response = to_its_end(Box::pin(work), is_steered).await;
    response.unwrap_or_else(|| answered(&facilitator, call, crashed(endpoint)))
}

/// Runs the work in a task of its own, since a caller that hangs up must not stop a settlement half-way; `None` when it
/// panicked. What ends without waiting, as most calls on a memory ledger do, needs no task.
async fn to_its_end(work: BoxFuture<'static, Response>, will_wait: bool) -> Option<Response> {
    let mut work = AssertUnwindSafe(work).catch_unwind();
    if !will_wait && let Poll::Ready(ended) = futures_util::poll!(&mut work) {
        return ended.ok();
    }
    tokio::spawn(work).await.ok()?.ok()
}

/// One call with faults around the work.
async fn steered(
    facilitator: &Arc<Facilitator>,
    call: u64,
    endpoint: Endpoint,
    method: &Method,
    parts: Received,
    caller: Caller,
) -> Response {
    let key = parts.as_ref().ok().and_then(|parts| parts.key());
    let facts = (call, endpoint, key);
    let steer = Arc::new(Steer::begin(
        facilitator,
        facts,
        caller.connection,
        caller.gone,
    ));
    let answer = match steer.before().await {
        Start::Work if refused_outright(steer.defects(), endpoint).is_some() => {
            refused_outright(steer.defects(), endpoint)
        }
        Start::Work => {
            let parts = parts.map(|parts| Box::new(parts.reread(steer.defects())));
            let read = parts.as_deref().ok();
            let recipient = read.and_then(Parts::recipient);
            let item = read.and_then(|parts| catalogue::wanted(steer.defects(), parts));
            let mut work = answer(facilitator, call, endpoint, method, parts, Some(&steer)).await;
            catalogue::take_on(&steer, endpoint, item, &mut work).await;
            Some(deviations::deface(&steer, endpoint, recipient, work))
        }
        Start::Answer(answer) => Some(answer),
        Start::Cut => None,
    };
    let answer = match answer {
        Some(answer) if ends_connection(steer.defects(), &answer) => None,
        Some(answer) => steer.after(answer).await,
        None => None,
    };
    let mut response = match answer {
        Some(answer) => answered(facilitator, call, answer),
        None => {
            facilitator.log().append(call, CallStep::Cut);
            steer.cut_now();
            no_response()
        }
    };
    let turns = steer.take_turns();
    if !turns.is_empty() {
        // The server drops extensions when it writes the head: so turns end in the order of the answers.
        response.extensions_mut().insert(Arc::new(turns));
    }
    response
}

/// Logs the answer, then hands it over.
fn answered(facilitator: &Facilitator, call: u64, answer: Answer) -> Response {
    let bytes = answer.bytes();
    facilitator.log().append(
        call,
        CallStep::Answered {
            status: answer.status.as_u16(),
            body: kept_text(facilitator, &bytes),
            lied: answer.lied,
        },
    );
    answer.into_response(bytes)
}

/// A message as the log keeps it: not at all while recording is light.
fn kept_text(facilitator: &Facilitator, bytes: &[u8]) -> String {
    match facilitator.log().is_light() {
        true => String::new(),
        false => bounded_text(bytes),
    }
}

/// A request's two parts, or why there are none. Boxed: each step of the work would hold a copy of its own.
type Received = Result<Box<Parts>, (StatusCode, Refusal)>;

/// Reads the parts and logs the request.
fn receive(
    facilitator: &Facilitator,
    call: u64,
    endpoint: Endpoint,
    body: Result<Bytes, (StatusCode, Refusal)>,
) -> Received {
    let parts = match &body {
        Ok(bytes) => Parts::read(bytes)
            .map(Box::new)
            .map_err(|refusal| (StatusCode::BAD_REQUEST, refusal)),
        Err((status, refusal)) => Err((*status, refusal.clone())),
    };
    let kept = parts
        .as_deref()
        .ok()
        .filter(|_| !facilitator.log().is_light());
    facilitator.log().append(
        call,
        CallStep::Received {
            endpoint,
            authorization: kept.and_then(Parts::key),
            body: body.map_or_else(|_| String::new(), |bytes| kept_text(facilitator, &bytes)),
        },
    );
    parts
}

async fn read_body(request: Request, max: usize) -> Result<Bytes, (StatusCode, Refusal)> {
    let read = tokio::time::timeout(BODY_WAIT_MAX, Bytes::from_request(request, &()));
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::new(
                reason::BODY_TOO_LARGE,
                format!("the body is larger than {max} bytes"),
            ),
        )),
        Ok(Err(rejection)) => Err((
            StatusCode::BAD_REQUEST,
            Refusal::new(reason::INVALID_JSON, rejection.body_text()),
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            Refusal::new(
                reason::INVALID_JSON,
                format!("the body did not arrive in {} s", BODY_WAIT_MAX.as_secs()),
            ),
        )),
    }
}

async fn answer(
    facilitator: &Arc<Facilitator>,
    call: u64,
    endpoint: Endpoint,
    method: &Method,
    parts: Received,
    steer: Option<&Arc<Steer>>,
) -> Answer {
    match (endpoint, method) {
        (Endpoint::Verify, &Method::POST) => verified(facilitator, call, parts, steer).await,
        (Endpoint::Settle, &Method::POST) => settled(facilitator, call, parts, steer).await,
        (Endpoint::Verify | Endpoint::Settle, method) if reads(method) => {
            Answer::new(StatusCode::OK, &help(endpoint))
        }
        (Endpoint::Supported, method) if reads(method) => {
            Answer::new(StatusCode::OK, &supported(facilitator))
        }
        (Endpoint::Verify | Endpoint::Settle, _) => not_allowed("GET, HEAD, POST"),
        (Endpoint::Supported, _) => not_allowed("GET, HEAD"),
        (Endpoint::Other, _) => Answer::new(
            StatusCode::NOT_FOUND,
            &json!({ "error": "unknown path; this facilitator has /verify, /settle, /supported and /health" }),
        ),
    }
}

async fn verified(
    facilitator: &Facilitator,
    call: u64,
    parts: Received,
    steer: Option<&Arc<Steer>>,
) -> Answer {
    let (parts, verdict) = match parts {
        Ok(parts) => {
            let verdict = verify(facilitator, call, &parts, steer).await;
            (
                Some(parts),
                verdict.map_err(|refusal| (status_of(&refusal), refusal)),
            )
        }
        Err(refused) => (None, Err(refused)),
    };
    let (status, refusal) = match verdict {
        Ok(()) => (StatusCode::OK, None),
        Err((status, refusal)) => (status, Some(refusal)),
    };
    let (code, message) = refusal.map(|r| (r.code.to_owned(), r.message)).unzip();
    let response = VerifyResponse {
        is_valid: code.is_none(),
        invalid_reason: code,
        invalid_message: message,
        payer: parts.as_deref().and_then(Parts::payer),
    };
    told(status, &response, steer)
}

async fn verify(
    facilitator: &Facilitator,
    call: u64,
    parts: &Parts,
    steer: Option<&Arc<Steer>>,
) -> Result<(), Refusal> {
    if parts.is_upto() {
        let defects = steer.map_or(DefectSet::NONE, |steer| steer.defects());
        return Box::pin(upto::verify(facilitator, parts.upto_claim()?, defects)).await;
    }
    let claim = parts.claim()?;
    if let Some(steer) = steer.filter(|steer| !steer.defects().is_empty()) {
        return Box::pin(deviations::verify(facilitator, call, claim, steer)).await;
    }
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    crate::verify::verify(ledger.as_ref(), claim, Scope::ALL).await?;
    Ok(())
}

async fn settled(
    facilitator: &Arc<Facilitator>,
    call: u64,
    parts: Received,
    steer: Option<&Arc<Steer>>,
) -> Answer {
    let (parts, outcome) = match parts {
        Ok(parts) => {
            let outcome = settle(facilitator, call, &parts, steer).await;
            (Some(parts), outcome.map_err(|u| (status_of(&u.refusal), u)))
        }
        Err((status, refusal)) => (None, Err((status, refusal.into()))),
    };
    let amount = outcome.as_ref().ok().and_then(|settled| settled.amount);
    let (status, transaction, refusal) = match outcome {
        Ok(settled) => (StatusCode::OK, settled.transaction, None),
        Err((
            status,
            Unsettled {
                refusal,
                transaction,
            },
        )) => (status, transaction, Some(refusal)),
    };
    let (code, message) = refusal.map(|r| (r.code.to_owned(), r.message)).unzip();
    let response = SettleResponse {
        success: code.is_none(),
        error_reason: code,
        error_message: message,
        transaction: transaction.map(|hash| hash.to_string()).unwrap_or_default(),
        network: parts.as_deref().map(Parts::network).unwrap_or_default(),
        payer: parts.as_deref().and_then(settlement_payer),
        amount: amount.map(|amount| amount.to_string()),
    };
    told(status, &response, steer)
}

async fn settle(
    facilitator: &Arc<Facilitator>,
    call: u64,
    parts: &Parts,
    steer: Option<&Arc<Steer>>,
) -> Result<Settled, Unsettled> {
    if parts.is_upto() {
        let claim = parts.upto_claim()?;
        let settling = upto::settle(facilitator, call, claim, steer.map(Arc::as_ref));
        return Box::pin(settling).await;
    }
    let claim = parts.claim()?;
    if let Some(steer) = steer.filter(|steer| !steer.defects().is_empty()) {
        let settled = Box::pin(deviations::settle(facilitator, call, claim, steer)).await;
        return settled.map(Settled::from);
    }
    let settled = crate::settle::settle(facilitator, call, claim, steer.map(Arc::as_ref)).await;
    settled.map(Settled::from)
}

/// A verdict, open to change where faults may change it.
fn told(status: StatusCode, verdict: &impl Serialize, steer: Option<&Arc<Steer>>) -> Answer {
    match steer {
        Some(_) => Answer::new(status, verdict),
        None => Answer::fixed(status, verdict),
    }
}

/// v1 requires the member, so an unknown payer is empty there and absent in v2.
fn settlement_payer(parts: &Parts) -> Option<String> {
    parts
        .payer()
        .or_else(|| (parts.version() == Some(Version::V1)).then(String::new))
}

/// A verdict on the payment is 200; our own trouble is 500, with the shape kept.
fn status_of(refusal: &Refusal) -> StatusCode {
    if refusal.is_own_trouble() {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    }
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// True for what a facilitator is for: faults leave everything else alone.
fn operates(endpoint: Endpoint, method: &Method) -> bool {
    match endpoint {
        Endpoint::Verify | Endpoint::Settle => *method == Method::POST,
        Endpoint::Supported => reads(method),
        Endpoint::Other => false,
    }
}

fn not_allowed(allow: &'static str) -> Answer {
    let error = json!({ "error": format!("method not allowed; use {allow}") });
    Answer::new(StatusCode::METHOD_NOT_ALLOWED, &error).allow(allow)
}
