//! Launched targets: started, watched, stopped, restarted; failures tell what the target wrote.
#![expect(clippy::unwrap_used, reason = "test helpers fail by panicking")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use x402_assay::config::profile::{TargetProfile, parse};
use x402_assay::guard::ChildEnd;
use x402_assay::launch::{LaunchError, LaunchedTarget};

/// A server on $PORT that answers every path with two of its variables.
const SERVER: &str = r#"node -e 'require("http").createServer((q, r) => r.end(process.env.WHO + " " + process.env.RPC_URL)).listen(process.env.PORT, "127.0.0.1")'"#;

fn guard_exe() -> PathBuf {
    env!("CARGO_BIN_EXE_x402-assay").into()
}

/// What the bench gives to the target.
fn given() -> [(String, String); 1] {
    [("RPC_URL".to_owned(), "http://rpc".to_owned())]
}

/// A profile for a command, as a block so that no quoting is needed.
fn profile(command: &str, url: &str, more: &str, folder: &Path) -> TargetProfile {
    let command = command.replace('\n', "\n    ");
    let yaml = format!(
        "server: {url}\nlaunch:\n  command: |-\n    {command}\n  env: {{ WHO: me }}\n{more}"
    );
    parse(&yaml, "t.yaml", folder, &|_| None).unwrap()
}

/// Starts a command in a folder that lives as long as the target.
async fn start(command: &str, more: &str) -> Result<(LaunchedTarget, TempDir), LaunchError> {
    let dir = tempfile::tempdir().unwrap();
    let profile = profile(
        command,
        "\"http://127.0.0.1:{port}/paid\"",
        more,
        dir.path(),
    );
    let target = LaunchedTarget::launch(&guard_exe(), &profile, &given()).await?;
    Ok((target, dir))
}

async fn get(target: &LaunchedTarget) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", target.port()))
        .await
        .ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.lines().last().map(str::to_owned)
}

#[tokio::test]
async fn a_target_is_started_stopped_and_started_again_on_its_port() {
    let (mut target, _dir) = start(SERVER, "").await.unwrap();
    let port = target.port();
    assert_eq!(get(&target).await.as_deref(), Some("me http://rpc"));
    assert_eq!(target.ended(), None);
    target.restart(Duration::from_secs(5)).await.unwrap();
    assert_eq!(target.port(), port);
    assert_eq!(get(&target).await.as_deref(), Some("me http://rpc"));
    let end = target.stop(Duration::ZERO).await.unwrap();
    assert!(matches!(end, Some(ChildEnd::Signalled(9))), "{end:?}");
    assert_eq!(get(&target).await, None);
    assert_eq!(target.stop(Duration::ZERO).await.unwrap(), None);
    target.start_again().await.unwrap();
    assert_eq!(get(&target).await.as_deref(), Some("me http://rpc"));
}

#[tokio::test]
async fn a_target_that_exits_is_not_waited_for() {
    let error = start("echo no such module >&2\nexit 3", "  timeout: 10m\n")
        .await
        .unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, LaunchError::Ended { .. }), "{message}");
    assert!(message.contains("exited with code 3"), "{message}");
    assert!(
        message.ends_with("its last lines:\n  no such module"),
        "{message}"
    );
}

#[tokio::test]
async fn a_target_that_never_listens_is_given_up() {
    let error = start("echo waiting\nsleep 1000", "  timeout: 700ms\n")
        .await
        .unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, LaunchError::NotReady { .. }), "{message}");
    assert!(
        message.contains("refused") && message.ends_with("waiting"),
        "{message}"
    );
}

#[tokio::test]
async fn the_ready_path_decides() {
    let server = r#"node -e 'require("http").createServer((q, r) => { r.statusCode = q.url === "/health" ? 503 : 200; r.end() }).listen(process.env.PORT, "127.0.0.1")'"#;
    let error = start(server, "  timeout: 2s\n  ready: /health\n")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("status 503"), "{error}");
    start(server, "  ready: /other\n").await.unwrap();
}

#[tokio::test]
async fn a_stranger_at_the_port_is_not_taken_for_the_target() {
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("http://{}/paid", stranger.local_addr().unwrap());
    let profile = profile("sleep 1000", &url, "", dir.path());
    let launched = LaunchedTarget::launch(&guard_exe(), &profile, &given()).await;
    let error = launched.unwrap_err();
    assert!(matches!(error, LaunchError::PortTaken { .. }), "{error}");
    assert!(error.to_string().contains("{port}"), "{error}");
}
