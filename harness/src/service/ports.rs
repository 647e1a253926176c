//! Listening sockets, with errors that name the port and its flag.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::error::ServiceError;
use crate::chain::{RpcProxy, RpcProxyError};

/// A socket the service wants.
#[derive(Debug, Clone, Copy)]
pub struct PortRequest {
    /// The port; 0 for any free one.
    pub port: u16,
    /// What it is for, in the error.
    pub what: &'static str,
    /// The flag that changes it.
    pub flag: &'static str,
}

impl PortRequest {
    /// Port of the facilitator (`--facilitator-port`).
    pub const fn facilitator(port: u16) -> Self {
        Self {
            port,
            what: "facilitator",
            flag: "--facilitator-port",
        }
    }

    /// Port of the control API (`--control-port`).
    pub const fn control(port: u16) -> Self {
        Self {
            port,
            what: "control API",
            flag: "--control-port",
        }
    }

    /// Port of the RPC proxy (`--rpc-port`).
    pub const fn rpc(port: u16) -> Self {
        Self {
            port,
            what: "RPC proxy",
            flag: "--rpc-port",
        }
    }

    /// Binds the socket.
    ///
    /// # Errors
    /// When the port is taken or the address is not ours.
    pub async fn bind(self, host: IpAddr) -> Result<TcpListener, ServiceError> {
        TcpListener::bind(self.address(host))
            .await
            .map_err(|cause| self.refused(host, cause))
    }

    /// Binds the RPC proxy, which owns its socket.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub(crate) async fn bind_proxy(self, host: IpAddr) -> Result<RpcProxy, ServiceError> {
        RpcProxy::bind(self.address(host)).await.map_err(|error| {
            let RpcProxyError::Bind { source, .. } = error;
            self.refused(host, source)
        })
    }

    const fn address(self, host: IpAddr) -> SocketAddr {
        SocketAddr::new(host, self.port)
    }

    fn refused(self, host: IpAddr, cause: std::io::Error) -> ServiceError {
        if cause.kind() == std::io::ErrorKind::AddrInUse {
            ServiceError::PortTaken {
                port: self.port,
                host: host.to_string(),
                what: self.what,
                flag: self.flag,
            }
        } else {
            let flag = if cause.kind() == std::io::ErrorKind::AddrNotAvailable {
                "--bind"
            } else {
                self.flag
            };
            let address = self.address(host).to_string();
            ServiceError::Bind {
                address,
                what: self.what,
                flag,
                cause,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_flag() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = PortRequest::rpc(port)
            .bind(Ipv4Addr::LOCALHOST.into())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&port.to_string()) && text.contains("--rpc-port"),
            "{text}"
        );
        assert!(error.is_usage());
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_names_bind() {
        let host: IpAddr = "192.0.2.1".parse().unwrap();
        let error = PortRequest::facilitator(0).bind(host).await.unwrap_err();
        assert!(error.to_string().contains("--bind"), "{error}");
    }
}
