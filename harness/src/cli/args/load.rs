//! Flags of `load`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgAction, Args};
use rand::Rng as _;
use x402_assay_reports::model::load::LoadKind;

use super::common::{Switch, duration, positive_duration};
use super::options::{ChainChoice, Command, Extra, LoadOptions, Setup};
use super::parse::Parsed;
use super::resolve::{PATIENCE, Surroundings};
use super::setup::{self, SetupArgs};
use super::target::{AttachArgs, ChainArgs, ListenArgs, TargetArgs};
use crate::config::did_you_mean;
use crate::load::crowd::Journeys;
use crate::load::plan::SCHEDULE_CONNECTIONS;
use crate::load::words::Wrong;
use crate::load::{
    Arrivals, Closed, Connections, Journey, LoadPlan, LoadSheet, Mix, Pace, Signing, Users,
    thresholds,
};
use crate::scenario::{self, LOAD_BUILTIN, Scenario};
use crate::service::SIGNERS_MAX;

/// The rate when none is given.
const RATE: &str = "100/s";
/// The length when none is given.
const LENGTH: Duration = Duration::from_secs(10);
/// Time between two blocks when none is given: a block for each payment makes a node slower and slower.
const BLOCK_TIME: Duration = Duration::from_millis(500);
/// Seeds stay below 2^53, so that every JSON reader keeps them exact.
const SEED_MAX: u64 = 1 << 53;

#[derive(Debug, Clone, Args)]
pub(super) struct LoadArgs {
    /// A load scenario, built in (x402-assay list --scenarios) or a file: what is sent when, and its thresholds
    #[arg(value_name = "SCENARIO")]
    scenario: Option<PathBuf>,

    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    attach: AttachArgs,

    /// Folder for the report files
    #[arg(long, value_name = "DIR", default_value = "x402-assay-report")]
    #[arg(env = "X402_ASSAY_OUT", hide_env = true)]
    out: PathBuf,

    /// Report files to write beside the usual ones: report.sarif, books.csv
    #[arg(long, value_name = "FORMAT", value_enum, value_delimiter = ',')]
    #[arg(env = "X402_ASSAY_ALSO", hide_env = true)]
    also: Vec<Extra>,

    /// Print the report as JSON on stdout
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    json: bool,

    /// The chain never falls back to the memory ledger
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_STRICT", hide_env = true)]
    strict: bool,

    /// Time between two blocks of a node under load; 0s for a block each transaction, which grows slow [default: 500ms]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(env = "X402_ASSAY_BLOCK_TIME", hide_env = true)]
    block_time: Option<Duration>,

    /// Accounts with which the built-in facilitator settles on a node, 1 to 10 [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(SIGNERS_MAX)))]
    #[arg(env = "X402_ASSAY_SIGNERS", hide_env = true)]
    signers: Option<u32>,

    /// Longest wait for the ledger to come to rest after the load [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(env = "X402_ASSAY_PATIENCE", hide_env = true)]
    patience: Option<Duration>,
}

/// What is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
struct PlanArgs {
    /// When requests are due: 500/s, ramp:100/s..1000/s, spike:100/s..2000/s@10s+5s, steps:100/s,200/s, poisson:500/s [default: 100/s]
    #[arg(long, visible_alias = "arrivals", value_name = "RATE")]
    #[arg(env = "X402_ASSAY_RATE", hide_env = true)]
    rate: Option<String>,

    /// How long [default: 10s]
    #[arg(long = "for", value_name = "DURATION", value_parser = positive_duration)]
    #[arg(env = "X402_ASSAY_FOR", hide_env = true)]
    length: Option<Duration>,

    /// No schedule: every connection sends its next request when the last one has ended
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_CLOSED", hide_env = true)]
    closed: bool,

    /// What a facilitator is asked to do; without a target the built-in one is asked [default: settle]
    #[arg(long, value_name = "verify|settle", value_enum)]
    #[arg(env = "X402_ASSAY_CALLS", hide_env = true)]
    calls: Option<Calls>,
    /// Virtual users in place of a rate: each begins its next journey when the last one has ended
    #[arg(long, value_name = "N", env = "X402_ASSAY_USERS", hide_env = true)]
    users: Option<usize>,

    /// What users do, in percent: pay=70,abandon=10,quote=20; also browse, retry [default: pay=100]
    #[arg(long, value_name = "JOURNEYS")]
    #[arg(env = "X402_ASSAY_JOURNEY", hide_env = true)]
    journey: Option<String>,

