use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::super::{BUILTIN, LOAD_BUILTIN, STEPS, builtin, builtin_load};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files(folder: PathBuf) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let yaml = path
                .extension()
                .is_some_and(|extension| extension == "yaml");
            yaml.then(|| path.file_stem().unwrap().to_string_lossy().into_owned())
        })
        .collect()
}

#[test]
fn every_file_of_the_folder_is_built_in() {
    for (list, folder) in [(BUILTIN, folder()), (LOAD_BUILTIN, folder().join("load"))] {
        let built_in: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
        assert!(built_in.is_sorted(), "keep the list sorted by name");
        assert_eq!(
            built_in.into_iter().collect::<Vec<_>>(),
            files(folder).iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn every_built_in_load_scenario_is_read_and_demands_something() {
    let scenarios = builtin_load().unwrap_or_else(|problems| panic!("{problems}"));
    for ((name, _), scenario) in LOAD_BUILTIN.iter().zip(&scenarios) {
        assert_eq!(*name, scenario.name, "the id is the file's name");
        assert!(scenario.tags.contains(&"load".to_owned()), "{name}");
        let load = scenario.load.as_ref().unwrap();
        assert!(!load.thresholds.is_empty(), "{name} demands nothing");
        assert_eq!(scenario.expand().len(), 1);
        assert!(scenario.expand()[0].steps.is_empty());
    }
    let plain = builtin().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(
        plain.iter().all(|scenario| scenario.load.is_none()),
        "load has a folder of its own"
    );
}

#[test]
fn every_built_in_scenario_is_read_without_a_warning_and_says_where_it_comes_from() {
    let scenarios = builtin().unwrap_or_else(|problems| panic!("{problems}"));
    for ((name, _), scenario) in BUILTIN.iter().zip(&scenarios) {
        assert_eq!(*name, scenario.name, "the id is the file's name");
        assert_eq!(scenario.warnings, [] as [&str; 0]);
        assert!(!scenario.sources.is_empty(), "{name} names no source");
        assert!(!scenario.tags.is_empty(), "{name} has no tag");
        assert!(
            scenario.expand().len() <= 40,
            "{name} has too many cases to be run by default"
        );
    }
}

#[test]
fn the_library_uses_every_step() {
    let scenarios = builtin().unwrap_or_else(|problems| panic!("{problems}"));
    let used: BTreeSet<&str> = scenarios
        .iter()
        .flat_map(|scenario| scenario.expand())
        .flat_map(|case| &case.steps)
        .map(|step| step.step.name())
        .collect();
    let all: BTreeSet<&str> = STEPS.iter().map(|kind| kind.name).collect();
    assert_eq!(used, all);
}
