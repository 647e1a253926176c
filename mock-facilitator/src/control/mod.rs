//! The control port: what happened, and what the ledgers hold. Keep it on loopback.

mod routes;
mod shapes;

pub use routes::control_router;
pub use shapes::{
    AccountNonce, AccountNonces, Balance, CallCounts, ControlError, Health, NetworkState, Records,
    SERVICE, State,
};
