//! Payment identifiers: a repeat with the same identifier gets the answer that was bought (wire-format section 14.1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::Address;
use serde_json::{Value, json};
use x402_assay_protocol::Version;

use super::ask::Ask;
use super::content::Content;
use super::defects::Defect;
use super::incoming::Presented;
use super::page::Page;
use super::shop::Shop;
use super::variants::Variant;

/// Name of the extension.
pub(super) const EXTENSION: &str = "payment-identifier";
/// Where a payment carries its identifier.
const ID: &str = "/extensions/payment-identifier/info/id";
/// Purchases that are remembered; beyond it nothing new is.
const MOST: usize = 10_000;
/// Shortest and longest identifier.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// What the challenge declares.
pub(super) fn declaration(shop: &Shop) -> Value {
    if shop.has(Defect::IdWithoutSchema) {
        return json!({ "info": {} });
    }
    let required = is_required(shop) || shop.has(Defect::IdRequiredUnenforced);
    json!({
        "info": { "required": required },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$" },
            },
            "required": ["required"],
        },
    })
}

fn is_required(shop: &Shop) -> bool {
    shop.does(Variant::IdRequired)
}

/// What is known of a payment's identifier.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing, or there is none; it is held for this purchase unless the same payment holds it already.
    New(Option<InUse>),
    /// It bought this answer, with this payment and this request.
    Answered(Page),
    /// Another purchase has it.
    Conflict,
    /// It is no identifier.
    Malformed(String),
    /// There is none, and there must be.
    Missing,
    /// A defect takes it for paid.
    GivenAway,
}

#[derive(Debug)]
struct Bought {
    payment: Value,
    url: String,
    method: http::Method,
    body: Option<bytes::Bytes>,
    page: Page,
}

/// What one client chose says nothing about another one's.
type Key = (Address, String);

/// Purchases by payer and identifier.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    bought: Mutex<HashMap<Key, Bought>>,
    /// Payments that are being processed.
    in_use: Arc<Mutex<HashMap<Key, Value>>>,
}

/// An identifier while its purchase is under way; dropped, it is free again.
#[derive(Debug)]
pub(super) struct InUse {
    key: Key,
    all: Arc<Mutex<HashMap<Key, Value>>>,
    stays: bool,
}

impl Drop for InUse {
    fn drop(&mut self) {
        if !self.stays {
            lock(&self.all).remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Identifiers {
    /// What a payment's identifier means for this request; nothing about the payment is verified yet.
    pub(super) fn look_up(&self, payment: &Presented, ask: &Ask, shop: &Shop) -> Known {
        if shop.has(Defect::IdIgnored) {
            return Known::New(None);
        }
        let id = match id_of(payment) {
            None if is_required(shop) && payment.version == Version::V2 => return Known::Missing,
            None => return Known::New(None),
            Some(Err(why)) => return Known::Malformed(why),
            Some(Ok(id)) => id,
        };
        let bought = lock(&self.bought);
        if shop.has(Defect::IdForAnyPayer)
            && let Some((_, found)) = bought.iter().find(|((_, known), _)| known == id)
        {
            return Known::Answered(found.page.clone());
        }
        let key = (payment.authorization.from, id.to_owned());
        let Some(found) = bought.get(&key) else {
            return self.hold(key, payment, shop);
        };
        // Only the message that was verified once, whole and unchanged, stands for the payer.
        let same_payment = found.payment == payment.raw;
        let same_route = (&found.url, &found.method) == (&ask.url, &ask.method);
        let same_body = found.body == body_of(ask);
        if same_payment && same_route && same_body {
            return Known::Answered(found.page.clone());
        }
        let given_away = (shop.has(Defect::IdForAnyRoute) && same_payment && !same_route)
            || (shop.has(Defect::IdForAnyBody) && same_payment && !same_body);
        if given_away {
            Known::GivenAway
        } else {
            Known::Conflict
        }
    }

    /// Takes an identifier that bought nothing yet. A copy of the payment that has it is left to the replay guard.
    fn hold(&self, key: Key, payment: &Presented, shop: &Shop) -> Known {
        let stays = shop.has(Defect::IdPoisoned);
        let mut in_use = lock(&self.in_use);
        match in_use.get(&key) {
            Some(other) if stays || *other != payment.raw => return Known::Conflict,
            Some(_) => return Known::New(None),
            None if in_use.len() >= MOST => return Known::New(None),
            None => {}
        }
        in_use.insert(key.clone(), payment.raw.clone());
        Known::New(Some(InUse {
            key,
            all: Arc::clone(&self.in_use),
            stays,
        }))
    }

    /// Keeps a purchase whose payment carried an identifier.
    pub(super) fn remember(&self, payment: &Presented, ask: &Ask, page: &Page) {
        let Some(Ok(id)) = id_of(payment) else { return };
        let mut bought = lock(&self.bought);
        if bought.len() < MOST {
            let kept = Bought {
                payment: payment.raw.clone(),
                url: ask.url.clone(),
                method: ask.method.clone(),
                body: body_of(ask),
                page: page.clone(),
            };
            bought
                .entry((payment.authorization.from, id.to_owned()))
                .or_insert(kept);
        }
    }
}

fn body_of(ask: &Ask) -> Option<bytes::Bytes> {
    match &ask.content {
        Content::Generate(order) => Some(order.body.clone()),
        _ => None,
    }
}

fn id_of(payment: &Presented) -> Option<Result<&str, String>> {
    let id = payment.raw.pointer(ID)?;
    let legal = |id: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        LENGTHS.contains(&id.len()) && id.bytes().all(plain)
    };
    let read = id.as_str().filter(legal);
    Some(
        read.ok_or_else(|| {
            "a payment identifier is 16 to 128 letters, digits, `_` or `-`".to_owned()
        }),
    )
}
