//! The part `run`, `doctor` and `up` share: target, chain, addresses, attaching.

use std::time::Duration;

use url::Url;
use x402_mock_facilitator::personality::named_or_file;

use super::Surroundings;
use super::listen::{CONTROL_PORT, FACILITATOR_PORT, LOOPBACK, Listen, PortChoice, RPC_PORT};
use super::options::{Attach, Chain, ChainChoice, Chosen, Setup};
use super::parse::Parsed;
use super::target::{AttachArgs, ChainArgs, ListenArgs, TargetArgs};
use super::target_of::{self, Found};
use crate::config::profile::TargetKind;

/// The default of `--timeout`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The flag groups of `run` and `doctor`.
pub(super) struct SetupArgs<'a> {
    pub(super) target: &'a TargetArgs,
    pub(super) chain: &'a ChainArgs,
    pub(super) listen: &'a ListenArgs,
    pub(super) attach: &'a AttachArgs,
}

pub(super) fn resolve(
    args: &SetupArgs<'_>,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<Setup> {
    let found = target_of::resolve(args.target, parsed, surroundings, problems);
    with_target(found, args, parsed, surroundings, problems)
}

/// The same around a target that is known already; none is a problem that was told.
pub(super) fn with_target(
    found: Option<Found>,
    args: &SetupArgs<'_>,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<Setup> {
    let by_hand = found
        .as_ref()
        .is_some_and(|found| found.profile.as_ref().is_some_and(|p| p.launch.is_none()));
    let chain = chain(args.chain, parsed, surroundings, problems);
    let listen = listen(args.listen, by_hand, problems);
    let attach = attach(args, by_hand, parsed, problems);
    let personality = personality(args.target, found.as_ref(), surroundings, problems);
    let found = found?;
    let file_timeout = found.profile.as_ref().and_then(|profile| profile.timeout);
    let file_versions = found
        .profile
        .as_ref()
        .and_then(|profile| profile.versions.clone());
    Some(Setup {
        target: found.profile,
        built_in_facilitator: found.built_in_facilitator,
        profile: found.file,
        defects: args.target.defects.clone(),
        personality,
        chain,
        listen,
        attach,
        owned_hosts: args.target.owned_hosts.clone(),
        timeout: args.target.timeout.or(file_timeout).unwrap_or(TIMEOUT),
        versions: target_of::versions(args.target).or(file_versions),
        again: parsed.again.clone(),
    })
}

/// What kind of facilitator ours behaves like; where another one is tested, ours takes no part.
fn personality(
    args: &TargetArgs,
    found: Option<&Found>,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<Chosen> {
    let name = args.facilitator_personality.as_deref()?;
    let target = found.and_then(|found| found.profile.as_ref());
    if target.is_some_and(|target| matches!(target.kind, TargetKind::Facilitator { .. })) {
        problems.push(
            "--facilitator-personality is for our own facilitator, and --facilitator tests another one; drop one of them".to_owned(),
        );
        return None;
    }
    let read = named_or_file(name, surroundings.folder);
    let personality = read
        .map_err(|error| problems.push(format!("--facilitator-personality: {error}")))
        .ok()?;
    let named = match personality.name == name {
        true => name.to_owned(),
        false => surroundings.folder.join(name).display().to_string(),
    };
    Some(Chosen { named, personality })
}

pub(super) fn chain(
    args: &ChainArgs,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Chain {
    let anvil = args
        .anvil
        .as_ref()
        .map(|path| surroundings.folder.join(path));
    let runs_anvil = matches!(args.chain, ChainChoice::Auto | ChainChoice::Anvil);
    if !runs_anvil && parsed.typed("anvil") {
        problems.push("--anvil names a program to run; this --chain runs none".into());
    }
    if let (Some(path), Some(given)) = (&anvil, &args.anvil)
        && runs_anvil
        && !path.is_file()
    {
        problems.push(format!("--anvil: there is no file {}", given.display()));
    }
    Chain {
        choice: args.chain.clone(),
        chain_id: args.network.0,
        anvil,
        install: !args.no_install,
    }
}

/// Ports are the documented ones if a server is configured `by_hand`, else free ones.
pub(super) fn listen(args: &ListenArgs, by_hand: bool, problems: &mut Vec<String>) -> Listen {
    let choose = |flag, default| {
        let fallback = if by_hand {
            PortChoice::Default(default)
        } else {
            PortChoice::Free
        };
        PortChoice::from_flag(flag, fallback)
    };
    let listen = Listen {
        bind: args.bind,
        advertise_host: args.advertise_host.clone(),
        facilitator: choose(args.facilitator_port, FACILITATOR_PORT),
        control: choose(args.control_port, CONTROL_PORT),
        rpc: choose(args.rpc_port, RPC_PORT),
    };
    let named = [
        ("--facilitator-port", listen.facilitator.number()),
        ("--control-port", listen.control.number()),
        ("--rpc-port", listen.rpc.number()),
    ];
    for (index, (flag, port)) in named.iter().enumerate() {
        let twin = named[..index]
            .iter()
            .find(|(_, other)| other == port && *port != 0);
        if let Some((other, _)) = twin {
            problems.push(format!(
                "{other} and {flag} are both {port}; give one of them another port"
            ));
        }
    }
    listen
}

fn attach(
    args: &SetupArgs<'_>,
    by_hand: bool,
    parsed: &Parsed,
    problems: &mut Vec<String>,
) -> Attach {
    let port = args
        .listen
        .control_port
        .filter(|port| *port != 0)
        .unwrap_or(CONTROL_PORT);
    let default = control_url(port);
    match &args.attach.attach {
        None if by_hand && args.listen.control_port != Some(0) => Attach::IfRunning(default),
        None => Attach::No,
        Some(url) => {
            refuse_with_attach(url.is_some(), parsed, problems);
            Attach::Required(url.clone().unwrap_or(default))
        }
    }
}

/// Flags that describe services a run would start mean nothing when it uses running ones.
fn refuse_with_attach(url_given: bool, parsed: &Parsed, problems: &mut Vec<String>) {
    let mut owned_by_up = vec![
        "chain",
        "anvil",
        "no_install",
        "bind",
        "advertise_host",
        "facilitator_port",
        "rpc_port",
    ];
    if url_given {
        owned_by_up.push("control_port");
    }
    for flag in owned_by_up.into_iter().filter(|flag| parsed.typed(flag)) {
        let flag = flag.replace('_', "-");
        problems.push(format!(
            "--{flag} belongs to the running `up`; give it there, or drop --attach"
        ));
    }
}

fn control_url(port: u16) -> Url {
    Url::parse(&format!("http://{LOOPBACK}:{port}")).expect("an address and a port make a URL")
}