    /// Pause of a user between two journeys: 1s, 200ms..2s [default: none]
    #[arg(
        long,
        value_name = "DURATION",
        env = "X402_ASSAY_THINK",
        hide_env = true
    )]
    think: Option<String>,

    /// Ask for the terms and pay nothing
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_UNPAID", hide_env = true)]
    unpaid: bool,

    /// What is sent, in percent: buy=90,duplicate=10; also retry-same, retry-fresh, abandon, malformed, expired [default: buy=100]
    #[arg(long, value_name = "MIX", env = "X402_ASSAY_MIX", hide_env = true)]
    mix: Option<String>,

    /// Connections that stay open, or `new` (or new:512 at one time) for one each payment [default: at most 512, and 64 with --closed]
    #[arg(long, value_name = "N|new")]
    #[arg(env = "X402_ASSAY_CONNECTIONS", hide_env = true)]
    connections: Option<String>,

    /// A new connection for each payment: --connections new
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_NEW_CONNECTIONS", hide_env = true)]
    new_connections: bool,

    /// Most arrivals that wait for a connection; more are dropped and counted [default: 10000]
    #[arg(long, value_name = "N", env = "X402_ASSAY_QUEUE", hide_env = true)]
    queue: Option<usize>,

    /// Sign every payment before the first request, for terms that stay the same
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_SIGN_AHEAD", hide_env = true)]
    sign_ahead: bool,

    /// Time before the measured span, at the first rate of the schedule [default: none]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(env = "X402_ASSAY_WARM_UP", hide_env = true)]
    warm_up: Option<Duration>,

    /// Accounts that pay in turn [default: 32]
    #[arg(long, value_name = "N", env = "X402_ASSAY_PAYERS", hide_env = true)]
    payers: Option<usize>,

    /// What must hold, such as 'goodput >= 190/s', 'p99(paid) < 250ms', 'dropped < 0.1%'; repeatable; exit 6 on a miss
    #[arg(long = "threshold", value_name = "THRESHOLD", action = ArgAction::Append)]
    #[arg(env = "X402_ASSAY_THRESHOLD", hide_env = true, value_delimiter = ';')]
    thresholds: Vec<String>,

    /// Look for the highest rate that holds the thresholds, beginning at --rate; each step lasts --for
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_SEARCH", hide_env = true)]
    search: bool,

    /// Seed of the mix and of random arrivals [default: random, printed]
    #[arg(long, value_name = "N", env = "X402_ASSAY_SEED", hide_env = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(..SEED_MAX))]
    seed: Option<u64>,
}

/// What a facilitator is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Calls {
    /// `POST /verify`
    Verify,
    /// `POST /settle`
    Settle,
}

impl LoadArgs {
    /// What it means.
    pub(super) fn options(
        &self,
        parsed: &Parsed,
        surroundings: Surroundings<'_>,
        problems: &mut Vec<String>,
    ) -> Option<Command> {
        let groups = SetupArgs {
            target: &self.target,
            chain: &self.chain,
            listen: &self.listen,
            attach: &self.attach,
        };
        let setup = setup::resolve(&groups, parsed, surroundings, problems);
        let setup = setup.map(|setup| self.aim(setup, parsed, problems));
        let about_facilitator = setup.as_ref().is_some_and(Setup::is_about_facilitator);
        let mut thresholds = thresholds::parse_all(&self.plan.thresholds).unwrap_or_else(|wrong| {
            problems.extend(wrong.iter().map(|wrong| format!("--threshold: {wrong}")));
            Vec::new()
        });
        let plan = match &self.scenario {
            None => self.plan.plan(about_facilitator, problems),
            Some(path) => {
                self.plan.refuse_beside_scenario(problems);
                let read = read_scenario(path, surroundings, problems);
                read.map(|(name, sheet)| {
                    problems.extend(misses(&name, &sheet, about_facilitator));
                    thresholds.splice(0..0, sheet.thresholds.iter().cloned());
                    LoadPlan {
                        scenario: Some(name),
                        ..sheet.plan(self.plan.chosen_seed())
                    }
                })
            }
        };
        let (setup, mut plan) = (setup?, plan?);
        if self.scenario.is_none() {
            self.plan.check_search(&plan, problems);
            plan.timeout = setup.timeout;
        }
        if let Err(wrong) = plan.check() {
            problems.push(wrong.to_string());
        }
        Some(Command::Load(Box::new(LoadOptions {
            setup,
            plan,
            thresholds,
            search: self.plan.search,
            block_time: self.block_time.unwrap_or(BLOCK_TIME),
            signers: self.signers,
            out: surroundings.folder.join(&self.out),
            also: self.also.clone(),
            json: self.json,
            strict: self.strict,
            patience: self.patience.unwrap_or(PATIENCE),
        })))
    }
}

