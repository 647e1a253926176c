//! Where Anvil may be on this machine.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::provision::{ANVIL_VERSION, ProvisionError};
use crate::os::{in_folders, is_executable};

/// Name of the program file.
const ANVIL_FILE: &str = if cfg!(windows) { "anvil.exe" } else { "anvil" };

/// `--version` answers in milliseconds, even on a busy machine.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// What is known of the machine; tests give it other places.
#[derive(Clone, Debug, Default)]
pub struct AnvilSearch {
    /// `--anvil PATH`; nothing else is looked at.
    pub flag: Option<PathBuf>,
    /// `$ANVIL`; nothing else is looked at.
    pub variable: Option<PathBuf>,
    /// `$PATH`.
    pub path: Option<OsString>,
    /// The home directory, for Foundry's own place.
    pub home: Option<PathBuf>,
    /// `$XDG_CACHE_HOME`, or `.cache` in the home directory.
    pub cache: Option<PathBuf>,
    /// False with `--no-install`.
    pub may_install: bool,
}

/// Where an Anvil was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--anvil`.
    Flag,
    /// `$ANVIL`.
    Variable,
    /// `$PATH`.
    Path,
    /// Foundry's own directory.
    Foundry,
    /// Installed by us, now or earlier.
    Cache,
}

/// A native Anvil binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAnvil {
    /// The binary.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: Origin,
}

impl AnvilSearch {
    /// Reads the process's environment.
    pub fn from_env(flag: Option<PathBuf>, may_install: bool) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = std::env::home_dir();
        let cache = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .or_else(|| home.as_ref().map(|home| home.join(".cache")));
        Self {
            flag,
            variable: set("ANVIL").map(PathBuf::from),
            path: set("PATH"),
            home,
            cache,
            may_install,
        }
    }

    /// Our cache's directory for the pinned version.
    pub(super) fn cached_version(&self) -> Option<PathBuf> {
        Some(
            self.cache
                .as_ref()?
                .join("x402-assay")
                .join("anvil")
                .join(ANVIL_VERSION),
        )
    }

    /// A program on `$PATH`.
    pub(crate) fn on_path(&self, program: &str) -> Option<PathBuf> {
        in_folders(self.path.as_ref()?, program)
    }

    fn foundry(&self) -> Option<PathBuf> {
        let folder = self.home.as_ref()?.join(".foundry").join("bin");
        Some(folder.join(ANVIL_FILE))
    }

    /// The places in words, for the error.
    pub(super) fn places(&self) -> String {
        let mut places = vec!["PATH".to_owned()];
        places.extend(self.foundry().map(|path| path.display().to_string()));
        places.extend(self.cached_version().map(|path| path.display().to_string()));
        places.join(", ")
    }
}

/// Looks, installs nothing. A place named by the user is an error when nothing runs there.
pub fn discover(search: &AnvilSearch) -> Result<Option<FoundAnvil>, ProvisionError> {
    for (named, origin, setting) in [
        (&search.flag, Origin::Flag, "--anvil"),
        (&search.variable, Origin::Variable, "ANVIL"),
    ] {
        if let Some(path) = named {
            // A bare name is looked up like a shell would.
            let bare = path.components().count() == 1 && !is_executable(path);
            let path = if bare {
                path.to_str().and_then(|name| search.on_path(name))
            } else {
                None
            }
            .unwrap_or_else(|| path.clone());
            return match native(&path) {
                Some(path) => Ok(Some(FoundAnvil { path, origin })),
                None => Err(ProvisionError::NotExecutable { setting, path }),
            };
        }
    }
    let cached = search
        .cached_version()
        .and_then(|dir| packaged_binary(&dir));
    let candidates = [
        (search.on_path("anvil"), Origin::Path),
        (search.foundry(), Origin::Foundry),
        (cached, Origin::Cache),
    ];
    Ok(candidates.into_iter().find_map(|(path, origin)| {
        let path = native(&path?)?;
        Some(FoundAnvil { path, origin })
    }))
}

/// The binary inside an npm installation below `dir`, never npm's Node wrapper.
pub(super) fn packaged_binary(dir: &Path) -> Option<PathBuf> {
    let path = scope_binary(&dir.join("node_modules").join("@foundry-rs"))?;
    is_executable(&path).then_some(path)
}

/// First line of `anvil --version`.
pub async fn probe_version(anvil: &Path) -> Result<String, ProvisionError> {
    let broken = |reason: String| ProvisionError::Broken {
        path: anvil.to_owned(),
        reason,
    };
    let running = Command::new(anvil)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(VERSION_LIMIT, running)
        .await
        .map_err(|_| broken(format!("--version did not end within {VERSION_LIMIT:?}")))?
        .map_err(|error| broken(error.to_string()))?;
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    if output.status.success() {
        Ok(first(&output.stdout))
    } else {
        Err(broken(format!(
            "{}: {}",
            output.status,
            first(&output.stderr)
        )))
    }
}

