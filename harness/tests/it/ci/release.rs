//! A release in a folder, made of the binary under test by the scripts that the release workflow calls.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::files::root;

static RELEASES: OnceCell<TempDir> = OnceCell::const_new();

/// The target that `action/install.sh` asks for on this machine.
pub(super) fn target() -> String {
    let system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        _ => "unknown-linux-gnu",
    };
    format!("{}-{system}", std::env::consts::ARCH)
}

pub(super) fn archive() -> String {
    format!(
        "x402-assay-{}-{}.tar.gz",
        env!("CARGO_PKG_VERSION"),
        target()
    )
}

/// The folder of this version inside a folder of releases.
pub(super) fn versioned(releases: &Path) -> PathBuf {
    releases.join(format!("v{}", env!("CARGO_PKG_VERSION")))
}

pub(super) async fn script(name: &str, args: &[&Path]) {
    let output = Command::new(root().join(".ci").join(name))
        .args(args)
        // A test binary is large, and its size does not matter.
        .env("PACKAGE_LEVEL", "-1")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
}

/// Folder with `v<version>/` in it, made once.
pub(super) async fn releases() -> &'static Path {
    let made = RELEASES.get_or_init(|| async {
        let dir = tempfile::tempdir().unwrap();
        let folder = versioned(dir.path());
        let binary = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
        script("package", &[binary, Path::new(&target()), &folder]).await;
        script("sums", &[&folder]).await;
        dir
    });
    made.await.path()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_is_what_is_unpacked() {
    let folder = versioned(releases().await);
    let out = tempfile::tempdir().unwrap();
    script("unpack", &[&folder.join(archive()), out.path()]).await;
    let unpacked = std::fs::read(out.path().join("x402-assay")).unwrap();
    let built = std::fs::read(env!("CARGO_BIN_EXE_x402-assay")).unwrap();
    assert!(unpacked == built, "the binary came out different");
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    script("is-version", &[Path::new(&tag)]).await;
    let other = Command::new(root().join(".ci/is-version"))
        .arg("v99.0.0")
        .output()
        .await
        .unwrap();
    assert!(!other.status.success(), "another version's tag");
}
