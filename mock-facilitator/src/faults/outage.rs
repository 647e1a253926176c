//! Nobody is let in at all.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};

/// The facilitator is gone until the fault is removed: open connections are reset, new ones as they are accepted.
///
/// It hits everybody: nothing is known of a call at that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {}

#[async_trait]
impl Inject for Outage {
    fn validate(&self, matching: &Match) -> Result<(), String> {
        if *matching != Match::default() {
            return Err(
                "an outage refuses connections before anything is known of a call: \
                        leave `match` out, or use a reset"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// For a router that is served without its door.
    async fn before(&self, shot: &Shot) -> Flow {
        shot.fire();
        Flow::Cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Endpoint;
    use crate::faults::trial::Trial;

    #[tokio::test]
    async fn it_cuts_every_call_and_cannot_be_narrowed() {
        let fault = Outage {};
        let shot = Trial::verify().shot(fault, 1);
        assert!(matches!(fault.before(&shot).await, Flow::Cut));
        assert_eq!(fault.validate(&Match::default()), Ok(()));
        let narrow = Match {
            endpoint: Some(Endpoint::Settle),
            ..Match::default()
        };
        assert!(fault.validate(&narrow).unwrap_err().contains("use a reset"));
    }
}
