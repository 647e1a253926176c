//! Adversarial requests go to hosts of the user's own only (design section 10).

use std::net::{IpAddr, ToSocketAddrs};

/// A host that is neither local, private nor named as owned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is neither a loopback nor a private address ({address}): a run cheats on purpose, so it needs `--i-own {host}`"
)]
pub struct NotOurs {
    /// The host of the target's URL.
    pub host: String,
    /// The first public address it resolves to.
    pub address: IpAddr,
}

/// Refuses a host that resolves to a public address, unless it is among `owned`.
///
/// A name that does not resolve is left to the first request, which says so.
///
/// # Errors
/// When the host is not ours.
pub fn check_host(host: &str, owned: &[String]) -> Result<(), NotOurs> {
    if owned.iter().any(|name| name.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> = match bare.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => (bare, 0u16)
            .to_socket_addrs()
            .map(|found| found.map(|socket| socket.ip()).collect())
            .unwrap_or_default(),
    };
    match addresses.into_iter().find(|address| !is_private(*address)) {
        None => Ok(()),
        Some(address) => Err(NotOurs {
            host: host.to_owned(),
            address,
        }),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_private_hosts_are_ours() {
        for host in [
            "127.0.0.1",
            "localhost",
            "10.1.2.3",
            "192.168.0.9",
            "[::1]",
            "[fd00::1]",
        ] {
            assert_eq!(check_host(host, &[]), Ok(()), "{host}");
        }
    }

    #[test]
    fn a_public_host_needs_its_owner() {
        let error = check_host("203.0.113.7", &[]).unwrap_err();
        assert!(error.to_string().contains("--i-own 203.0.113.7"), "{error}");
        assert!(check_host("[::ffff:203.0.113.7]", &[]).is_err());
        assert_eq!(
            check_host("203.0.113.7", &["203.0.113.7".to_owned()]),
            Ok(())
        );
        assert!(check_host("203.0.113.7", &["203.0.113.8".to_owned()]).is_err());
    }
}