impl LoadArgs {
    /// Calls without a target are for the built-in facilitator; what does not fit the target is a problem.
    fn aim(&self, mut setup: Setup, parsed: &Parsed, problems: &mut Vec<String>) -> Setup {
        if self.plan.calls.is_some() && setup.target.is_none() {
            setup.built_in_facilitator = true;
        }
        let about_facilitator = setup.is_about_facilitator();
        if self.plan.calls.is_some() && !about_facilitator {
            problems.push(
                "--calls is about a facilitator alone; leave it out, or name one with --facilitator"
                    .into(),
            );
        }
        if self.plan.unpaid && about_facilitator {
            problems.push(
                "--unpaid asks a server for its terms; a facilitator is asked with --calls verify or settle"
                    .into(),
            );
        }
        if self.signers.is_some() && about_facilitator && setup.target.is_some() {
            problems.push(
                "--signers is about the built-in facilitator; yours has the accounts you gave it"
                    .into(),
            );
        }
        if setup.chain.choice == ChainChoice::Memory {
            let typed = ["block_time", "signers"];
            for flag in typed.into_iter().filter(|flag| parsed.typed(flag)) {
                let flag = flag.replace('_', "-");
                problems.push(format!(
                    "--{flag} means nothing on the memory ledger; leave it out, or use --chain anvil"
                ));
            }
        }
        setup
    }
}

/// What is wrong with playing a scenario at a target that it is not for.
fn misses(name: &str, sheet: &LoadSheet, about_facilitator: bool) -> Option<String> {
    let is_for_facilitator = matches!(sheet.kind, LoadKind::Verify | LoadKind::Settle);
    match (is_for_facilitator, about_facilitator) {
        (true, false) => Some(format!(
            "`{name}` is for a facilitator: add --facilitator URL, a profile or builtin"
        )),
        (false, true) => Some(format!(
            "`{name}` is for a server; leave out --facilitator, or name another scenario"
        )),
        _ => None,
    }
}

