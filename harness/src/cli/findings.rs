//! What a run found, as files of their own: a replay file and an issue's body for each failing case.

use std::fs;
use std::path::Path;

use x402_assay_protocol::Version;
use x402_assay_reports::Report;
use x402_assay_reports::markdown::issue::{self, Issue};
use x402_assay_reports::model::{CaseResult, Evidence, ScenarioFinding, Verdict};
use x402_assay_reports::reproduce::quote;

use super::args::{ChainChoice, FailOn, RunOptions, Setup};
use super::minimise::{limited, minimise};
use super::output::{self, WriteError};
use super::progress::Teller;
use super::replay::Trial;
use super::run::shown_path;
use crate::audit::{Books, timeline};
use crate::bench::Outcome;
use crate::history::Facts;
use crate::replay::{self, Found, ReplayFile, ReplayTarget, Written};
use crate::runner::{Sheet, Silent};

/// Folder of the files, inside the report's.
const FOLDER: &str = "replay";
/// Most cases a run writes files about.
const FILES_MAX: usize = 20;
/// Most scenarios of a run whose smallest form is looked for.
const MINIMISED_MAX: usize = 5;
/// How a replay file of ours begins.
const MARK: &str = "# One finding of x402-assay.";

/// Everything one run's files are made of.
pub(super) struct Keeper<'a> {
    pub(super) options: &'a RunOptions,
    pub(super) sheets: &'a [Sheet],
    pub(super) outcome: &'a Outcome,
    pub(super) teller: &'a Teller,
    pub(super) trial: Trial<'a>,
    /// Where the bench was called: relative paths start here.
    pub(super) folder: &'a Path,
}

/// One failing case, with what is to be written about it.
struct Failing {
    scenario: usize,
    case: usize,
    found: Found,
    seed: u64,
    sheet: Sheet,
}

impl Keeper<'_> {
    /// Writes the files, and names them in the report.
    pub(super) async fn keep(&self, report: &mut Report) -> Result<(), WriteError> {
        let into = self.options.out.join(FOLDER);
        clear(&into);
        let mut failing = self.failing(report);
        failing.truncate(FILES_MAX);
        if failing.is_empty() {
            return Ok(());
        }
        if self.options.minimise && !report.interrupted {
            self.minimise(report, &mut failing).await;
        }
        output::folder(&into)?;
        for one in &failing {
            let scenario = &report.scenarios[one.scenario];
            let name = format!("{}-{}", scenario.name, one.found.case);
            let path = into.join(format!("{name}.yaml"));
            let hide = |text: &str| self.outcome.secrets.text(text);
            let written = replay::write(&self.file(report, one), &hide, self.folder);
            output::write_file(&path, &written.text)?;
            let mut command = format!("x402-assay replay {}", quote(&shown_path(&path)));
            for host in &self.options.setup.owned_hosts {
                command.push_str(&format!(" --i-own {}", quote(host)));
            }
            let body = self.issue(report, one, &written, &command);
            output::write_file(&into.join(format!("{name}.md")), &hide(&body))?;
            report.scenarios[one.scenario].cases[one.case].replay = Some(command);
        }
        let count = failing.len();
        let shown = shown_path(&into);
        self.teller
            .line(&format!("replay files: {shown}/ ({count})"));
        Ok(())
    }

    fn failing(&self, report: &Report) -> Vec<Failing> {
        let counts = |verdict: Verdict| match self.options.fail_on {
            FailOn::Fail => verdict == Verdict::Fail,
            FailOn::Warn => matches!(verdict, Verdict::Fail | Verdict::Warn),
        };
        let mut failing = Vec::new();
        for (place, scenario) in report.scenarios.iter().enumerate() {
            let sheet = self
                .sheets
                .iter()
                .find(|sheet| sheet.scenario.name == scenario.name);
            let Some(sheet) = sheet else { continue };
            let cases = scenario.cases.iter().enumerate();
            for (index, result) in cases.filter(|(_, case)| counts(case.verdict)) {
                failing.extend(one(place, index, sheet, result, report.seed));
            }
        }
        failing
    }

    async fn minimise(&self, report: &mut Report, failing: &mut [Failing]) {
        if let Some(why) = limited(&self.options.setup, &self.outcome.history) {
            self.teller.line(&format!("not minimised: {why}"));
            return;
        }
        let mut done: Vec<usize> = Vec::new();
        for one in failing {
            let result = &report.scenarios[one.scenario];
            let case = &result.cases[one.case];
            let least = result
                .smallest
                .as_ref()
                .is_none_or(|least| *least == case.label);
            if !least || done.contains(&one.scenario) || done.len() == MINIMISED_MAX {
                continue;
            }
            done.push(one.scenario);
            let sheet = self
                .sheets
                .iter()
                .find(|sheet| sheet.scenario.name == result.name);
            let place = usize::try_from(one.found.case)
                .unwrap_or(usize::MAX)
                .wrapping_sub(1);
            let Some((sheet, case)) =
                sheet.and_then(|sheet| Some((sheet, sheet.scenario.expand().get(place)?)))
            else {
                continue;
            };
            let trial = Trial {
                seed: one.seed,
                guard: self.trial.guard.clone(),
                cancel: self.trial.cancel.clone(),
                progress: &Silent,
                ..self.trial
            };
            let scenario = &sheet.scenario;
            match minimise(&trial, scenario, case, &one.found, self.teller).await {
                Ok(smallest) => {
                    self.teller
                        .line(&format!("{}: {}", scenario.name, smallest.told.told()));
                    one.sheet = smallest.sheet;
                    report.scenarios[one.scenario].cases[one.case].minimised = Some(smallest.told);
                }
                Err(why) => self
                    .teller
                    .line(&format!("{}: not minimised: {why}", scenario.name)),
            }
        }
    }

    fn file(&self, report: &Report, one: &Failing) -> ReplayFile {
        let setup = &self.options.setup;
        let versions = &report.target.versions;
        let spoken = [Version::V2, Version::V1];
        ReplayFile {
            found: one.found.clone(),
            bench: report.bench_version.clone(),
            when: when(report.started_unix_s),
            seed: one.seed,
            x402: spoken
                .into_iter()
                .find(|version| versions.contains(&version.to_string())),
            chain: match report.fidelity.chain.as_str() {
                "anvil" => Some(ChainChoice::Anvil),
                "memory" => Some(ChainChoice::Memory),
                _ => None,
            },
            network: setup.chain.chain_id,
            target: Some(target(setup)),
            sheet: one.sheet.clone(),
        }
    }

    fn issue(&self, report: &Report, one: &Failing, written: &Written, command: &str) -> String {
        let scenario = &report.scenarios[one.scenario];
        let case = &scenario.cases[one.case];
        let same = |finding: &&ScenarioFinding| finding.expectation == one.found.expectation;
        let Some(finding) = case.findings.iter().find(same) else {
            return String::new();
        };
        let timeline = self.timeline(finding);
        issue::render(&Issue {
            report,
            scenario,
            case,
            finding,
            text: &one.sheet.text,
            seed: one.seed,
            timeline: &timeline,
            replay: command,
            variables: &written.variables,
        })
    }

    /// What happened to the first payment the evidence is about.
    fn timeline(&self, finding: &ScenarioFinding) -> Vec<Evidence> {
        let facts = Facts::new(&self.outcome.history, None);
        let exchanges = finding
            .evidence
            .iter()
            .filter(|piece| piece.kind == "exchange");
        let exchange = exchanges
            .filter_map(|piece| facts.exchange(piece.id.parse().ok()?))
            .find(|exchange| exchange.is_paid());
        let books = Books::keep(&facts);
        let book = exchange.and_then(|exchange| books.book_of(exchange));
        book.map(|book| timeline::evidence(&timeline::of_book(&facts, book)))
            .unwrap_or_default()
    }
}

