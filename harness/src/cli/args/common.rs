//! Value parsers shared by several flags.

use std::time::Duration;

use clap::builder::{BoolishValueParser, TypedValueParser};
use url::Url;
use x402_assay_protocol::Version;

use super::options::ChainChoice;
use crate::config::{did_you_mean, parse_duration, parse_positive_duration};

/// Switches read 1/0, yes/no, on/off and true/false from the environment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switch;

impl TypedValueParser for Switch {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<bool, clap::Error> {
        BoolishValueParser::new().parse_ref(command, arg, value)
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    parse_positive_duration(text)
}

pub(super) fn version(text: &str) -> Result<Version, String> {
    match text.trim() {
        "v1" | "1" => Ok(Version::V1),
        "v2" | "2" => Ok(Version::V2),
        _ => Err("the versions are v1 and v2".into()),
    }
}

pub(super) fn chain(text: &str) -> Result<ChainChoice, String> {
    match text {
        "auto" => Ok(ChainChoice::Auto),
        "anvil" => Ok(ChainChoice::Anvil),
        "memory" => Ok(ChainChoice::Memory),
        _ if text.contains("://") => http_url(text).map(ChainChoice::Url),
        _ => {
            let hint = did_you_mean(text, ["auto", "anvil", "memory"]);
            Err(format!(
                "write auto, anvil, memory or the http:// URL of a dev node{hint}"
            ))
        }
    }
}

/// An `http` or `https` URL of one of our services or of a node.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    if !text.contains("://") {
        return Err(format!("a URL needs a scheme: http://{text}"));
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "`{other}` is not supported; use http:// or https://"
        )),
    }
}

/// A host name or address without scheme, port or path.
pub(super) fn host(text: &str) -> Result<String, String> {
    let bare = text.trim();
    let wrong = || "a host name or address alone: no scheme, port or path".to_owned();
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(bare.into());
    }
    if bare.is_empty() || bare.contains([':', '/', '@', '?', '#', '[', ']', '*']) {
        return Err(wrong());
    }
    url::Host::parse(bare)
        .map(|host| host.to_string())
        .map_err(|_| wrong())
}

/// An address to bind to, without a port.
pub(super) fn bind(text: &str) -> Result<std::net::IpAddr, String> {
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return Err("an address without port; ports have flags of their own".into());
    }
    match text {
        "localhost" => Ok(super::listen::LOOPBACK),
        _ => text
            .parse()
            .map_err(|_| "an IP address such as 127.0.0.1 or 0.0.0.0".into()),
    }
}

/// Text that must not be empty.
pub(super) fn filled(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("must not be empty".into())
    } else {
        Ok(text.into())
    }
}
