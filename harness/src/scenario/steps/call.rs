//! `call`: the facilitator is called directly, without a server.

use super::super::keys::only_with;
use super::super::scope::{NameKind, Scope};
use super::super::words::words;
use super::send::decode_copies;
use super::{ANY_ROLE, Content, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// An endpoint of a facilitator.
    pub enum Endpoint {
        /// `POST /verify`.
        Verify = "verify",
        /// `POST /settle`.
        Settle = "settle",
        /// `GET /supported`.
        Supported = "supported",
    }
}

/// Calls of the facilitator: the target, or (in server scenarios) the one the server uses, as a third party would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which endpoint.
    pub on: Endpoint,
    /// The payment, or each of a batch; absent for `supported`.
    pub payment: Option<String>,
    /// The offer that is sent as the requirements; that of the payment if absent.
    pub terms: Option<String>,
    /// How often each payment is sent.
    pub copies: u32,
    /// How many calls are open at once; they start at the same instant.
    pub concurrency: u32,
    /// Whether the next step begins before the answers are there.
    pub background: bool,
    /// The name of what came back.
    pub name: Option<String>,
}

pub(super) const KIND: StepKind = StepKind {
    name: "call",
    about: "calls verify, settle or supported of the facilitator directly",
    keys: &[
        "on",
        "payment",
        "terms",
        "copies",
        "concurrency",
        "background",
        "as",
    ],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let on = map
        .required("on")
        .and_then(|view| view.one_of(Endpoint::ALL));
    let pays = on != Some(Endpoint::Supported);
    let payment = if pays { map.required("payment") } else { None };
    let payment = payment.map(|view| scope.refer(&view, NameKind::Payment));
    only_with(map, "payment", "`on: verify` or `on: settle`", pays);
    only_with(map, "terms", "`on: verify` or `on: settle`", pays);
    let terms = map
        .optional("terms")
        .map(|view| scope.refer(&view, NameKind::Offer));
    let content = payment.clone().flatten().map(Content::Payment);
    let (copies, concurrency) = decode_copies(map, content.as_ref(), scope);
    let background = map.optional_bool("background").unwrap_or(false);
    scope.flight.send(concurrency, background);
    let name = scope.define_optional(map, NameKind::Answers, 1);
    let whole = payment.is_some() == pays
        && payment.as_ref().is_none_or(Option::is_some)
        && terms.as_ref().is_none_or(Option::is_some);
    let call = Call {
        on: on?,
        payment: payment.flatten(),
        terms: terms.flatten(),
        copies,
        concurrency,
        background,
        name,
    };
    whole.then_some(Step::Call(call))
}
