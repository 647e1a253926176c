//! Text → replay file; every problem of the file at once, with line and column.

use std::path::Path;

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::model::{Found, ReplayFile, ReplayTarget, VERDICTS, VERSION};
use crate::cli::args::ChainChoice;
use crate::config::Lookup;
use crate::config::profile::{from_node, parse_network_flag};
use crate::config::yaml::{self, MapView, ProblemList, Problems, View};
use crate::reference_server::Defect;
use crate::runner::Sheet;
use crate::scenario::{SCENARIO_NAME_MAX, Scenario};

/// A larger replay file is refused (1 MiB): it holds a scenario of at most 64 KiB and a target with its bodies.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Every key of a replay file.
pub(super) const KEYS: [&str; 10] = [
    "replay", "bench", "when", "found", "seed", "x402", "chain", "network", "target", "scenario",
];
/// Every key of `found`.
pub(super) const FOUND_KEYS: [&str; 6] = [
    "scenario",
    "case",
    "parameters",
    "expectation",
    "verdict",
    "text",
];
/// Seeds stay below 2^53.
const SEED_MAX: u64 = (1 << 53) - 1;

/// What is read in: the folder relative paths of the target start from, and the environment.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Variables of the target.
    pub lookup: Lookup<'a>,
    /// Whether the target of the file is wanted; its variables need not be set where it is not.
    pub with_target: bool,
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place")
            .field("folder", &self.folder)
            .field("with_target", &self.with_target)
            .finish_non_exhaustive()
    }
}

/// Reads a replay file; `shown` is how messages name it.
///
/// # Errors
/// One line for each thing wrong: it cannot be read, or every problem it has.
pub fn load(path: &Path, shown: &str, place: Place<'_>) -> Result<ReplayFile, Vec<String>> {
    let bytes = yaml::read_bounded(path, FILE_BYTES_MAX)
        .map_err(|error| vec![format!("cannot read the replay file {shown}: {error}")])?;
    let text = yaml::utf8(bytes, shown).map_err(|list| list.lines())?;
    parse(&text, shown, place).map_err(|list| list.lines())
}

/// Checks the text of a replay file.
///
/// # Errors
/// Every problem of the file at once, each with line and column.
pub fn parse(text: &str, shown: &str, place: Place<'_>) -> Result<ReplayFile, ProblemList> {
    let problems = Problems::new(shown);
    if text.len() > FILE_BYTES_MAX {
        problems.of_file("larger than 1 MiB; is this the right file?");
        return Err(problems.into_list());
    }
    let tree = yaml::parse(text, &problems);
    let file = tree.and_then(|tree| {
        let map = View::root(&tree, &problems).as_map()?;
        decode(&map, shown, place, &problems)
    });
    problems.finish(file)
}

fn decode(
    map: &MapView<'_>,
    shown: &str,
    place: Place<'_>,
    problems: &Problems,
) -> Option<ReplayFile> {
    map.unknown_keys(&KEYS);
    let version = map.required("replay").and_then(|view| {
        let version = view.as_u64(1..=u64::MAX)?;
        if version != VERSION {
            view.problem(format!(
                "version {version} is unknown; this reader knows version {VERSION}, use a newer one"
            ));
        }
        Some(version)
    });
    let found = map.required("found").and_then(|view| decode_found(&view));
    let bench = map.required_str("bench");
    let when = map.required_str("when");
    let seed = map
        .required("seed")
        .and_then(|view| view.as_u64(0..=SEED_MAX));
    let x402 = map
        .optional("x402")
        .and_then(|view| view.one_of(&[("v1", Version::V1), ("v2", Version::V2)]));
    let chain = map.required("chain").and_then(|view| {
        view.one_of(&[
            ("auto", "auto"),
            ("anvil", "anvil"),
            ("memory", "memory"),
            ("url", "url"),
        ])
    });
    let network = map.optional("network").and_then(|view| {
        let text = view.as_non_empty_str()?;
        view.check(parse_network_flag(text))?
    });
    let target = map.required("target");
    let target = target
        .filter(|_| place.with_target)
        .map(|view| decode_target(&view, place, problems));
    let sheet = map
        .required("scenario")
        .and_then(|view| decode_scenario(&view, shown, problems));
    version?;
    Some(ReplayFile {
        found: found?,
        bench: bench?.to_owned(),
        when: when?.to_owned(),
        seed: seed?,
        x402,
        chain: match chain? {
            "anvil" => Some(ChainChoice::Anvil),
            "memory" => Some(ChainChoice::Memory),
            "auto" => Some(ChainChoice::Auto),
            _ => None,
        },
        network,
        target: match target {
            Some(target) => Some(target?),
            None => None,
        },
        sheet: sheet?,
    })
}

fn decode_found(view: &View<'_>) -> Option<Found> {
    let map = view.as_map()?;
    map.unknown_keys(&FOUND_KEYS);
    let parameters = map.optional_map("parameters").map(|given| {
        let pair = |(name, _, view): (&str, _, View<'_>)| {
            Some((name.to_owned(), view.as_text()?.to_owned()))
        };
        given.entries().filter_map(pair).collect()
    });
    let scenario = map.required("scenario").and_then(|view| {
        let name = view.as_non_empty_str()?;
        if name.len() > SCENARIO_NAME_MAX {
            view.problem(format!(
                "a scenario's name has at most {SCENARIO_NAME_MAX} characters"
            ));
        }
        Some(name)
    });
    let case = map.required("case").and_then(|view| view.as_u64(1..=500));
    let expectation = map.required_str("expectation");
    let verdict: Option<Verdict> = map
        .required("verdict")
        .and_then(|view| view.one_of(&VERDICTS));
    let text = map.required("text").and_then(|view| view.as_text());
    Some(Found {
        scenario: scenario?.to_owned(),
        case: u32::try_from(case?).unwrap_or(u32::MAX),
        parameters: parameters.unwrap_or_default(),
        expectation: expectation?.to_owned(),
        verdict: verdict?,
        text: text?.to_owned(),
    })
}

fn decode_target(view: &View<'_>, place: Place<'_>, problems: &Problems) -> Option<ReplayTarget> {
    let map = view.as_map()?;
    let Some(builtin) = map.optional("builtin") else {
        let profile = from_node(view.node(), place.folder, place.lookup, problems)?;
        return Some(ReplayTarget::Profile(Box::new(profile)));
    };
    map.unknown_keys(&["builtin"]);
    let builtin = builtin.as_map()?;
    builtin.unknown_keys(&["defects"]);
    let defect = |view: &View<'_>| {
        let name = view.as_non_empty_str()?;
        view.check(name.parse::<Defect>()).map(|_| name.to_owned())
    };
    let defects = builtin.list("defects");
    Some(ReplayTarget::BuiltIn {
        defects: defects.iter().filter_map(defect).collect(),
    })
}

fn decode_scenario(view: &View<'_>, shown: &str, problems: &Problems) -> Option<Sheet> {
    let scenario = Scenario::from_node(view.node(), shown, problems)?;
    let [case] = scenario.expand() else {
        view.problem("a replay file holds one case; take `vary` away");
        return None;
    };
    // The history gets the scenario alone.
    let text = scenario.case_file(case, |_| true);
    Some(Sheet {
        scenario: scenario.into(),
        text,
    })
}
