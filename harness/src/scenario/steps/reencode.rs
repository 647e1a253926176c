//! `reencode`: writes a payment in another way.

use super::super::scope::{NameKind, Scope};
use super::super::words::Encoding;
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::MapView;

/// The same authorization with the same signature, other bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reencode {
    /// What is written anew.
    pub payment: String,
    /// How.
    pub with: Encoding,
    /// The copy's name.
    pub name: String,
}

pub(super) const KIND: StepKind = StepKind {
    name: "reencode",
    about: "writes the same authorization in one of eight other ways",
    keys: &["payment", "with", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let payment = map
        .required("payment")
        .and_then(|view| scope.refer(&view, NameKind::Payment));
    let with = map
        .required("with")
        .and_then(|view| view.one_of(Encoding::ALL));
    let size = payment.as_deref().map_or(1, |name| scope.size_of(name));
    let name = scope.define(map, NameKind::Payment, size);
    Some(Step::Reencode(Reencode {
        payment: payment?,
        with: with?,
        name: name?,
    }))
}
