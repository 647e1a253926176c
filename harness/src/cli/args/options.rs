//! What the command line means, free of clap.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use x402_assay_protocol::Version;
use x402_mock_facilitator::Personality;

use super::{Again, Listen, PortChoice};
use crate::config::TargetProfile;
use crate::config::profile::TargetKind;
use crate::load::{LoadPlan, Threshold};
use crate::replay::ReplayFile;

/// One call of the bench.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// How much to tell on stderr.
    pub verbosity: Verbosity,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Test a target.
    Run(Box<RunOptions>),
    /// Start chain and facilitator and keep them running.
    Up(UpOptions),
    /// Stop what `up -d` started.
    Down(DownOptions),
    /// Show what can be selected.
    List(ListOptions),
    /// Explain the check with this id.
    Explain(String),
    /// Diagnose the positive control alone.
    Doctor(Box<DoctorOptions>),
    /// Judge a saved history again.
    Judge(JudgeOptions),
    /// Make one finding again.
    Replay(Box<ReplayOptions>),
    /// Measure the kill matrix and compare it with what is recorded.
    Selftest(SelftestOptions),
    /// Measure a target under load.
    Load(Box<LoadOptions>),
    /// Render a report or a history in another format.
    Report(ReportOptions),
    /// Compare two reports.
    Compare(CompareOptions),
    /// Write a built-in scenario's file to the current folder.
    ScenarioCopy {
        /// Its name.
        name: String,
    },
    /// A command whose name is taken and which does not exist yet.
    Reserved {
        /// The command as it is typed.
        name: &'static str,
    },
}

/// How much is told on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verbosity {
    /// How often `-v` was given.
    pub verbose: u8,
    /// Only errors.
    pub quiet: bool,
}

/// What `run` and `doctor` need to reach and serve a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The target; `None` is a built-in one.
    pub target: Option<TargetProfile>,
    /// True when the built-in target is the facilitator, not the reference server.
    pub built_in_facilitator: bool,
    /// The profile file the target came from.
    pub profile: Option<PathBuf>,
    /// Defect switches of the built-in reference server.
    pub defects: Vec<String>,
    /// What kind of facilitator ours behaves like.
    pub personality: Option<Chosen>,
    /// The chain.
    pub chain: Chain,
    /// Where our services listen.
    pub listen: Listen,
    /// Whether to use a running `up`.
    pub attach: Attach,
    /// Hosts the user owns: they may be attacked though they are not private (design section 10).
    pub owned_hosts: Vec<String>,
    /// Longest wait for one answer of the target.
    pub timeout: Duration,
    /// Versions to test; `None` means detect.
    pub versions: Option<Vec<Version>>,
    /// The command that was given, for the report; none where the bench runs itself.
    pub again: Option<Again>,
}

impl Setup {
    /// The built-in reference server with these defects, on a memory ledger of its own and free loopback ports.
    pub fn built_in(defects: Vec<String>, timeout: Duration) -> Self {
        Self {
            target: None,
            built_in_facilitator: false,
            profile: None,
            defects,
            personality: None,
            chain: Chain {
                choice: ChainChoice::Memory,
                chain_id: None,
                anvil: None,
                install: false,
            },
            listen: Listen {
                bind: Ipv4Addr::LOCALHOST.into(),
                advertise_host: None,
                facilitator: PortChoice::Free,
                control: PortChoice::Free,
                rpc: PortChoice::Free,
            },
            attach: Attach::No,
            owned_hosts: Vec::new(),
            timeout,
            versions: None,
            again: None,
        }
    }
}

/// A personality as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// A built-in name, or the file.
    pub named: String,
    /// What it says.
    pub personality: Personality,
}

impl Setup {
    /// True when a facilitator is under test.
    pub fn is_about_facilitator(&self) -> bool {
        let target = self.target.as_ref();
        self.built_in_facilitator
            || target.is_some_and(|target| matches!(target.kind, TargetKind::Facilitator { .. }))
    }
}

