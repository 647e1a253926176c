//! Installing Anvil from npm into our cache when the machine has none.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::discovery::{
    AnvilSearch, FoundAnvil, Origin, discover, packaged_binary, platform_package, probe_version,
};
use crate::guard::{ChildEnd, GuardError, GuardedCommand};

/// The npm package's version that the bench is tested with.
pub const ANVIL_VERSION: &str = "1.7.1";

const PACKAGE: &str = "@foundry-rs/anvil";

/// For the download, and for another process that downloads.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

const LOCK_POLL: Duration = Duration::from_millis(100);

const NPM_TAIL_LINES: usize = 20;

/// There is no Anvil to run.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// A place named by the user holds nothing that runs.
    #[error("{setting} names {}, which is no executable Anvil", path.display())]
    NotExecutable {
        /// `--anvil` or `ANVIL`.
        setting: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// Not found, and not to be installed.
    #[error(
        "anvil was not found (looked at {looked}) and --no-install forbids installing it; install Foundry or pass --anvil PATH"
    )]
    InstallForbidden {
        /// The places.
        looked: String,
    },
    /// Not found, and nothing to install it with.
    #[error(
        "anvil was not found (looked at {looked}) and there is no npm to install it with; install Foundry or Node.js, or pass --anvil PATH"
    )]
    NpmMissing {
        /// The places.
        looked: String,
    },
    /// The npm package has no binary for this machine.
    #[error("npm has no anvil for {system} on {processor}; install Foundry or pass --anvil PATH")]
    UnsupportedPlatform {
        /// Operating system.
        system: &'static str,
        /// Processor architecture.
        processor: &'static str,
    },
    /// No home directory, no cache.
    #[error(
        "neither XDG_CACHE_HOME nor a home directory says where to install anvil; set one or pass --anvil PATH"
    )]
    NoCache,
    /// The cache cannot be used.
    #[error("could not use the anvil cache at {}: {source}", path.display())]
    Cache {
        /// What was touched.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Another process holds the cache.
    #[error("another process has been installing anvil for {waited:?}; if none is, remove {}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// npm could not be run.
    #[error("could not run npm: {0}")]
    Npm(#[from] GuardError),
    /// npm ran and failed.
    #[error("npm could not install {PACKAGE} {ANVIL_VERSION} ({how}); its last words:\n{tail}")]
    NpmFailed {
        /// How it ended.
        how: String,
        /// The end of its output.
        tail: String,
    },
    /// There is a binary, but it does not run.
    #[error("{} does not run: {reason}", path.display())]
    Broken {
        /// The binary.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

/// Finds Anvil, or installs the pinned version. `notice` gets a line for people before anything
/// slow happens; `guard` is the x402-assay executable.
pub async fn find_or_install(
    search: &AnvilSearch,
    guard: &Path,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<FoundAnvil, ProvisionError> {
    if let Some(found) = discover(search)? {
        return Ok(found);
    }
    if !search.may_install {
        return Err(ProvisionError::InstallForbidden {
            looked: search.places(),
        });
    }
    if platform_package().is_none() {
        return Err(ProvisionError::UnsupportedPlatform {
            system: std::env::consts::OS,
            processor: std::env::consts::ARCH,
        });
    }
    let Some(npm) = search.on_path("npm") else {
        return Err(ProvisionError::NpmMissing {
            looked: search.places(),
        });
    };
    let target = search.cached_version().ok_or(ProvisionError::NoCache)?;
    let path = install(&npm, &target, guard, notice).await?;
    Ok(FoundAnvil {
        path,
        origin: Origin::Cache,
    })
}

async fn install(
    npm: &Path,
    target: &Path,
    guard: &Path,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<PathBuf, ProvisionError> {
    let parent = target.parent().ok_or(ProvisionError::NoCache)?;
    fs::create_dir_all(parent).map_err(cache_error(parent))?;
    let _lock = lock(&parent.join(format!("{ANVIL_VERSION}.lock")), notice).await?;
    // Somebody else may have installed it while we waited.
    if let Some(path) = packaged_binary(target) {
        return Ok(path);
    }
    notice(&format!(
        "anvil was not found: installing {PACKAGE} {ANVIL_VERSION} from npm into {}",
        target.display()
    ));
    let staging = Staging::create(parent)?;
    run_npm(npm, &staging.0, guard).await?;
    let binary = packaged_binary(&staging.0).ok_or_else(|| ProvisionError::NpmFailed {
        how: "it left no binary for this platform".to_owned(),
        tail: String::new(),
    })?;
    probe_version(&binary).await?;
    if target.exists() {
        // No binary in it, else we would have returned above.
        fs::remove_dir_all(target).map_err(cache_error(target))?;
    }
    fs::rename(&staging.0, target).map_err(cache_error(target))?;
    packaged_binary(target).ok_or_else(|| ProvisionError::Broken {
        path: target.to_owned(),
        reason: "the installation vanished".to_owned(),
    })
}

async fn run_npm(npm: &Path, dir: &Path, guard: &Path) -> Result<(), ProvisionError> {
    // A manifest of its own keeps npm from looking for one further up.
    let manifest = dir.join("package.json");
    fs::write(&manifest, "{\"private\":true}\n").map_err(cache_error(&manifest))?;
    let child = GuardedCommand::new(guard, npm)
        .args([
            "install",
            "--no-save",
            "--no-package-lock",
            "--ignore-scripts",
        ])
        .args(["--no-audit", "--no-fund", "--loglevel=error"])
        .arg(format!("{PACKAGE}@{ANVIL_VERSION}"))
        .current_dir(dir)
        .tail_lines(NPM_TAIL_LINES)
        .spawn()
        .await?;
    let how = match tokio::time::timeout(INSTALL_LIMIT, child.wait()).await {
        Ok(ChildEnd::Exited(0)) => return Ok(()),
        Ok(ChildEnd::Exited(code)) => format!("exit code {code}"),
        Ok(ChildEnd::Signalled(signal)) => format!("signal {signal}"),
        Ok(ChildEnd::GuardLost) => "its guard ended".to_owned(),
        Err(_) => format!("not done within {INSTALL_LIMIT:?}"),
    };
    Err(ProvisionError::NpmFailed {
        how,
        tail: child.tail().text(),
    })
}

/// Held until dropped; the operating system lets go of it when we die.
async fn lock(path: &Path, notice: &(dyn Fn(&str) + Sync)) -> Result<File, ProvisionError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(cache_error(path))?;
    let start = Instant::now();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(cache_error(path)(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        if start.elapsed() > INSTALL_LIMIT {
            return Err(ProvisionError::Locked {
                path: path.to_owned(),
                waited: INSTALL_LIMIT,
            });
        }
        if !std::mem::replace(&mut told, true) {
            notice("another process is installing anvil: waiting for it");
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
}

/// A directory beside the target, removed unless it was renamed away.
struct Staging(PathBuf);

impl Staging {
    fn create(parent: &Path) -> Result<Self, ProvisionError> {
        let dir = parent.join(format!(".installing-{:016x}", rand::random::<u64>()));
        fs::create_dir(&dir).map_err(cache_error(&dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Gone after the rename; else only disk space is lost.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn cache_error(path: &Path) -> impl FnOnce(io::Error) -> ProvisionError {
    let path = path.to_owned();
    move |source| ProvisionError::Cache { path, source }
}
