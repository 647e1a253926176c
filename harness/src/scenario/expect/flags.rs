//! Expectations that are said with one word, and at most `of: NAME`.

use super::super::model::Role;
use super::super::scope::{NameKind, Scope};
use super::super::words::{Need, words};
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

words! {
    /// What is said.
    pub enum Flag {
        /// A payment whose settlement was asked for, with an outcome the server cannot know to be a failure, is never
        /// answered with a challenge that makes the client sign anew (a 402 without a receipt).
        NoFresh402AfterSettle = "no_fresh_402_after_settle",
        /// The requirements in the facilitator's log are those the server advertised, whatever the payment claims.
        TermsFromServer = "terms_from_server",
        /// No part of the paid body is anywhere in a response: body, headers or trailers.
        NoPaidBytes = "no_paid_bytes",
        /// Where verify said valid and settle followed at once, settle succeeded.
        VerifyPredictsSettle = "verify_predicts_settle",
        /// No answer blames the payer (signature, funds, amount) for what was the node's or the facilitator's trouble.
        PayerIsNotBlamed = "payer_is_not_blamed",
        /// A good payment of a kind that `/supported` advertises is called valid and settles.
        SupportedIsTrue = "supported_is_true",
    }
}

/// A flag, and whose responses or answers it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flagged {
    /// What is said.
    pub flag: Flag,
    /// Of which step; of the whole round if absent.
    pub of: Option<String>,
}

const fn kind(
    flag: Flag,
    about: &'static str,
    decode: fn(&View<'_>, &mut Scope<'_>) -> Option<Expect>,
) -> ExpectationKind {
    ExpectationKind {
        name: flag.word(),
        about,
        keys: &["of"],
        decode,
    }
}

pub(super) const NO_FRESH_402: ExpectationKind = kind(
    Flag::NoFresh402AfterSettle,
    "an unknown settlement outcome is never answered with a fresh challenge",
    |view, scope| {
        needs_facilitator(view, scope);
        decode(
            view,
            scope,
            Flag::NoFresh402AfterSettle,
            NameKind::Responses,
        )
    },
);

pub(super) const TERMS_FROM_SERVER: ExpectationKind = kind(
    Flag::TermsFromServer,
    "the facilitator is asked about the advertised terms, whatever the payment claims",
    |view, scope| {
        needs_facilitator(view, scope);
        decode(view, scope, Flag::TermsFromServer, NameKind::Responses)
    },
);

pub(super) const NO_PAID_BYTES: ExpectationKind = kind(
    Flag::NoPaidBytes,
    "no part of the paid body is in any response",
    |view, scope| {
        scope.need(view, Need::Origin, "`no_paid_bytes`");
        decode(view, scope, Flag::NoPaidBytes, NameKind::Responses)
    },
);

pub(super) const VERIFY_PREDICTS_SETTLE: ExpectationKind = kind(
    Flag::VerifyPredictsSettle,
    "where verify said valid, settle succeeded",
    |view, scope| decode(view, scope, Flag::VerifyPredictsSettle, NameKind::Answers),
);

pub(super) const PAYER_IS_NOT_BLAMED: ExpectationKind = kind(
    Flag::PayerIsNotBlamed,
    "no answer blames the payer for the node's or the facilitator's trouble",
    |view, scope| decode(view, scope, Flag::PayerIsNotBlamed, NameKind::Answers),
);

pub(super) const SUPPORTED_IS_TRUE: ExpectationKind = kind(
    Flag::SupportedIsTrue,
    "good payments of the kinds that /supported advertises are valid and settle",
    |view, scope| decode(view, scope, Flag::SupportedIsTrue, NameKind::Answers),
);

fn needs_facilitator(view: &View<'_>, scope: &Scope<'_>) {
    if scope.role == Role::Server {
        scope.need(view, Need::Facilitator, "this expectation");
    }
}

fn decode(view: &View<'_>, scope: &mut Scope<'_>, flag: Flag, kind: NameKind) -> Option<Expect> {
    let map = view.as_map()?;
    let of = match map.optional("of") {
        Some(view) => Some(scope.refer(&view, kind)?),
        None => None,
    };
    Some(Expect::Flag(Flagged { flag, of }))
}
