//! Starting the links of a run with scenarios.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;

use super::error::BenchError;
use super::services::Services;
use super::target::Target;
use crate::cli::args::{Listen, Setup};
use crate::config::profile::TargetKind;
use crate::link::{LinkError, LinkOptions, LinkProxy};
use crate::runner::Links;
use crate::service::{ServiceError, ServiceOptions, ServiceState};

/// Whether the target was configured by hand: it then expects our facilitator at the port it was told.
pub(super) fn by_hand(setup: &Setup) -> bool {
    setup.target.as_ref().is_some_and(|profile| {
        let tested = matches!(profile.kind, TargetKind::Facilitator { .. });
        profile.launch.is_none() && !tested
    })
}

/// Leaves the facilitator's port to the link that will stand in front of it.
pub(super) fn make_room(setup: &Setup, options: &mut ServiceOptions) {
    if by_hand(setup) {
        options.facilitator_port = 0;
    }
}

/// Starts the link between server and facilitator. From then on `services` name its URL: that is where targets find the
/// facilitator.
///
/// # Errors
/// When the port that the target expects is taken.
pub(super) fn before_facilitator(
    setup: &Setup,
    services: &mut Services,
) -> Result<Result<LinkProxy, String>, BenchError> {
    if by_hand(setup) && !services.are_own() {
        return Ok(Err(
            "there is no link to the facilitator of a running `up` for a server that the bench did not start".to_owned(),
        ));
    }
    let listen = &setup.listen;
    let port = match by_hand(setup) {
        true => listen.facilitator.number(),
        false => 0,
    };
    let state = &mut services.state;
    let upstream = upstream(state, listen, services.own.is_some());
    let upstream = match upstream {
        Ok(upstream) => upstream,
        Err(why) => return Ok(Err(why)),
    };
    let options = LinkOptions {
        bind: SocketAddr::new(listen.bind, port),
        ..LinkOptions::server_facilitator(upstream)
    };
    match LinkProxy::start(options) {
        Ok(link) => {
            state.facilitator_url = advertised(state, listen, link.addr())?;
            Ok(Ok(link))
        }
        Err(LinkError::Bind { addr, source }) if port != 0 => Err(BenchError::Usage(
            if source.kind() == std::io::ErrorKind::AddrInUse {
                let taken = ServiceError::PortTaken {
                    port,
                    host: addr.ip().to_string(),
                    what: "facilitator",
                    flag: "--facilitator-port",
                };
                taken.to_string()
            } else {
                format!(
                    "the facilitator cannot listen on {addr}: {source} (--bind, --facilitator-port)"
                )
            },
        )),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Where the facilitator listens, as this machine reaches it.
fn upstream(state: &ServiceState, listen: &Listen, own: bool) -> Result<Url, String> {
    let mut url = Url::parse(&state.facilitator_url)
        .map_err(|error| format!("{}: {error}", state.facilitator_url))?;
    // The name that targets are told may mean nothing here.
    if own {
        let host = match listen.bind {
            address if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            address => address,
        };
        url.set_ip_host(host)
            .map_err(|()| format!("{url} has no host"))?;
    }
    Ok(url)
}

/// The URL that targets are told.
fn advertised(
    state: &ServiceState,
    listen: &Listen,
    addr: SocketAddr,
) -> Result<String, BenchError> {
    let host = match (&listen.advertise_host, listen.bind) {
        (Some(name), _) => name.clone(),
        (None, address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        (None, IpAddr::V4(address)) => address.to_string(),
        (None, IpAddr::V6(address)) => format!("[{address}]"),
    };
    let told = Url::parse(&state.facilitator_url)
        .map_err(|error| BenchError::Internal(format!("{}: {error}", state.facilitator_url)))?;
    let path = told.path().trim_end_matches('/');
    Ok(format!("http://{host}:{}{path}", addr.port()))
}

/// The links of a run whose target is up.
pub(super) fn around(target: &mut Target, ours: Result<LinkProxy, String>) -> Links {
    // A facilitator under test has a link of its own; ours then leads where nobody goes.
    let tested = target.tested.as_mut();
    let facilitator = match tested {
        Some(tested) => std::mem::replace(&mut tested.link, Err(String::new())),
        None => ours,
    };
    let url = target.profile.url().map(|url| url.resolve(target.port));
    let client = url
        .ok_or_else(|| "the target has no URL".to_owned())
        .and_then(|url| {
            LinkProxy::start(LinkOptions::client_server(url)).map_err(|error| error.to_string())
        });
    if let (Ok(client), Ok(facilitator)) = (&client, &facilitator) {
        client.follow(facilitator);
    }
    Links {
        client,
        facilitator,
    }
}
