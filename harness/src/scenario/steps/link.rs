//! `link`: faults of the network between two parties, named by protocol event.

use std::time::Duration;

use super::super::keys::{exactly_one, number};
use super::super::model::Role;
use super::super::scope::Scope;
use super::super::value::status;
use super::super::words::{Need, ProtocolEvent, words};
use super::{ANY_ROLE, Select, Step, StepKind};
use crate::config::yaml::{MapView, View};

words! {
    /// The two ends of a link.
    pub enum LinkEnds {
        /// Between the bench's clients and the server.
        ClientServer = "client-server",
        /// Between the server and its facilitator.
        ServerFacilitator = "server-facilitator",
    }
}

/// From this step on the link does this whenever the event is seen, until `clear_faults` or the end of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which link.
    pub between: LinkEnds,
    /// When. On `client-server` an event of the other link strikes the client connections that are open then.
    pub on: ProtocolEvent,
    /// At which of the events.
    pub select: Select,
    /// What happens.
    pub fault: LinkFault,
}

/// What a link does to an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Resets both connections; what was not passed on is lost.
    Reset,
    /// Closes both connections in good order.
    Close,
    /// Passes nothing on any more and keeps both connections open.
    Hang,
    /// Sends the request a second time and passes on the first answer, as a retrying proxy does.
    Duplicate,
    /// Keeps and answers like a shared cache (RFC 9111).
    Cache,
    /// Passes on after so long.
    Delay(Duration),
    /// Passes on so many bytes of the body, then closes.
    Truncate(u32),
    /// Answers with this status itself and passes nothing on.
    Status(u16),
}

const WORDS: &[(&str, LinkFault)] = &[
    ("reset", LinkFault::Reset),
    ("close", LinkFault::Close),
    ("hang", LinkFault::Hang),
    ("duplicate", LinkFault::Duplicate),
    ("cache", LinkFault::Cache),
];

pub(super) const KIND: StepKind = StepKind {
    name: "link",
    about: "breaks, delays, doubles or answers exchanges on a link at a protocol event",
    keys: &[
        "between", "on", "nth", "percent", "times", "payer", "payment", "fault", "delay",
        "truncate", "status",
    ],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let between = map
        .required("between")
        .and_then(|view| view.one_of(LinkEnds::ALL));
    let on = map
        .required("on")
        .and_then(|view| decode_event(&view, between));
    let select = Select::decode(map, scope);
    // In front of a target facilitator the reference server is ours, and so is its link.
    if between == Some(LinkEnds::ServerFacilitator) && scope.role == Role::Server {
        scope.need(map.view(), Need::Facilitator, "a link to the facilitator");
    }
    let given = exactly_one(map, &["fault", "delay", "truncate", "status"]);
    let fault = given.and_then(|(key, view)| match key {
        "fault" => view.one_of(WORDS),
        "delay" => view.as_positive_duration().map(LinkFault::Delay),
        "truncate" => number(&view, 0..=1 << 20).map(LinkFault::Truncate),
        _ => status(&view, 200).map(LinkFault::Status),
    });
    Some(Step::Link(Link {
        between: between?,
        on: on?,
        select,
        fault: fault?,
    }))
}

/// Events of the client's link are not seen on the facilitator's.
fn decode_event(view: &View<'_>, between: Option<LinkEnds>) -> Option<ProtocolEvent> {
    let event = view.one_of(ProtocolEvent::ALL)?;
    let of_client = matches!(
        event,
        ProtocolEvent::BeforeQuote
            | ProtocolEvent::AfterQuote
            | ProtocolEvent::BeforePayment
            | ProtocolEvent::AfterPayment
    );
    if of_client && between == Some(LinkEnds::ServerFacilitator) {
        view.problem(format!(
            "`{}` is seen between client and server, not between server and facilitator",
            event.word()
        ));
        return None;
    }
    Some(event)
}