/// The native binary behind `path`: itself, or what npm's wrapper script would start. A wrapper
/// without its platform package is nothing we can run.
fn native(path: &Path) -> Option<PathBuf> {
    if !is_executable(path) {
        return None;
    }
    if !is_node_script(path) {
        return Some(path.to_owned());
    }
    // .../node_modules/@foundry-rs/anvil/bin.mjs, usually behind a link
    let script = path.canonicalize().ok()?;
    let package = script.parent()?;
    [
        package.parent()?.to_owned(),
        package.join("node_modules").join("@foundry-rs"),
    ]
    .iter()
    .filter_map(|scope| scope_binary(scope))
    .find(|binary| is_executable(binary))
}

fn scope_binary(scope: &Path) -> Option<PathBuf> {
    Some(scope.join(platform_package()?).join("bin").join(ANVIL_FILE))
}

/// Name of the platform's package inside the scope; `None` where none is published.
pub(super) fn platform_package() -> Option<String> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        "windows" => "win32",
        _ => return None,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("anvil-{system}-{processor}"))
}

fn is_node_script(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(128).read_to_end(&mut head));
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    read.is_ok() && first.starts_with(b"#!") && String::from_utf8_lossy(first).contains("node")
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn executable(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn search(root: &Path) -> AnvilSearch {
        AnvilSearch {
            path: Some(root.join("bin").into_os_string()),
            home: Some(root.join("home")),
            cache: Some(root.join("cache")),
            ..AnvilSearch::default()
        }
    }

    fn package(root: &Path) -> PathBuf {
        let scope = root.join("node_modules/@foundry-rs");
        executable(&scope.join("anvil/bin.mjs"), "#!/usr/bin/env node\n");
        let native = scope.join(platform_package().unwrap()).join("bin/anvil");
        executable(&native, "native");
        native
    }

    #[test]
    fn looks_at_path_then_foundry_then_cache() {
        let dir = tempfile::tempdir().unwrap();
        let search = search(dir.path());
        assert_eq!(discover(&search).unwrap(), None);

        let cached = package(&search.cached_version().unwrap());
        let found = discover(&search).unwrap();
        assert_eq!(
            found,
            Some(FoundAnvil {
                path: cached,
                origin: Origin::Cache
            })
        );

        let foundry = dir.path().join("home/.foundry/bin/anvil");
        executable(&foundry, "native");
        let found = discover(&search).unwrap();
        assert_eq!(
            found,
            Some(FoundAnvil {
                path: foundry,
                origin: Origin::Foundry
            })
        );

        let path = dir.path().join("bin/anvil");
        executable(&path, "native");
        let found = discover(&search).unwrap();
        assert_eq!(
            found,
            Some(FoundAnvil {
                path,
                origin: Origin::Path
            })
        );
    }

    #[test]
    fn the_flag_wins_over_the_variable_and_must_exist() {
        let dir = tempfile::tempdir().unwrap();
        let mut search = search(dir.path());
        let named = dir.path().join("my anvil");
        executable(&named, "native");
        search.variable = Some(named.clone());
        let found = discover(&search).unwrap();
        assert_eq!(
            found,
            Some(FoundAnvil {
                path: named,
                origin: Origin::Variable
            })
        );

        search.flag = Some(dir.path().join("nothing"));
        let error = discover(&search).unwrap_err().to_string();
        assert!(
            error.contains("--anvil") && error.contains("nothing"),
            "{error}"
        );
    }

    #[test]
    fn a_bare_name_is_looked_up() {
        let dir = tempfile::tempdir().unwrap();
        let mut search = search(dir.path());
        let path = dir.path().join("bin/anvil-next");
        executable(&path, "native");
        search.flag = Some("anvil-next".into());
        let found = discover(&search).unwrap();
        assert_eq!(
            found,
            Some(FoundAnvil {
                path,
                origin: Origin::Flag
            })
        );
    }

    #[test]
    fn behind_the_node_wrapper_is_the_native_binary() {
        let dir = tempfile::tempdir().unwrap();
        let native = package(dir.path());
        let link = dir.path().join("bin/anvil");
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        let wrapper = dir.path().join("node_modules/@foundry-rs/anvil/bin.mjs");
        std::os::unix::fs::symlink(wrapper, &link).unwrap();
        let found = discover(&search(dir.path())).unwrap().unwrap();
        assert_eq!(
            found.path.canonicalize().unwrap(),
            native.canonicalize().unwrap()
        );

        fs::remove_file(native).unwrap();
        assert_eq!(discover(&search(dir.path())).unwrap(), None);
    }

    #[tokio::test]
    async fn version_is_the_first_line_or_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good");
        executable(&good, "#!/bin/sh\necho 'anvil Version: 9'\necho more\n");
        assert_eq!(probe_version(&good).await.unwrap(), "anvil Version: 9");
        let bad = dir.path().join("bad");
        executable(&bad, "#!/bin/sh\necho 'GLIBC not found' >&2\nexit 1\n");
        let error = probe_version(&bad).await.unwrap_err().to_string();
        assert!(error.contains("GLIBC not found"), "{error}");
    }
}
