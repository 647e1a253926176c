//! Installing Anvil, with an npm of our own making.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use x402_assay::chain::{AnvilSearch, Origin, ProvisionError, find_or_install};

use crate::support::chain::guard_exe;

pub(crate) fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A machine without Anvil; `npm` is the given script.
fn bare_machine(root: &Path, npm: Option<&str>) -> AnvilSearch {
    let bin = root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    if let Some(script) = npm {
        executable(&bin.join("npm"), script);
    }
    AnvilSearch {
        path: Some(bin.into_os_string()),
        home: Some(root.join("home")),
        cache: Some(root.join("cache")),
        may_install: true,
        ..AnvilSearch::default()
    }
}

async fn provision(search: &AnvilSearch) -> (Result<PathBuf, ProvisionError>, Vec<String>) {
    let notices = std::sync::Mutex::new(Vec::new());
    let note = |line: &str| notices.lock().unwrap().push(line.to_owned());
    let found = find_or_install(search, &guard_exe(), &note).await;
    (found.map(|found| found.path), notices.into_inner().unwrap())
}

#[tokio::test]
async fn without_npm_or_permission_the_error_names_the_places() {
    let dir = tempfile::tempdir().unwrap();
    let mut search = bare_machine(dir.path(), None);
    let (found, notices) = provision(&search).await;
    let error = found.unwrap_err();
    assert!(
        matches!(error, ProvisionError::NpmMissing { .. }),
        "{error}"
    );
    assert!(error.to_string().contains(".foundry/bin/anvil"), "{error}");
    assert!(notices.is_empty());

    search.may_install = false;
    let error = provision(&search).await.0.unwrap_err();
    assert!(
        matches!(error, ProvisionError::InstallForbidden { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_failing_npm_shows_its_last_words_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let search = bare_machine(
        dir.path(),
        Some("#!/bin/sh\necho 'npm error ENOTFOUND' >&2\nexit 1\n"),
    );
    let (found, notices) = provision(&search).await;
    let error = found.unwrap_err();
    assert!(matches!(error, ProvisionError::NpmFailed { .. }), "{error}");
    assert!(error.to_string().contains("ENOTFOUND"), "{error}");
    assert_eq!(notices.len(), 1);
    assert!(notices[0].starts_with("anvil was not found: installing @foundry-rs/anvil"));
    let left: Vec<_> = fs::read_dir(dir.path().join("cache/x402-assay/anvil"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.to_string_lossy().ends_with(".lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// npm as it would behave: leaves the platform package and counts its runs.
const OBLIGING_NPM: &str = r#"#!/bin/sh
echo run >> "$(dirname "$0")/runs"
for os in linux darwin; do for cpu in amd64 arm64; do
  bin="node_modules/@foundry-rs/anvil-$os-$cpu/bin"
  mkdir -p "$bin"
  printf '#!/bin/sh\necho anvil Version: 1\n' > "$bin/anvil"
  chmod +x "$bin/anvil"
done; done
"#;

#[tokio::test]
async fn two_at_once_install_once() {
    let dir = tempfile::tempdir().unwrap();
    let search = bare_machine(dir.path(), Some(OBLIGING_NPM));
    let (one, two) = tokio::join!(provision(&search), provision(&search));
    let path = one.0.unwrap();
    assert_eq!(path, two.0.unwrap());
    assert!(
        path.starts_with(dir.path().join("cache")),
        "{}",
        path.display()
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("bin/runs"))
            .unwrap()
            .lines()
            .count(),
        1
    );

    let (again, notices) = provision(&search).await;
    assert_eq!(again.unwrap(), path);
    assert!(notices.is_empty(), "nothing slow happens the second time");
    let found = x402_assay::chain::discover(&search).unwrap().unwrap();
    assert_eq!(found.origin, Origin::Cache);
}
