//! The committed artifacts are what the committed sources compile to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::requirements::require;

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts")
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn recompiling_gives_the_committed_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["compile.mjs", "package.json", "package-lock.json", ".npmrc"] {
        fs::copy(contracts().join(name), dir.path().join(name)).unwrap();
    }
    copy_dir(&contracts().join("src"), &dir.path().join("src"));
    let installed = run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(dir.path()));
    if require("npm with the Solidity compiler", installed).is_none() {
        return;
    }
    run(Command::new("node")
        .arg("compile.mjs")
        .current_dir(dir.path()))
    .unwrap();

    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let (fresh, committed) = (dir.path().join("artifacts"), contracts().join("artifacts"));
    assert_eq!(names(&fresh), names(&committed));
    for name in names(&fresh) {
        let same = fs::read(fresh.join(&name)).unwrap() == fs::read(committed.join(&name)).unwrap();
        assert!(
            same,
            "{name:?} is stale: run `node compile.mjs` in harness/contracts"
        );
    }
}

#[test]
fn the_lock_names_no_download_address() {
    let lock = fs::read_to_string(contracts().join("package-lock.json")).unwrap();
    assert!(
        !lock.contains("\"resolved\""),
        "reinstall with the .npmrc beside it"
    );
}