/// Options of `run`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Target, chain and addresses.
    pub setup: Setup,
    /// Scenario files and folders, and names of built-in ones; none means the battery.
    pub scenarios: Vec<PathBuf>,
    /// Which checks to perform.
    pub selection: Selection,
    /// Tags a scenario must have one of; none means all that were named.
    pub scenario_tags: Vec<String>,
    /// How often each case of the scenarios is run.
    pub repeat: u32,
    /// At most so many cases of each scenario.
    pub cases: Option<usize>,
    /// The seed, if one was given.
    pub seed: Option<u64>,
    /// Where report files go.
    pub out: PathBuf,
    /// The report as JSON on stdout.
    pub json: bool,
    /// `--strict`: warnings fail, and no fallback to the memory ledger.
    pub strict: bool,
    /// What makes a run nonconformant.
    pub fail_on: FailOn,
    /// Report files beside those that are always written.
    pub also: Vec<Extra>,
    /// How grades are read.
    pub grading: Grading,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
    /// Longest wait for something that may never happen.
    pub patience: Duration,
    /// See every wait to its end.
    pub slow: bool,
    /// Look for the smallest form of each failing scenario.
    pub minimise: bool,
    /// The expectations file, if one was named.
    pub expectations: Option<PathBuf>,
    /// Write the expectations file anew.
    pub update_expectations: bool,
}

/// Which checks to perform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Globs of check ids; none means all.
    pub check: Vec<String>,
    /// Globs of check ids to leave out.
    pub skip: Vec<String>,
    /// Tags a check must have one of; none means all.
    pub tags: Vec<String>,
}

/// What makes a run nonconformant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A `fail`.
    #[default]
    Fail,
    /// A `fail` or a `warn`.
    Warn,
}

/// A report file that is written when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// `report.sarif`.
    Sarif,
    /// `books.csv`.
    Csv,
    /// `report.har`.
    Har,
}

/// How grades are read (design section 6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grading {
    /// As the catalogue says.
    #[default]
    Default,
    /// The specification's words decide.
    StrictSpec,
    /// What the SDKs do decides.
    StrictSdk,
}

/// The chain to settle on (design section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Which kind.
    pub choice: ChainChoice,
    /// The chain id to stand in for; `None` means what the target offers.
    pub chain_id: Option<u64>,
    /// The Anvil to run.
    pub anvil: Option<PathBuf>,
    /// Whether a missing Anvil may be installed.
    pub install: bool,
}

/// `--chain`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ChainChoice {
    /// Anvil, else the memory ledger with a warning.
    #[default]
    Auto,
    /// Anvil or nothing.
    Anvil,
    /// The in-process ledger.
    Memory,
    /// A running dev node.
    Url(Url),
}

/// Whether to use a running `up`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attach {
    /// Start our own services: the target is built in or launched by us.
    No,
    /// Attach if an `up` answers at this control URL, else start our own.
    IfRunning(Url),
    /// Attach to the `up` at this control URL, or fail.
    Required(Url),
}

/// Options of `up`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpOptions {
    /// Keep running in the background.
    pub detach: bool,
    /// Return only when everything answers; implies `detach`.
    pub wait: bool,
    /// A file that receives the addresses as environment variables.
    pub env_file: Option<PathBuf>,
    /// The chain.
    pub chain: Chain,
    /// Where the services listen.
    pub listen: Listen,
}

/// Options of `down`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownOptions {
    /// The control API of the `up` to stop.
    pub control_url: Url,
}

/// Options of `list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListOptions {
    /// Scenarios instead of checks.
    pub scenarios: bool,
    /// Personalities of our facilitator instead of checks.
    pub personalities: bool,
    /// Only what tests this role.
    pub role: Option<ListRole>,
    /// As JSON.
    pub json: bool,
}

