//! Flags of `up`, `down` and `list`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use url::Url;

use super::common::{Switch, http_url};
use super::options::ListRole;
use super::target::{ChainArgs, ListenArgs};

#[derive(Debug, Clone, Args)]
pub(super) struct UpArgs {
    /// Keep running in the background; `down` stops it
    #[arg(short, long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_DETACH", hide_env = true)]
    pub(super) detach: bool,

    /// Return when everything answers; implies --detach
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_WAIT", hide_env = true)]
    pub(super) wait: bool,

    /// Write the addresses into this file as environment variables
    #[arg(
        long,
        value_name = "FILE",
        env = "X402_ASSAY_ENV_FILE",
        hide_env = true
    )]
    pub(super) env_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) chain: ChainArgs,
    #[command(flatten)]
    pub(super) listen: ListenArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct DownArgs {
    /// The control API of the `up` to stop
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4403")]
    #[arg(env = "X402_ASSAY_CONTROL_URL", hide_env = true, value_parser = http_url)]
    pub(super) control_url: Url,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// List scenarios instead of checks
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_SCENARIOS", hide_env = true)]
    pub(super) scenarios: bool,

    /// List the kinds of facilitators that ours can behave like
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch, conflicts_with_all = ["scenarios", "role"])]
    #[arg(env = "X402_ASSAY_PERSONALITIES", hide_env = true)]
    pub(super) personalities: bool,

    /// Only what tests this role
    #[arg(
        long,
        value_name = "ROLE",
        value_enum,
        env = "X402_ASSAY_ROLE",
        hide_env = true
    )]
    pub(super) role: Option<ListRole>,

    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SelftestArgs {
    /// Print JSON
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    pub(super) json: bool,

    /// Folder that gets the matrix as a page, as JSON and as text
    #[arg(long, value_name = "DIR", env = "X402_ASSAY_OUT", hide_env = true)]
    pub(super) out: Option<PathBuf>,
}

impl ValueEnum for ListRole {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Server, Self::Facilitator, Self::Client]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Server => "server",
            Self::Facilitator => "facilitator",
            Self::Client => "client",
        }))
    }
}
