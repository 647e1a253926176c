//! What the action does when something is wrong.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::release::{archive, releases, script, versioned};
use super::runner::Runner;

fn inputs(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn address(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// A job with one step, the action.
async fn with(given: Value) -> (Runner, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let mut runner = Runner::new(dir.path());
    runner.action(inputs(given)).await;
    (runner, dir)
}

/// A copy of the release that can be spoilt.
async fn spoilt(spoil: impl FnOnce(&Path)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (versioned(releases().await), versioned(dir.path()));
    std::fs::create_dir_all(&to).unwrap();
    for file in [archive(), "SHA256SUMS".to_owned()] {
        std::fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
    spoil(&to);
    dir
}

/// The action stops before anything of the archive is run, and says why.
async fn is_refused(given: Value, words: &[&str]) {
    let (runner, dir) = with(given).await;
    assert!(runner.failed, "{}", runner.log);
    for word in words {
        assert!(runner.log.contains(word), "{word:?} in {}", runner.log);
    }
    assert!(
        runner.log.contains("::error title=x402-assay::"),
        "{}",
        runner.log
    );
    assert_eq!(runner.outputs["binary"], "", "{}", runner.log);
    assert_eq!(runner.outputs["exit-code"], "");
    assert_eq!(runner.noted, [""; 0]);
    assert!(!dir.path().join("x402-assay-report").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_not_what_was_released_is_not_unpacked() {
    let server = "http://127.0.0.1:9/paid";
    let changed = spoilt(|folder| {
        let file = folder.join(archive());
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.push(0);
        std::fs::write(&file, bytes).unwrap();
    })
    .await;
    is_refused(
        json!({ "server": server, "releases": address(changed.path()) }),
        &["is not what was released"],
    )
    .await;

    let unnamed = spoilt(|folder| std::fs::write(folder.join("SHA256SUMS"), "").unwrap()).await;
    is_refused(
        json!({ "server": server, "releases": address(unnamed.path()) }),
        &["SHA256SUMS does not name"],
    )
    .await;

    // A sum of one's own is stronger than the release's.
    let good = address(releases().await);
    let other = "ab".repeat(32);
    is_refused(
        json!({ "server": server, "releases": good, "sha256": other }),
        &["is not what was released", &other],
    )
    .await;
    is_refused(
        json!({ "server": server, "releases": good, "sha256": "abc" }),
        &["64 hex digits"],
    )
    .await;
    is_refused(
        json!({ "server": server, "releases": good, "version": "9.9.9" }),
        &["cannot download"],
    )
    .await;
    is_refused(
        json!({ "server": server, "releases": good, "version": "../1" }),
        &["is no version"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_binary_is_told_what_to_do() {
    for (system, processor, words) in [
        ("Windows", "ARM64", "no binary for Windows on ARM64"),
        ("Plan9", "X64", "no binary for Plan9"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut runner = Runner::new(dir.path());
        runner.env.insert("RUNNER_OS".to_owned(), system.to_owned());
        runner
            .env
            .insert("RUNNER_ARCH".to_owned(), processor.to_owned());
        let given = json!({ "server": "http://127.0.0.1:9/paid" });
        runner.action(inputs(given)).await;
        assert!(
            runner.failed && runner.log.contains(words),
            "{}",
            runner.log
        );
    }
}

/// Stands in for the program of Git Bash that turns paths from one notation into the other.
const CYGPATH: &str = r##"#!/bin/sh
case "$1" in
  -u) printf '%s\n' "${2#W:}" ;;
  -m) printf 'W:%s\n' "$2" ;;
esac
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_windows_runner_gets_its_binary_and_paths_it_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, tools) = (versioned(dir.path()), dir.path().join("tools"));
    // The binary of this machine under the name that one has there: it shows what is packed and found, not that it runs.
    let binary = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let target = Path::new("x86_64-pc-windows-msvc");
    script("package", &[binary, target, &folder]).await;
    script("sums", &[&folder]).await;
    std::fs::create_dir(&tools).unwrap();
    let cygpath = tools.join("cygpath");
    std::fs::write(&cygpath, CYGPATH).unwrap();
    std::fs::set_permissions(&cygpath, Permissions::from_mode(0o755)).unwrap();
    let mut runner = Runner::new(dir.path());
    runner.add_path(&tools);
    let temp = format!("W:{}", runner.env["RUNNER_TEMP"]);
    runner.env.extend([
        ("RUNNER_OS".to_owned(), "Windows".to_owned()),
        ("RUNNER_ARCH".to_owned(), "X64".to_owned()),
        ("RUNNER_TEMP".to_owned(), temp.clone()),
    ]);
    let given = json!({ "mode": "install", "releases": address(dir.path()) });
    runner.action(inputs(given)).await;
    assert!(!runner.failed, "{}", runner.log);
    let binary = &runner.outputs["binary"];
    assert!(
        binary.starts_with(&temp) && binary.ends_with("/x402-assay.exe"),
        "{binary}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_nothing_is_run() {
    let releases = address(releases().await);
    for (given, words) in [
        (json!({ "releases": releases }), "no target"),
        (
            json!({ "releases": releases, "mode": "walk" }),
            "run, up or install",
        ),
        (
            json!({ "releases": releases, "working-directory": "nowhere" }),
            "is no folder",
        ),
    ] {
        let (runner, _dir) = with(given).await;
        assert!(
            runner.failed && runner.log.contains(words),
            "{}",
            runner.log
        );
        assert_eq!(runner.outputs["verdict"], "");
        assert_eq!(runner.noted, [""; 0]);
    }
    let (runner, _dir) = with(json!({ "releases": releases, "mode": "install" })).await;
    assert!(!runner.failed, "{}", runner.log);
    assert!(Path::new(&runner.outputs["binary"]).exists());
}

/// A bad target fails the job with the bench's exit code; its report is there all the same, and what it prints is no command.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_fails_leaves_its_report_and_gives_no_orders() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x402-assay-report");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("report.json"), "  \"verdict\": \"conformant\",\n").unwrap();
    let mut runner = Runner::new(dir.path());
    let given = json!({
        "releases": address(releases().await),
        "server": "http://127.0.0.1:{port}/paid",
        "launch": "printf '\\n::error title=mine::owned\\n' >&2; exit 3",
        "args": "--chain\nmemory\n--patience\n300ms\n",
    });
    runner.action(inputs(given)).await;
    assert!(runner.failed, "{}", runner.log);
    assert_eq!(runner.outputs["exit-code"], "5", "{}", runner.log);
    assert_eq!(runner.outputs["verdict"], "inconclusive");
    assert!(runner.summary().contains("inconclusive"));
    let uploads = runner
        .noted
        .iter()
        .filter(|noted| noted.contains("upload-artifact"));
    assert_eq!(uploads.count(), 1, "{:?}", runner.noted);
    let annotation = "::error title=x402-assay%3A inconclusive";
    assert_eq!(runner.log.matches(annotation).count(), 1, "{}", runner.log);
    // Everything of the target stands between the stop and its token.
    let log = runner.log.as_str();
    let (before, rest) = log.split_once("::stop-commands::").unwrap();
    let (token, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once(&format!("::{token}::")).unwrap();
    assert!(!before.contains("owned"), "{log}");
    let commands = after
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    for command in commands {
        assert!(!command.starts_with("::error title=mine::"), "{log}");
    }
}

/// A call that the bench refuses writes no report, and an old one is not taken for its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_report_is_not_taken_for_this_runs() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x402-assay-report");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("report.json"), "  \"verdict\": \"conformant\",\n").unwrap();
    std::fs::write(out.join("report.md"), "conformant").unwrap();
    let mut runner = Runner::new(dir.path());
    let given = json!({
        "releases": address(releases().await),
        "server": "http://127.0.0.1:9/paid",
        "args": "--no-such-flag",
    });
    runner.action(inputs(given)).await;
    assert!(runner.failed);
    assert_eq!(runner.outputs["exit-code"], "2", "{}", runner.log);
    assert_eq!(runner.outputs["verdict"], "");
    assert_eq!(runner.outputs["report"], "");
    assert_eq!(runner.summary(), "");
    assert!(
        runner.log.contains("no report was written"),
        "{}",
        runner.log
    );
}
