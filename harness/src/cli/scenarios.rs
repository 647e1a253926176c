//! Scenarios on the command line: which ones to run, the list of the built-in ones, and copies of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::args::{ALL_SCENARIOS, ListOptions, ListRole};
use super::exit::Exit;
use super::print;
use crate::config::did_you_mean;
use crate::runner::Sheet;
use crate::scenario::{self, BUILTIN, LOAD_BUILTIN, Need, Role, Scenario, builtin_named};

/// The tag of load scenarios.
const LOAD_TAG: &str = "load";

/// Reads what was named: built-in scenarios, files, and the `.yaml` files of folders.
///
/// # Errors
/// Every problem of every file.
pub(super) fn sheets(named: &[PathBuf], tags: &[String]) -> Result<Vec<Sheet>, Vec<String>> {
    // Load is measured on a machine that does nothing else: `all` leaves it out unless the tag asks for it.
    let load_too = tags.iter().any(|tag| tag == LOAD_TAG);
    let (mut sheets, mut problems) = (Vec::new(), Vec::new());
    let mut take = |read: Result<Sheet, Vec<String>>| match read {
        Ok(sheet) => sheets.push(sheet),
        Err(more) => problems.extend(more),
    };
    for path in named {
        let name = path.to_string_lossy();
        if path.is_absolute() && path.is_dir() {
            match yaml_files(path) {
                Ok(files) => files.iter().for_each(|file| take(read_file(file))),
                Err(problem) => take(Err(vec![problem])),
            }
        } else if path.is_absolute() {
            take(read_file(path));
        } else {
            let chosen = BUILTIN
                .iter()
                .map(|file| (file, true))
                .chain(LOAD_BUILTIN.iter().map(|file| (file, load_too)))
                .filter(|((known, _), in_all)| name == *known || (*in_all && name == ALL_SCENARIOS))
                .map(|(file, _)| file);
            chosen.for_each(|(known, text)| take(read_builtin(known, text)));
        }
    }
    if problems.is_empty() {
        Ok(sheets)
    } else {
        Err(problems)
    }
}

/// Those that have one of the tags; all where none is asked for.
pub(super) fn with_tags(mut sheets: Vec<Sheet>, tags: &[String]) -> Vec<Sheet> {
    sheets.retain(|sheet| {
        let mut own = sheet.scenario.tags.iter();
        tags.is_empty() || own.any(|tag| tags.contains(tag))
    });
    sheets
}

fn read_builtin(name: &str, text: &str) -> Result<Sheet, Vec<String>> {
    let read = Scenario::parse(text, &format!("{name}.yaml"));
    let scenario = read.map_err(|problems| problems.lines())?;
    Ok(Sheet {
        scenario: Arc::new(scenario),
        text: text.to_owned(),
    })
}

fn read_file(path: &Path) -> Result<Sheet, Vec<String>> {
    let shown = path.display().to_string();
    let scenario = scenario::load(path, &shown).map_err(|error| error.lines())?;
    let text = fs::read_to_string(path).map_err(|error| vec![format!("{shown}: {error}")])?;
    Ok(Sheet {
        scenario: Arc::new(scenario),
        text,
    })
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = folder.display();
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read the folder {shown}: {error}"))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_yaml = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| end == "yaml" || end == "yml")
    };
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.is_file() && is_yaml(path))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("the folder {shown} holds no scenario (*.yaml)"));
    }
    Ok(files)
}

/// What would be run.
pub(super) fn dry_run(sheets: &[Sheet]) -> Exit {
    let line = |sheet: &Sheet| {
        let scenario = &sheet.scenario;
        format!(
            "{}  {} cases  {}\n",
            scenario.name,
            scenario.expand().len(),
            scenario.about
        )
    };
    said(&sheets.iter().map(line).collect::<String>())
}

/// The built-in scenarios, for `list`.
pub(super) fn list(options: ListOptions) -> String {
    let wanted = |scenario: &Scenario| match options.role {
        None => true,
        Some(ListRole::Server) => scenario.role == Role::Server,
        Some(ListRole::Facilitator) => scenario.role == Role::Facilitator,
        Some(ListRole::Client) => false,
    };
    let mut all = scenario::builtin().unwrap_or_default();
    all.extend(scenario::builtin_load().unwrap_or_default());
    let chosen: Vec<&Scenario> = all.iter().filter(|scenario| wanted(scenario)).collect();
    if options.json {
        return format!(
            "{:#}\n",
            serde_json::Value::from_iter(chosen.iter().map(|s| row(s)))
        );
    }
    let width = chosen
        .iter()
        .map(|scenario| scenario.name.len())
        .max()
        .unwrap_or_default();
    let line = |scenario: &&Scenario| {
        format!(
            "{:width$}  {:11}  {}\n",
            scenario.name,
            scenario.role.word(),
            scenario.about
        )
    };
    let mut text: String = chosen.iter().map(line).collect();
    text.push_str(&format!("{} scenarios\n", chosen.len()));
    text
}

fn row(scenario: &Scenario) -> serde_json::Value {
    json!({
        "name": scenario.name,
        "about": scenario.about,
        "role": scenario.role.word(),
        "sources": scenario.sources,
        "tags": scenario.tags,
        "needs": scenario.needs.iter().map(|need: &Need| need.word()).collect::<Vec<_>>(),
        "cases": scenario.expand().len(),
        "load": scenario.load.is_some(),
    })
}

/// Writes a built-in scenario to the folder; never over a file that is there.
pub(super) fn copy(folder: &Path, name: &str) -> Exit {
    let Some(text) = builtin_named(name) else {
        let hint = did_you_mean(
            name,
            BUILTIN.iter().chain(LOAD_BUILTIN).map(|(known, _)| *known),
        );
        print::message(&format!(
            "error: no built-in scenario `{name}`{hint} (x402-assay list --scenarios shows them all)"
        ));
        return Exit::Usage;
    };
    let file = format!("{name}.yaml");
    let created = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.join(&file));
    match created.and_then(|mut opened| opened.write_all(text.as_bytes())) {
        Ok(()) => said(&format!("{file}\n")),
        Err(error) => {
            print::message(&format!("error: {file}: {error}"));
            Exit::Usage
        }
    }
}

fn said(text: &str) -> Exit {
    match print::result(text) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            print::message(&format!("error: stdout: {error}"));
            Exit::Internal
        }
    }
}