/// Name and sheet of a load scenario.
fn read_scenario(
    path: &Path,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<(String, LoadSheet)> {
    let shown = path.display().to_string();
    let file = surroundings.folder.join(path);
    let read = match scenario::builtin_named(&shown) {
        Some(text) => {
            Scenario::parse(text, &format!("{shown}.yaml")).map_err(|wrong| wrong.lines())
        }
        None if file.is_file() => scenario::load(&file, &shown).map_err(|error| error.lines()),
        None => {
            let names = LOAD_BUILTIN.iter().map(|(name, _)| *name);
            let hint = did_you_mean(&shown, names);
            Err(vec![format!("no load scenario or file `{shown}`{hint}")])
        }
    };
    let read = read.map_err(|lines| problems.extend(lines)).ok()?;
    let Some(sheet) = read.load else {
        problems.push(format!(
            "`{shown}` is no load scenario (it has neither `arrivals` nor `users`): x402-assay run {shown}"
        ));
        return None;
    };
    Some((read.name, sheet))
}

impl PlanArgs {
    /// A scenario says all of this.
    fn refuse_beside_scenario(&self, problems: &mut Vec<String>) {
        let said = [
            ("--rate", self.rate.is_some()),
            ("--for", self.length.is_some()),
            ("--closed", self.closed),
            ("--unpaid", self.unpaid),
            ("--mix", self.mix.is_some()),
            ("--connections", self.connections.is_some()),
            ("--new-connections", self.new_connections),
            ("--queue", self.queue.is_some()),
            ("--sign-ahead", self.sign_ahead),
            ("--warm-up", self.warm_up.is_some()),
            ("--payers", self.payers.is_some()),
            ("--search", self.search),
            ("--users", self.users.is_some()),
            ("--journey", self.journey.is_some()),
            ("--think", self.think.is_some()),
            ("--calls", self.calls.is_some()),
        ];
        for (flag, _) in said.iter().filter(|(_, given)| *given) {
            problems.push(format!(
                "{flag}: the scenario says that; leave out {flag} or the scenario"
            ));
        }
    }

    fn plan(&self, about_facilitator: bool, problems: &mut Vec<String>) -> Option<LoadPlan> {
        let kind = match (about_facilitator, self.calls, self.unpaid) {
            (true, Some(Calls::Verify), _) => LoadKind::Verify,
            (true, Some(Calls::Settle) | None, _) => LoadKind::Settle,
            (false, _, true) => LoadKind::Unpaid,
            (false, _, false) => LoadKind::Paid,
        };
        if let Some(count) = self.users {
            if about_facilitator {
                problems.push("--users buy at a server; a facilitator is asked at a --rate".into());
            }
            return self.users(count, problems);
        }
        for (flag, given) in [
            ("--journey", self.journey.is_some()),
            ("--think", self.think.is_some()),
        ] {
            if given {
                problems.push(format!("{flag}: that is for virtual users; add --users 50"));
            }
        }
        let pace = self.pace(problems);
        let mix = self.mix.as_deref().map(Mix::parse);
        let mix = told("--mix", mix.transpose(), problems);
        let connections = self.connections(problems);
        let seed = self.chosen_seed();
        let mut plan = LoadPlan::new(kind, pace?, seed);
        plan.mix = mix?.unwrap_or(plan.mix);
        plan.connections = connections?;
        plan.queue = self.queue.unwrap_or(plan.queue);
        plan.payers = self.payers.unwrap_or(plan.payers);
        plan.warm_up = self.warm_up.unwrap_or(plan.warm_up);
        if self.sign_ahead {
            plan.signing = Signing::Ahead;
        }
        if self.sign_ahead && self.unpaid {
            problems
                .push("--sign-ahead: an unpaid load signs nothing; leave out one of them".into());
        }
        Some(plan)
    }

    fn check_search(&self, plan: &LoadPlan, problems: &mut Vec<String>) {
        if !self.search {
            return;
        }
        if self.thresholds.is_empty() {
            problems.push(
                "--search looks for the highest rate that holds the thresholds; add --threshold 'p99(paid) < 250ms'".into(),
            );
        }
        if !matches!(plan.pace, Pace::Open(Arrivals::Constant { .. })) {
            problems.push("--search begins at one constant rate: --rate 100/s".into());
        }
    }

    /// Virtual users, who leave no choice of what belongs to a rate or a mix.
    fn users(&self, count: usize, problems: &mut Vec<String>) -> Option<LoadPlan> {
        let foreign = [
            ("--rate", self.rate.is_some()),
            ("--closed", self.closed),
            ("--unpaid", self.unpaid),
            ("--mix", self.mix.is_some()),
            ("--connections", self.connections.is_some()),
            ("--new-connections", self.new_connections),
            ("--queue", self.queue.is_some()),
            ("--sign-ahead", self.sign_ahead),
            ("--payers", self.payers.is_some()),
        ];
        for (flag, _) in foreign.iter().filter(|(_, given)| *given) {
            problems.push(format!(
                "{flag}: users have a pace, wallets and connections of their own; leave out {flag} or --users"
            ));
        }
        let journeys = self.journey.as_deref().map(Journeys::parse);
        let journeys = told("--journey", journeys.transpose(), problems);
        let think = self.think.as_deref().map(Users::parse_think);
        let think = told("--think", think.transpose(), problems);
        let users = Users {
            count,
            duration: self.length.unwrap_or(LENGTH),
            think: think?.unwrap_or_default(),
            journeys: journeys?.unwrap_or_else(|| Journeys::only(Journey::Pay)),
        };
        let mut plan = LoadPlan::of_users(users, self.chosen_seed());
        plan.warm_up = self.warm_up.unwrap_or(plan.warm_up);
        Some(plan)
    }

    fn chosen_seed(&self) -> u64 {
        self.seed
            .unwrap_or_else(|| rand::rng().random_range(0..SEED_MAX))
    }

    fn pace(&self, problems: &mut Vec<String>) -> Option<Pace> {
        let duration = self.length.unwrap_or(LENGTH);
        if !self.closed {
            let rate = self.rate.as_deref().unwrap_or(RATE);
            // Steps may bring their own lengths.
            let own = rate.trim_start().starts_with("steps:") && self.length.is_none();
            let length = match own && rate.contains('+') {
                true => None,
                false => Some(duration),
            };
            return told("--rate", Arrivals::parse(rate, length), problems).map(Pace::Open);
        }
        if self.rate.is_some() {
            problems.push(
                "--closed: answers set the pace, so there is no --rate; leave out one of them"
                    .into(),
            );
        }
        Some(Pace::Closed(Closed { duration }))
    }

    fn connections(&self, problems: &mut Vec<String>) -> Option<Connections> {
        let text = match (self.connections.as_deref(), self.new_connections) {
            (None, false) if self.closed => return Some(Connections::default()),
            (None, false) => return Some(Connections::KeepAlive(SCHEDULE_CONNECTIONS)),
            (None, true) => "new".to_owned(),
            (Some(count), true) if count.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("new:{count}")
            }
            (Some(text), _) => text.to_owned(),
        };
        told("--connections", Connections::parse(&text), problems)
    }
}

fn told<T>(flag: &str, result: Result<T, Wrong>, problems: &mut Vec<String>) -> Option<T> {
    result
        .map_err(|wrong| problems.push(format!("{flag}: {wrong}")))
        .ok()
}
