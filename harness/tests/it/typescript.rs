//! The real, unmodified TypeScript SDK servers come out clean.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Mutex;

use crate::support::requirements::require;
use crate::support::{Ran, assay};

/// `npm ci` in one folder at a time.
static INSTALLING: Mutex<()> = Mutex::const_new(());

/// Installs the packages of `interop/<family>` if they are not there, and returns the folder.
pub(crate) async fn install(family: &str) -> Result<PathBuf, String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../interop")
        .join(family);
    let _turn = INSTALLING.lock().await;
    if !folder.join("node_modules/.package-lock.json").exists() {
        let install = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(600), install)
            .await
            .map_err(|_| "npm ci took longer than 10 minutes".to_owned())?
            .map_err(|error| format!("npm: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    folder.canonicalize().map_err(|error| error.to_string())
}

async fn run_profile(profile: &str) -> Ran {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../interop/profiles")
        .join(profile);
    assay(&[
        "run",
        "--server",
        file.to_str().unwrap(),
        "--timeout",
        "30s",
    ])
    .await
}

async fn npm_server_comes_out_clean(family: &str, profile: &str, network: &str) {
    let what = format!("npm packages of interop/{family}");
    if require(&what, install(family).await).is_some() {
        comes_out_clean(profile, network).await;
    }
}

/// A default run against an installed target: both controls hold, nothing is red, every verdict is as the snapshot says.
pub(crate) async fn comes_out_clean(profile: &str, network: &str) {
    let ran = run_profile(profile).await.exits(0);
    let report = ran.report();
    assert_eq!(
        report["controls"]["positive"]["held"],
        true,
        "{}",
        ran.said()
    );
    assert_eq!(
        report["controls"]["mutation"]["held"],
        true,
        "{}",
        ran.said()
    );
    assert_eq!(ran.ids("fail"), Vec::<String>::new(), "{}", ran.said());
    assert_eq!(
        ran.ids("inconclusive"),
        Vec::<String>::new(),
        "{}",
        ran.said()
    );
    assert_eq!(report["fidelity"]["chain"], "anvil");
    assert_eq!(report["fidelity"]["network"], network);
    let count = |name: &str| report["money"][name].as_u64().unwrap();
    let spoilt = count("charged_without_service");
    assert_eq!(count("settled"), count("granted") + spoilt);
    let verdicts: Vec<String> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            let text = |name: &str| check[name].as_str().unwrap().to_owned();
            format!("{:18} {}", text("id"), text("verdict"))
        })
        .collect();
    insta::assert_snapshot!(profile.trim_end_matches(".yaml"), verdicts.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn express_v2() {
    npm_server_comes_out_clean("typescript-v2", "express-v2.yaml", "eip155:84532").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn express_v1() {
    npm_server_comes_out_clean("typescript-v1", "express-v1.yaml", "eip155:84532").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_like_upstreams_example_boots_and_sells() {
    npm_server_comes_out_clean(
        "typescript-v2",
        "express-v2-upstream-like.yaml",
        "eip155:84532",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn base_mainnet_usdc() {
    npm_server_comes_out_clean("typescript-v2", "express-v2-mainnet.yaml", "eip155:8453").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_nobody_knows() {
    npm_server_comes_out_clean(
        "typescript-v2",
        "express-v2-unknown-token.yaml",
        "eip155:84532",
    )
    .await;
}
