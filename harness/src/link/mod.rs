//! Links: HTTP/1.1 proxies on loopback that break, delay, double or answer exchanges at a protocol event.
//!
//! One stands between the bench's clients and the server, one between the server and any facilitator. They read and
//! write sockets themselves: an HTTP library would tidy up request targets, header names and framing, and it cannot
//! reset a connection at the point a fault names.

mod about;
mod body;
mod cache;
mod connection;
mod effect;
mod event;
mod exchange;
mod head;
mod hits;
mod listener;
mod open;
mod proxy;
mod rule;
mod rules;
mod shared;
mod upstream;
mod way_back;
mod wire;

/// Reading HTTP/1.1 messages off the wire, for other readers of sockets.
pub(crate) mod message {
    pub(crate) use super::body::BodyState;
    pub(crate) use super::head::{Framing, ResponseHead};
    pub(crate) use super::wire::head_end;
}

#[cfg(test)]
mod tests;

pub use about::About;
pub use event::{LinkEnds, LinkEvent, Stage, Subject, UnknownEvent};
pub use hits::{Hit, HitLog, HitPage};
pub use proxy::{LinkError, LinkOptions, LinkProxy};
pub use rule::{Answer, HostHeader, LinkFault, LinkRule, LinkSelect, Outage, Share};
pub use shared::LinkHit;