/// The role a check or scenario tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListRole {
    /// Resource servers.
    Server,
    /// Facilitators.
    Facilitator,
    /// Paying clients.
    Client,
}

/// Options of `selftest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelftestOptions {
    /// The matrix as JSON.
    pub json: bool,
    /// Folder that gets it as files.
    pub out: Option<PathBuf>,
}

/// Options of `doctor`.
#[derive(Debug, Clone, PartialEq)]
pub struct DoctorOptions {
    /// Target, chain and addresses.
    pub setup: Setup,
    /// The diagnosis as JSON on stdout.
    pub json: bool,
}

/// Options of `replay`.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// The finding.
    pub file: ReplayFile,
    /// Target, chain and addresses: the file's, where no flag says otherwise.
    pub setup: Setup,
    /// How often to try before giving up.
    pub repeat: u32,
    /// Where report files go; none are written without it.
    pub out: Option<PathBuf>,
    /// Longest wait for something that may never happen.
    pub patience: Duration,
}

/// A file's text says all of it; two that were read from the same text are the same.
impl PartialEq for ReplayOptions {
    fn eq(&self, other: &Self) -> bool {
        self.setup == other.setup
            && self.file.found == other.file.found
            && self.file.sheet.text == other.file.sheet.text
            && (self.repeat, &self.out, self.patience) == (other.repeat, &other.out, other.patience)
    }
}

/// Options of `load`.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    /// Target, chain and addresses.
    pub setup: Setup,
    /// What is sent, and when.
    pub plan: LoadPlan,
    /// What is demanded.
    pub thresholds: Vec<Threshold>,
    /// Look for the highest rate that holds them.
    pub search: bool,
    /// Time between two blocks of a node under load; zero for a block each transaction.
    pub block_time: Duration,
    /// Accounts of the built-in facilitator, if not the usual number.
    pub signers: Option<u32>,
    /// Where report files go.
    pub out: PathBuf,
    /// Report files beside those that are always written.
    pub also: Vec<Extra>,
    /// The report as JSON on stdout.
    pub json: bool,
    /// No fallback to the memory ledger.
    pub strict: bool,
    /// Longest wait for the ledger to come to rest.
    pub patience: Duration,
}

/// Options of `judge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeOptions {
    /// The `history.jsonl` of a run.
    pub history: PathBuf,
    /// Which checks to judge.
    pub selection: Selection,
    /// How grades are read.
    pub grading: Grading,
    /// What makes the run nonconformant.
    pub fail_on: FailOn,
    /// Where report files go; none are written without it.
    pub out: Option<PathBuf>,
    /// Report files beside those that are always written.
    pub also: Vec<Extra>,
    /// The report as JSON on stdout.
    pub json: bool,
    /// The expectations file, if one was named.
    pub expectations: Option<PathBuf>,
}

/// Options of `report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOptions {
    /// A `report.json` or a `history.jsonl`.
    pub input: PathBuf,
    /// What to write.
    pub format: Format,
    /// The file to write; stdout without it.
    pub out: Option<PathBuf>,
    /// What JUnit calls a failure.
    pub fail_on: FailOn,
}

/// `compare`.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareOptions {
    /// The earlier `report.json`, or the folder that holds it.
    pub base: PathBuf,
    /// The one that is judged, likewise.
    pub new: PathBuf,
    /// How much worse load may become, as a share.
    pub max_regression: f64,
    /// Whether new warnings break it.
    pub fail_on: FailOn,
    /// Folder for the files; none without it.
    pub out: Option<PathBuf>,
    /// Whether stdout gets JSON.
    pub json: bool,
}

/// A rendering of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// As a run prints it.
    #[default]
    Terminal,
    /// The self-contained page.
    Html,
    /// Markdown.
    Md,
    /// `report.json`.
    Json,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub, which it shows as annotations.
    Github,
    /// The books as CSV.
    Csv,
    /// The exchanges as HAR 1.2; from a history only.
    Har,
}
