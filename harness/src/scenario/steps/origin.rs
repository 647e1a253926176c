//! `origin`: a route whose handler behaves in a certain way.

use std::time::Duration;

use super::super::keys::exactly_one;
use super::super::scope::{NameKind, Scope};
use super::super::value::status;
use super::super::words::Need;
use super::{ONLY_SERVER, Step, StepKind};
use crate::config::yaml::MapView;

/// Names the paid route of the profile's `origin` on which the handler behaves like this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What it does.
    pub behaviour: OriginBehaviour,
    /// The route's name, for `quote`, `send` and `buy`.
    pub name: String,
}

/// What the paid handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginBehaviour {
    /// Answers with this status.
    Status(u16),
    /// Works so long before it answers.
    Delay(Duration),
    /// Streams its body and flushes.
    Stream,
}

pub(super) const KIND: StepKind = StepKind {
    name: "origin",
    about: "names a route on which the paid handler fails, is slow or streams",
    keys: &["status", "delay", "stream", "as"],
    roles: ONLY_SERVER,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let given = exactly_one(map, &["status", "delay", "stream"]);
    let behaviour = given.and_then(|(key, view)| match key {
        "status" => {
            scope.need(&view, Need::OriginStatus, "`origin: status`");
            status(&view, 200).map(OriginBehaviour::Status)
        }
        "delay" => {
            scope.need(&view, Need::OriginDelay, "`origin: delay`");
            view.as_positive_duration().map(OriginBehaviour::Delay)
        }
        _ => {
            scope.need(&view, Need::OriginStream, "`origin: stream`");
            let streams = view.as_bool()?;
            if !streams {
                view.problem("is `true` or absent");
            }
            streams.then_some(OriginBehaviour::Stream)
        }
    });
    let name = scope.define(map, NameKind::Route, 1);
    Some(Step::Origin(Origin {
        behaviour: behaviour?,
        name: name?,
    }))
}
