//! The links of a run: between its clients and the server, and between the server and our facilitator.

use crate::link::{LinkEnds, LinkProxy};

/// Both links, or why one is not there.
#[derive(Debug)]
pub struct Links {
    /// Between the bench's clients and the server.
    pub client: Result<LinkProxy, String>,
    /// Between the server and our facilitator.
    pub facilitator: Result<LinkProxy, String>,
}

impl Links {
    /// No link at all.
    pub fn none(why: &str) -> Self {
        Self {
            client: Err(why.to_owned()),
            facilitator: Err(why.to_owned()),
        }
    }

    /// The link between these two.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn between(&self, ends: LinkEnds) -> Result<&LinkProxy, &str> {
        let link = match ends {
            LinkEnds::ClientServer => &self.client,
            LinkEnds::ServerFacilitator => &self.facilitator,
        };
        link.as_ref().map_err(String::as_str)
    }
}
