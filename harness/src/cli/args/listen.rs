//! Where our own services listen.

use std::net::{IpAddr, Ipv4Addr};

/// Bind address, advertised name and ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address facilitator and RPC proxy bind to; the control API stays on loopback.
    pub bind: IpAddr,
    /// The host name targets are told to use, if it is not the bound address.
    pub advertise_host: Option<String>,
    /// The facilitator's port.
    pub facilitator: PortChoice,
    /// The control API's port.
    pub control: PortChoice,
    /// The RPC proxy's port.
    pub rpc: PortChoice,
}

/// How a port was chosen; a taken one is an error that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// Any free port.
    Free,
    /// The documented default, for servers that are configured by hand.
    Default(u16),
    /// From the flag.
    Given(u16),
}

impl PortChoice {
    /// The number to bind to; 0 lets the system choose.
    pub fn number(self) -> u16 {
        match self {
            Self::Free => 0,
            Self::Default(port) | Self::Given(port) => port,
        }
    }

    /// From a flag, where 0 asks for a free port; `default` if it was not given.
    pub(super) fn from_flag(flag: Option<u16>, default: Self) -> Self {
        match flag {
            None => default,
            Some(0) => Self::Free,
            Some(port) => Self::Given(port),
        }
    }
}

/// Default port of the facilitator.
pub(super) const FACILITATOR_PORT: u16 = 4402;
/// Default port of the control API.
pub(super) const CONTROL_PORT: u16 = 4403;
/// Default port of the RPC proxy.
pub(super) const RPC_PORT: u16 = 8545;
/// Default address to bind to.
pub(super) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
