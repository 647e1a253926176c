//! `sign`: signs one payment, or a batch, for an offer.

use std::time::Duration;

use super::super::keys::number_or;
use super::super::scope::{NameKind, Scope};
use super::super::value::Amount;
use super::super::words::Need;
use super::{ANY_ROLE, Step, StepKind};
use crate::client::{MALFORMED, VARIATIONS, Variation};
use crate::config::did_you_mean;
use crate::config::yaml::{MapView, View};

/// The most payments in one batch.
pub(super) const COUNT_MAX: u32 = 500;
/// The payer who signs unless the step names one.
pub(super) const PAYER_DEFAULT: &str = "alice";

/// Signs `count` payments for an offer, each its own authorization with a fresh nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// The offer.
    pub offer: String,
    /// Who signs.
    pub payer: String,
    /// How many.
    pub count: u32,
    /// What is wrong with it: the name of a variation of the paying client.
    pub wrong: Option<&'static str>,
    /// What is signed for instead of the price.
    pub value: Option<Amount>,
    /// When it may be settled.
    pub window: Window,
    /// The payment-identifier to send along.
    pub id: Option<String>,
    /// The payment's name.
    pub name: String,
}

impl Sign {
    /// The variation that makes it wrong, if it is.
    pub fn variation(&self) -> Option<&'static Variation> {
        variations().find(|variation| Some(variation.name) == self.wrong)
    }
}

fn variations() -> impl Iterator<Item = &'static Variation> {
    VARIATIONS.iter().chain(MALFORMED)
}

/// The time window of an authorization, from the moment of signing. Absent parts are the paying client's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// `validBefore` lies this far ahead.
    pub valid_for: Option<Duration>,
    /// `validAfter` lies this far ahead.
    pub valid_in: Option<Duration>,
    /// `validBefore` lies this far back.
    pub expired_for: Option<Duration>,
}

pub(super) const KIND: StepKind = StepKind {
    name: "sign",
    about: "signs one payment, or `count` different ones, for an offer",
    keys: &[
        "offer",
        "payer",
        "count",
        "wrong",
        "value",
        "valid_for",
        "valid_in",
        "expired_for",
        "id",
        "as",
    ],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let offer = map
        .required("offer")
        .and_then(|view| scope.refer(&view, NameKind::Offer));
    let payer = decode_payer(map, scope);
    let count = number_or(map, "count", 1..=COUNT_MAX, 1);
    let wrong = map.optional("wrong").and_then(|view| decode_wrong(&view));
    let value = map.optional("value").and_then(|view| Amount::decode(&view));
    let window = decode_window(map);
    let id = map.optional("id").and_then(|view| {
        scope.need(&view, Need::PaymentIdentifier, "`id`");
        view.as_non_empty_str().map(str::to_owned)
    });
    let name = scope.define(map, NameKind::Payment, count);
    Some(Step::Sign(Sign {
        offer: offer?,
        payer: payer?,
        count,
        wrong,
        value,
        window,
        id,
        name: name?,
    }))
}

/// The payer under `payer`, else the usual one.
pub(super) fn decode_payer(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<String> {
    match map.optional("payer") {
        Some(view) => scope.refer(&view, NameKind::Payer),
        None => Some(PAYER_DEFAULT.to_owned()),
    }
}

fn decode_wrong(view: &View<'_>) -> Option<&'static str> {
    let name = view.as_non_empty_str()?;
    let names: Vec<&'static str> = variations().map(|variation| variation.name).collect();
    let found = names.iter().copied().find(|known| *known == name);
    if found.is_none() {
        let hint = match did_you_mean(name, names.iter().copied()) {
            hint if hint.is_empty() => format!("; variations: {}", names.join(", ")),
            hint => hint,
        };
        view.problem(format!("no variation is named `{name}`{hint}"));
    }
    found
}

fn decode_window(map: &MapView<'_>) -> Window {
    let window = Window {
        valid_for: map.optional_positive_duration("valid_for"),
        valid_in: map.optional_positive_duration("valid_in"),
        expired_for: map.optional_positive_duration("expired_for"),
    };
    if window.valid_for.is_some() && window.expired_for.is_some() {
        let message = "`expired_for` cannot stand beside `valid_for`: both say when it ends";
        map.problem_at_key("expired_for", message);
    }
    window
}
