//! Links between real sockets: an origin that says what it saw, and callers that read bytes.

mod answers;
mod events;
mod outages;
mod support;
mod transparent;