fn one(
    place: usize,
    index: usize,
    sheet: &Sheet,
    result: &CaseResult,
    seed: u64,
) -> Option<Failing> {
    let number = usize::try_from(result.case).ok()?.checked_sub(1)?;
    let case = sheet.scenario.expand().get(number)?;
    let pairs = case.parameters.iter();
    let parameters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let found = Found::of(&sheet.scenario.name, result, parameters.collect())?;
    let text = sheet.scenario.case_file(case, |_| true);
    let scenario = crate::scenario::Scenario::parse(&text, &sheet.scenario.name).ok()?;
    let seeds = result.repeats.iter().flat_map(|repeats| &repeats.seeds);
    Some(Failing {
        scenario: place,
        case: index,
        found,
        seed: seeds.copied().next().unwrap_or(seed),
        sheet: Sheet {
            scenario: scenario.into(),
            text,
        },
    })
}

fn target(setup: &Setup) -> ReplayTarget {
    match &setup.target {
        Some(profile) => {
            let mut profile = profile.clone();
            profile.timeout = Some(setup.timeout);
            ReplayTarget::Profile(Box::new(profile))
        }
        None => ReplayTarget::BuiltIn {
            defects: setup.defects.clone(),
        },
    }
}

/// Unix seconds as an HTTP date.
fn when(unix_s: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix_s);
    httpdate::fmt_http_date(time)
}

/// Takes away the files of an earlier run, which would be read as this one's; nothing that is not ours.
fn clear(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in files.map(|entry| entry.path()) {
        let is_yaml = path.extension().is_some_and(|end| end == "yaml");
        if is_yaml && fs::read_to_string(&path).is_ok_and(|text| text.starts_with(MARK)) {
            // What cannot be removed is written over or stays; neither keeps a run from ending.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(path.with_extension("md"));
        }
    }
}
