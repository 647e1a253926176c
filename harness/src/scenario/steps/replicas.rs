//! `replicas`: how many copies of the target run.

use super::super::keys::number;
use super::super::scope::Scope;
use super::super::words::Need;
use super::send_options::REPLICAS_MAX;
use super::{ONLY_SERVER, Step, StepKind};
use crate::config::yaml::MapView;

/// From this step on so many copies of the target run, side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// How many.
    pub count: u32,
}

pub(super) const KIND: StepKind = StepKind {
    name: "replicas",
    about: "runs several copies of the target side by side",
    keys: &["count"],
    roles: ONLY_SERVER,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    scope.need(map.view(), Need::Replicas, "`replicas`");
    let count = number(&map.required("count")?, 1..=REPLICAS_MAX)?;
    Some(Step::Replicas(Replicas { count }))
}
