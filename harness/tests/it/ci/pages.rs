//! The workflows on the pages, step by step against servers on the real SDKs.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::files::root;
use super::release::{archive, releases};
use super::runner::Runner;
use super::{fences, files};
use crate::support::requirements::require;

const PUBLIC: &str = "https://github.com/x402-assay/x402-assay/releases/download";

/// A checked-out project whose server is `server.js`, and its folder.
fn node_project() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("typescript-v2");
    for family in ["common", "typescript-v2"] {
        copy_files(
            &root().join("interop").join(family),
            &dir.path().join(family),
        );
    }
    std::fs::write(project.join("server.js"), "import \"./server.mjs\";\n").unwrap();
    (dir, project)
}

/// A project whose server is `main:app`.
fn python_project() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy_files(&root().join("interop/python"), dir.path());
    std::fs::rename(dir.path().join("server.py"), dir.path().join("main.py")).unwrap();
    dir
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// The runner, and the address of the release folder that stands for the public one.
async fn runner(project: &Path) -> (Runner, String) {
    let releases = format!("file://{}", releases().await.display());
    (Runner::new(project), releases)
}

/// The workflow as the page has it, but that the action looks for releases in our folder.
fn ours(mut workflow: Value, releases: &str) -> Value {
    let jobs = workflow["jobs"].as_object_mut().unwrap();
    let steps = jobs
        .values_mut()
        .flat_map(|job| job["steps"].as_array_mut().unwrap());
    let mut uses = 0;
    for step in steps.filter(|step| {
        step["uses"]
            .as_str()
            .is_some_and(|uses| uses.starts_with("x402-assay/"))
    }) {
        step["with"]["releases"] = releases.into();
        uses += 1;
    }
    assert!(uses > 0);
    workflow
}

/// A real server came out clean, and everything was left where the service looks for it.
fn is_clean(runner: &Runner, project: &Path) {
    assert!(!runner.failed, "{}", runner.log);
    assert_eq!(runner.outputs["verdict"], "conformant", "{}", runner.log);
    assert_eq!(runner.outputs["exit-code"], "0");
    let report = project.join("x402-assay-report").canonicalize().unwrap();
    assert_eq!(
        Path::new(&runner.outputs["report"]).canonicalize().unwrap(),
        report
    );
    for file in ["report.json", "report.html", "junit.xml", "history.jsonl"] {
        assert!(report.join(file).exists(), "{file}");
    }
    let json = std::fs::read_to_string(report.join("report.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["fidelity"]["chain"], "anvil");
    assert_eq!(json["target"]["kind"], "server");
    let told = std::fs::read_to_string(report.join("report.md")).unwrap();
    assert_eq!(runner.summary(), told);
    let notice = "::notice title=x402-assay%3A conformant";
    assert_eq!(runner.log.matches(notice).count(), 1, "{}", runner.log);
    assert!(!runner.log.contains("\n::error"), "{}", runner.log);
    let uploaded = format!(
        "actions/upload-artifact@v4 x402-assay-report={}",
        runner.outputs["report"]
    );
    assert!(runner.noted.contains(&uploaded), "{:?}", runner.noted);
}

fn npm() -> Result<(), String> {
    let asked = std::process::Command::new("npm").arg("--version").output();
    asked.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn express_on_github() {
    if require("npm", npm()).is_none() {
        return;
    }
    let (_dir, project) = node_project();
    let (mut runner, releases) = runner(&project).await;
    let workflow = ours(fences::named("x402-express"), &releases);
    runner.job(&workflow, &[]).await;
    is_clean(&runner, &project);
}

#[tokio::test(flavor = "multi_thread")]
async fn fastapi_on_github() {
    let venv = root().join("interop/python/.venv/bin");
    let there = match venv.join("pip").exists() {
        true => Ok(()),
        false => Err("interop/python/.venv is not there; see interop/README.md"),
    };
    if require("the Python environment of interop/python", there).is_none() {
        return;
    }
    let project = python_project();
    let (mut runner, releases) = runner(project.path()).await;
    // Stands for setup-python; the packages are there already, which pip finds out by itself.
    runner.add_path(&venv);
    let workflow = ours(fences::named("x402-fastapi"), &releases);
    runner.job(&workflow, &[]).await;
    is_clean(&runner, project.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_the_workflow_starts() {
    if require("npm", npm()).is_none() {
        return;
    }
    let (_dir, project) = node_project();
    let (mut runner, releases) = runner(&project).await;
    let port = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let workflow = ours(fences::named("x402-own-server"), &releases);
    runner.job(&workflow, &[("3000", &port.to_string())]).await;
    is_clean(&runner, &project);
    assert!(project.join("x402-assay-report/report.sarif").exists());
    assert!(
        runner.log.contains("stopped the services of process"),
        "{}",
        runner.log
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn express_on_gitlab() {
    if require("npm", npm()).is_none() || archive().contains("darwin") {
        return;
    }
    let (_dir, project) = node_project();
    let (mut runner, releases) = runner(&project).await;
    let job = fences::named("gitlab")["x402"].clone();
    let mut variables = runner.env.clone();
    for (name, value) in job["variables"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let value = if value == PUBLIC { &releases } else { value };
        variables.insert(name.clone(), value.to_owned());
    }
    assert!(variables.values().any(|value| *value == releases));
    // GitLab joins the two lists and stops at the first line that fails.
    let lines = ["before_script", "script"]
        .iter()
        .flat_map(|part| job[*part].as_array().unwrap());
    let lines: Vec<&str> = lines.map(|line| line.as_str().unwrap()).collect();
    let script = lines
        .join("\n")
        .replace("x86_64-unknown-linux-gnu", &super::release::target());
    runner.bash(&script, variables, "bash -eo pipefail").await;
    assert!(!runner.failed, "{}", runner.log);
    for path in [
        &job["artifacts"]["reports"]["junit"],
        &job["artifacts"]["paths"][0],
    ] {
        assert!(project.join(path.as_str().unwrap()).exists(), "{path}");
    }
    assert!(runner.log.contains("\nconformant: "), "{}", runner.log);
}

/// The page's own address of releases is the action's.
#[test]
fn releases_are_looked_for_in_one_place() {
    let action = files::as_json("action.yml", &files::read("action.yml"));
    assert_eq!(action["inputs"]["releases"]["default"], PUBLIC);
}
