//! Text → scenario: the head of the file, then every case of its matrix, all problems at once.

use std::collections::{BTreeSet, HashSet};

use super::case::{Case, decode_case};
use super::load_sheet::{self, LOAD_KEYS};
use super::model::{Role, SCENARIO_NAME_MAX, Scenario, VERSION};
use super::normal::normalise;
use super::substitute::{Part, each_text, parts, substitute};
use super::vary::{
    Parameters, Vary, check_references, check_text, decode_vary, product, varied_names,
};
use super::words::Need;
use crate::config::yaml::{self, MapView, Node, Position, Problem, ProblemList, Problems, View};

/// A larger scenario file is refused (64 KiB).
pub(super) const FILE_BYTES_MAX: usize = 64 << 10;

/// Every key of a scenario file.
pub(super) const KEYS: [&str; 12] = [
    "version", "scenario", "about", "sources", "role", "tags", "needs", "vary", "rounds",
    "timeout", "steps", "expect",
];
/// So many different problems of cases are told apart.
const DISTINCT_MAX: usize = 1_000;
/// Keys in which `${name}` may stand.
const VARIED_KEYS: [&str; 4] = ["steps", "expect", "rounds", "timeout"];

pub(super) fn parse(text: &str, shown: &str) -> Result<Scenario, ProblemList> {
    let problems = Problems::new(shown);
    if text.len() > FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX >> 10;
        problems.of_file(format!("larger than {limit} KiB; is this the right file?"));
        return Err(problems.into_list());
    }
    let tree = yaml::parse(text, &problems);
    let scenario = tree.and_then(|tree| parse_node(tree, shown, &problems));
    problems.finish(scenario)
}

/// Reads a tree, which may be part of a larger file.
pub(super) fn parse_node(mut tree: Node, shown: &str, problems: &Problems) -> Option<Scenario> {
    normalise(&mut tree);
    decode(tree, shown, problems)
}

fn decode(tree: Node, shown: &str, problems: &Problems) -> Option<Scenario> {
    let map = View::root(&tree, problems).as_map()?;
    let head = decode_head(&map);
    if load_sheet::is_load(&map) {
        return decode_load(&map, head, &tree, shown);
    }
    let vary = decode_vary(&map);
    let mut poisoned = check_used(&map, &vary, problems);
    let sets = match check_references(&vary, &map) {
        Ok(()) => product(&vary, problems),
        Err(()) => {
            // Values cannot be told: report what does not depend on them.
            poisoned.extend(referring(&map));
            vec![Parameters::default()]
        }
    };
    let (cases, warnings) = decode_cases(&tree, &head, &sets, &poisoned, problems);
    let shown = shown.to_owned();
    let line = |warning: &Problem| match warning.position {
        Some(at) => format!("{shown}:{}:{}: {}", at.line, at.column, warning.message),
        None => format!("{shown}: {}", warning.message),
    };
    Some(Scenario {
        name: head.name?,
        about: head.about?,
        sources: head.sources,
        role: head.role?,
        tags: head.tags,
        needs: head.needs,
        vary,
        warnings: warnings.iter().map(line).collect(),
        load: None,
        cases,
        shown,
        tree,
    })
}

/// A load scenario: one case without steps, so that it is selected, recorded and skipped as any other.
fn decode_load(map: &MapView<'_>, head: Head, tree: &Node, shown: &str) -> Option<Scenario> {
    let load = load_sheet::decode(map, head.role.unwrap_or(Role::Server));
    Some(Scenario {
        name: head.name?,
        about: head.about?,
        sources: head.sources,
        role: head.role?,
        tags: head.tags,
        needs: head.needs,
        vary: Vec::new(),
        warnings: Vec::new(),
        cases: vec![Case::without_steps(load.as_ref()?.timeout)],
        load,
        shown: shown.to_owned(),
        tree: tree.clone(),
    })
}

/// What stands above the steps.
struct Head {
    name: Option<String>,
    about: Option<String>,
    sources: Vec<String>,
    role: Option<Role>,
    tags: Vec<String>,
    needs: Vec<Need>,
}

fn decode_head(map: &MapView<'_>) -> Head {
    map.unknown_keys(&[&KEYS[..], &LOAD_KEYS[..]].concat());
    decode_version(map);
    let words = |key| map.list(key);
    Head {
        name: map.required("scenario").and_then(|view| decode_name(&view)),
        about: map.required_str("about").map(str::to_owned),
        sources: words("sources").iter().filter_map(decode_source).collect(),
        role: map.required("role").and_then(|view| decode_role(&view)),
        tags: words("tags").iter().filter_map(decode_tag).collect(),
        needs: words("needs")
            .iter()
            .filter_map(|view| view.one_of(Need::ALL))
            .collect(),
    }
}

fn decode_version(map: &MapView<'_>) {
    let Some(view) = map.optional("version") else {
        return;
    };
    if let Some(version) = view.as_u64(1..=u64::MAX)
        && version != VERSION
    {
        view.problem(format!(
            "version {version} is unknown; this reader knows version {VERSION}, use a newer one or write `version: {VERSION}`"
        ));
    }
}

fn decode_name(view: &View<'_>) -> Option<String> {
    let name = view.as_non_empty_str()?;
    view.check(check_kebab(name))?;
    Some(name.to_owned())
}

