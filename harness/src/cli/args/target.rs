//! Flags that describe the target, and the services it needs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use url::Url;
use x402_assay_protocol::Version;

use super::common::{Switch, bind, chain, filled, host, http_url, positive_duration, version};
use super::options::ChainChoice;
use crate::config::profile::parse_network_flag;

/// The target, as flags or as a profile file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(super) struct TargetArgs {
    /// A paid URL of a resource server, or a target profile (.yaml)
    #[arg(
        long,
        value_name = "URL|FILE",
        env = "X402_ASSAY_SERVER",
        hide_env = true
    )]
    pub(super) server: Option<String>,

    /// A facilitator's URL, a target profile (.yaml), or `builtin`
    #[arg(
        long,
        value_name = "URL|FILE",
        env = "X402_ASSAY_FACILITATOR",
        hide_env = true
    )]
    pub(super) facilitator: Option<String>,

    /// Reserved: a paying client's command, `{url}` is what to buy
    #[arg(
        long,
        value_name = "COMMAND|FILE",
        env = "X402_ASSAY_CLIENT",
        hide_env = true
    )]
    pub(super) client: Option<String>,

    /// Start the target with this command; `{port}` in URL and command is a free port
    #[arg(
        long,
        value_name = "COMMAND",
        env = "X402_ASSAY_LAUNCH",
        hide_env = true
    )]
    pub(super) launch: Option<String>,

    /// Method of the paid request [default: GET, with --data POST]
    #[arg(short = 'X', long, env = "X402_ASSAY_METHOD", hide_env = true)]
    pub(super) method: Option<String>,

    /// Header of every request, `Name: value`; repeatable; values are never written anywhere
    #[arg(short = 'H', long = "header", value_name = "HEADER", action = ArgAction::Append)]
    #[arg(env = "X402_ASSAY_HEADER", hide_env = true, value_delimiter = '\n')]
    pub(super) headers: Vec<String>,

    /// Body of the paid request; `@FILE` reads a file
    #[arg(short = 'd', long, env = "X402_ASSAY_DATA", hide_env = true)]
    #[arg(allow_hyphen_values = true)]
    pub(super) data: Option<String>,

    /// Text that only the paid body holds [default: learned from two good purchases]
    #[arg(long, value_name = "TEXT", env = "X402_ASSAY_MARKER", hide_env = true)]
    pub(super) marker: Option<String>,

    /// Versions to test, v1 and v2 [default: what the target speaks]
    #[arg(long = "x402", value_name = "VERSIONS", value_delimiter = ',', value_parser = version)]
    #[arg(env = "X402_ASSAY_X402", hide_env = true)]
    pub(super) versions: Option<Vec<Version>>,

    /// Longest wait for one answer of the target [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    #[arg(env = "X402_ASSAY_TIMEOUT", hide_env = true)]
    pub(super) timeout: Option<Duration>,

    /// A public host you own, which may be tested; repeatable
    #[arg(long = "i-own", value_name = "HOST", value_delimiter = ',', value_parser = host)]
    #[arg(env = "X402_ASSAY_I_OWN", hide_env = true)]
    pub(super) owned_hosts: Vec<String>,

    /// Have our facilitator behave like a known kind: a name of `list --personalities`, or a file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Our facilitator")]
    #[arg(env = "X402_ASSAY_FACILITATOR_PERSONALITY", hide_env = true)]
    pub(super) facilitator_personality: Option<String>,

    /// Defect or variant of the built-in reference server; repeatable (for trying the bench itself)
    #[arg(long = "defect", value_name = "NAME", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_DEFECT", hide_env = true, hide = true)]
    pub(super) defects: Vec<String>,
}

/// The chain.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Chain")]
pub(super) struct ChainArgs {
    /// auto, anvil, memory, or the URL of a dev node
    #[arg(long, value_parser = chain, default_value = "auto", value_name = "CHAIN")]
    #[arg(env = "X402_ASSAY_CHAIN", hide_env = true)]
    pub(super) chain: ChainChoice,

    /// auto (what the target offers), a CAIP-2 identifier or a v1 name
    #[arg(long, default_value = "auto", value_parser = network, value_name = "NETWORK")]
    #[arg(env = "X402_ASSAY_NETWORK", hide_env = true)]
    pub(super) network: NetworkArg,

    /// The anvil program to use
    #[arg(long, value_name = "PATH", env = "X402_ASSAY_ANVIL", hide_env = true)]
    pub(super) anvil: Option<PathBuf>,

    /// Never install Anvil
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_NO_INSTALL", hide_env = true)]
    pub(super) no_install: bool,
}

/// A parsed `--network`; a struct of its own because clap reads `Option` as "flag not given".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NetworkArg(pub(super) Option<u64>);

fn network(text: &str) -> Result<NetworkArg, String> {
    parse_network_flag(text).map(NetworkArg)
}

/// Where our services listen.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Services")]
pub(super) struct ListenArgs {
    /// Address the facilitator and the RPC proxy bind to
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = bind)]
    #[arg(env = "X402_ASSAY_BIND", hide_env = true)]
    pub(super) bind: IpAddr,

    /// Host name targets are told to use, for containers [default: the bound address]
    #[arg(long, value_name = "NAME", value_parser = host)]
    #[arg(env = "X402_ASSAY_ADVERTISE_HOST", hide_env = true)]
    pub(super) advertise_host: Option<String>,

    /// Port of the facilitator, 0 for a free one [default: 4402, a free one if the bench starts the target]
    #[arg(
        long,
        value_name = "PORT",
        env = "X402_ASSAY_FACILITATOR_PORT",
        hide_env = true
    )]
    pub(super) facilitator_port: Option<u16>,

    /// Port of the control API, 0 for a free one [default: 4403, a free one if the bench starts the target]
    #[arg(
        long,
        value_name = "PORT",
        env = "X402_ASSAY_CONTROL_PORT",
        hide_env = true
    )]
    pub(super) control_port: Option<u16>,

    /// Port of the RPC proxy, 0 for a free one [default: 8545, a free one if the bench starts the target]
    #[arg(
        long,
        value_name = "PORT",
        env = "X402_ASSAY_RPC_PORT",
        hide_env = true
    )]
    pub(super) rpc_port: Option<u16>,
}

/// Whether to use a running `up`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Services")]
pub(super) struct AttachArgs {
    /// Use the running `up`, and fail if there is none [default URL: http://127.0.0.1:4403]
    #[arg(long, value_name = "URL", num_args = 0..=1, value_parser = http_url)]
    #[arg(env = "X402_ASSAY_ATTACH", hide_env = true)]
    pub(super) attach: Option<Option<Url>>,
}
