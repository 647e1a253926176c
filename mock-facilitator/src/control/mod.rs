//! The control port: what happened, what the ledgers hold, what goes wrong on purpose. Keep it on loopback.

mod failure;
mod faults;
mod routes;
mod shapes;

pub use routes::control_router;
pub use shapes::{
    AccountNonce, AccountNonces, Balance, CallCounts, ControlError, DefectInfo, DefectList,
    DefectSwitches, FaultList, Health, HoldList, NetworkState, PersonalityState, RecordingSwitch,
    Records, Restart, Restarted, SERVICE, State,
};