fn decode_role(view: &View<'_>) -> Option<Role> {
    if view.as_text() == Some("client") {
        view.problem(
            "scenarios for clients are not read by this version; use server or facilitator",
        );
        return None;
    }
    view.one_of(Role::ALL)
}

fn decode_tag(view: &View<'_>) -> Option<String> {
    let tag = view.as_non_empty_str()?;
    view.check(check_kebab(tag))?;
    Some(tag.to_owned())
}

/// Where a failure was seen: `REP-02`, `F#3401`, an advisory, a paper or a URL.
fn decode_source(view: &View<'_>) -> Option<String> {
    let source = view.as_non_empty_str()?;
    let starts = ["https://", "F#", "GHSA-", "arXiv:"];
    let known = is_row(source) || starts.iter().any(|start| source.starts_with(start));
    if !known || source.len() > 200 || source.contains(char::is_whitespace) {
        view.problem(
            "expected a failure mode (REP-02), an issue (F#3401), an advisory (GHSA-...), a paper (arXiv:...) or an https:// link",
        );
        return None;
    }
    Some(source.to_owned())
}

fn is_row(source: &str) -> bool {
    let Some((area, number)) = source.split_once('-') else {
        return false;
    };
    area.len() == 3
        && area.bytes().all(|b| b.is_ascii_uppercase())
        && number.len() == 2
        && number.bytes().all(|b| b.is_ascii_digit())
}

fn check_kebab(name: &str) -> Result<(), String> {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if name.len() > SCENARIO_NAME_MAX || !name.split('-').all(word) {
        return Err(format!(
            "expected lower-case words joined by `-`, at most {SCENARIO_NAME_MAX} characters"
        ));
    }
    Ok(())
}

/// Reports references to nothing, references where none may stand, and names that are never used. Gives the places
/// whose values cannot be told.
fn check_used(map: &MapView<'_>, vary: &[Vary], problems: &Problems) -> BTreeSet<Position> {
    let names = varied_names(map);
    let usable = |name: &str| vary.iter().any(|one| one.name == name);
    let mut poisoned = BTreeSet::new();
    let mut used: HashSet<String> = HashSet::new();
    for (key, _, view) in map.entries() {
        let varied = VARIED_KEYS.contains(&key);
        let mut look = |text: &str, position| {
            let found = parts(text).unwrap_or_default();
            let referred = || {
                found.iter().filter_map(|part| match part {
                    Part::Reference(name) => Some(*name),
                    Part::Text(_) => None,
                })
            };
            let refers = referred().next().is_some();
            if key == "vary" || varied {
                used.extend(referred().map(str::to_owned));
            }
            if !referred().all(usable) {
                poisoned.insert(position);
            }
            let message = match check_text(text, &names) {
                Err(message) if varied => message,
                _ if refers && !varied && key != "vary" => format!(
                    "`{key}` cannot hold a reference; it is put in under {}",
                    super::keys::backticked(&VARIED_KEYS)
                ),
                _ => return,
            };
            problems.at(position, message);
            poisoned.insert(position);
        };
        each_text(view.node(), &mut look);
    }
    for one in vary.iter().filter(|one| !used.contains(&one.name)) {
        let name = &one.name;
        problems.at(
            one.position,
            format!("`{name}` is varied but never used; write `${{{name}}}` where it belongs"),
        );
    }
    poisoned
}

/// Every place that holds a reference.
fn referring(map: &MapView<'_>) -> Vec<Position> {
    let mut places = Vec::new();
    let mut look = |text: &str, position| {
        if text.contains("${") {
            places.push(position);
        }
    };
    each_text(map.view().node(), &mut look);
    places
}

/// Decodes every case; a problem that only some cases have names the first of them.
fn decode_cases(
    tree: &Node,
    head: &Head,
    sets: &[Parameters],
    poisoned: &BTreeSet<Position>,
    problems: &Problems,
) -> (Vec<Case>, Vec<Problem>) {
    let role = head.role.unwrap_or(Role::Server);
    let mut cases = Vec::new();
    let mut warnings: Vec<Problem> = Vec::new();
    let mut found: Vec<(Problem, usize, &Parameters)> = Vec::new();
    for parameters in sets {
        let of_case = Problems::new("");
        let case = decode_case(
            &substitute(tree, parameters),
            role,
            &head.needs,
            parameters,
            &of_case,
        );
        for problem in of_case.into_list().problems {
            let known = found.iter().position(|(known, _, _)| *known == problem);
            match known {
                Some(index) => found[index].1 += 1,
                None if found.len() < DISTINCT_MAX => found.push((problem, 1, parameters)),
                None => {}
            }
        }
        if let Some((case, new)) = case {
            cases.push(case);
            warnings.extend(new);
        }
    }
    for (problem, count, first) in found {
        let position = problem.position.unwrap_or(tree.position);
        if poisoned.contains(&position) {
            continue;
        }
        let message = match count < sets.len() {
            true => format!("{} (with {first})", problem.message),
            false => problem.message,
        };
        problems.at(position, message);
    }
    warnings.sort_by_key(|warning| warning.position);
    warnings.dedup();
    (cases, warnings)
}
