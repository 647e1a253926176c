use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::super::{BUILTIN, STEPS, builtin};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn every_file_of_the_folder_is_built_in() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let yaml = path
                .extension()
                .is_some_and(|extension| extension == "yaml");
            yaml.then(|| path.file_stem().unwrap().to_string_lossy().into_owned())
        })
        .collect();
    let built_in: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
    assert!(built_in.is_sorted(), "keep the list sorted by name");
    assert_eq!(
        built_in.into_iter().collect::<Vec<_>>(),
        files.iter().collect::<Vec<_>>()
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
