//! `junit.xml` against the schema that Jenkins' xUnit plugin reads it with.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use x402_assay_reports::junit::{self, JunitOptions};
use x402_assay_reports::{Report, model::Verdict};

use crate::hostile;
use crate::support::assay;
use crate::support::requirements::require;
use crate::typescript::install;

/// What does not fit, a problem a line; `None` after a printed skip.
async fn problems(files: &[&Path]) -> Option<String> {
    let folder = require("npm packages of interop/xml", install("xml").await)?;
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/junit-10.xsd");
    let check = Command::new("node")
        .arg("check.mjs")
        .arg(schema)
        .args(files)
        .current_dir(&folder)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), check)
        .await
        .expect("a file is looked at within 2 minutes")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_run_fits_the_public_schema() {
    let args = ["run", "settle-says-no", "--chain", "memory"];
    let clean = assay(&args).await.exits(0);
    let broken = assay(&[&args[..], &["--defect", "settle-ignored"]].concat())
        .await
        .exits(3);
    let without = assay(&["--chain", "memory", "--defect", "refuse-everything"])
        .await
        .exits(5);
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let file = |ran: &crate::support::Ran| ran.dir.path().join("x402-assay-report/junit.xml");
    let mut value = broken.report();
    hostile::poison(&mut value);
    value["checks"][0]["detail"] = "]]>\u{0}\u{fffe}\u{1b}&<x".repeat(100_000).into();
    let hostile: Report = serde_json::from_value(value).unwrap();
    let strict = JunitOptions { fail_on_warn: true };
    let mut warned: Report = serde_json::from_value(clean.report()).unwrap();
    warned.checks[0].verdict = Verdict::Warn;
    let files = [
        file(&clean),
        file(&broken),
        file(&without),
        write(
            "hostile.xml",
            junit::render(&hostile, JunitOptions::default()),
        ),
        write("strict.xml", junit::render(&warned, strict)),
    ];
    let files: Vec<&Path> = files.iter().map(|file| file.as_path()).collect();
    let Some(found) = problems(&files).await else {
        return;
    };
    assert_eq!(found, "");
    // The schema is there and looks.
    let text = std::fs::read_to_string(files[0]).unwrap();
    let wrong = write(
        "wrong.xml",
        text.replacen("<testcase ", "<testcase ours=\"1\" ", 1),
    );
    let found = problems(&[&wrong]).await.unwrap();
    assert!(found.contains("'ours'"), "{found}");
}

/// The words of a run's verdict, for whoever reads the suite's properties.
#[tokio::test(flavor = "multi_thread")]
async fn the_suite_says_what_was_tested() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let report: Value = ran.report();
    let text = std::fs::read_to_string(ran.dir.path().join("x402-assay-report/junit.xml")).unwrap();
    let name = report["target"]["name"].as_str().unwrap();
    assert!(
        text.contains(&format!("<testsuite name=\"{name}\"")),
        "{name}"
    );
}
