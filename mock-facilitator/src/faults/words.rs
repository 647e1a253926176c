//! Names of the members that say yes or no.

use crate::event::Endpoint;

/// The members of one endpoint's answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// Says yes or no.
    pub(crate) flag: &'static str,
    /// Reason code of a no.
    pub(crate) reason: &'static str,
    /// Explanation of a no.
    pub(crate) message: &'static str,
}

impl Words {
    /// Those of `/settle`, else those of `/verify`.
    pub(crate) const fn of(endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::Settle => Self {
                flag: "success",
                reason: "errorReason",
                message: "errorMessage",
            },
            Endpoint::Verify | Endpoint::Supported | Endpoint::Other => Self {
                flag: "isValid",
                reason: "invalidReason",
                message: "invalidMessage",
            },
        }
    }
}
