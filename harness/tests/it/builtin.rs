//! The main job: no arguments.

use crate::support::assay;

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_call_tests_the_built_in_server_on_a_real_chain() {
    let ran = assay(&[]).await.exits(0);
    let report = ran.report();
    assert_eq!(report["verdict"], "conformant", "{}", ran.said());
    assert_eq!(report["fidelity"]["chain"], "anvil");
    assert_eq!(report["target"]["kind"], "builtin");
    let money = &report["money"];
    assert!(money["settled"].as_u64().unwrap() > 0, "{money}");
    // One settlement's answer is lost on purpose in each version.
    let count = |name: &str| money[name].as_u64().unwrap();
    assert_eq!(
        count("settled"),
        count("granted") + count("charged_without_service")
    );
    assert_eq!(money["unpaid_grants"], 0);
    assert_eq!(report["controls"]["positive"]["held"], true);
    assert_eq!(report["controls"]["mutation"]["held"], true);
    assert!(ran.stderr.contains("nothing of yours"), "{}", ran.stderr);
    for file in [
        "report.json",
        "report.html",
        "report.md",
        "junit.xml",
        "history.jsonl",
    ] {
        let path = ran.dir.path().join("x402-assay-report").join(file);
        assert!(path.metadata().unwrap().len() > 100, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_goes_to_stdout_and_nothing_else_does() {
    let ran = assay(&["--chain", "memory", "--json", "--seed", "7"])
        .await
        .exits(0);
    let printed: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed, ran.report());
    assert_eq!(printed["seed"], 7);
    assert_eq!(printed["schema"], 1);
    assert_eq!(printed["load"], serde_json::Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_keeps_its_controls_and_an_empty_one_is_nothing() {
    let ran = assay(&["--chain", "memory", "--check", "SRV-REPL-001"])
        .await
        .exits(0);
    assert_eq!(ran.report()["checks"].as_array().unwrap().len(), 1);
    assert_eq!(ran.report()["controls"]["positive"]["held"], true);
    assay(&["--chain", "memory", "--check", "SRV-NOPE-*"])
        .await
        .exits(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_selection_never_makes_a_bad_server_conformant() {
    let select = ["--chain", "memory", "--check", "SRV-V2-402-001", "--defect"];
    let deny = assay(&[&select[..], &["refuse-everything"]].concat())
        .await
        .exits(5);
    assert_eq!(deny.report()["verdict"], "inconclusive");
    let accept = assay(&[&select[..], &["accept-any-header"]].concat())
        .await
        .exits(3);
    assert_eq!(accept.report()["verdict"], "nonconformant");
}

/// Ports, seeds and times differ from run to run.
fn without_numbers_of_the_day(text: &str) -> String {
    let volatile = |word: &str| {
        word.starts_with("http://127.0.0.1:")
            || word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    text.lines()
        .map(|line| {
            // Another Anvil of the machine's own is as good.
            let line = line.split(" (anvil ").next().unwrap();
            let run = line.trim_start().starts_with("run ") || line.contains("127.0.0.1");
            let words = line
                .split(' ')
                .map(|word| if run && volatile(word) { "…" } else { word });
            words
                .collect::<Vec<_>>()
                .join(" ")
                .replace(" ms ·", " … ·")
                .replace(" s ·", " … ·")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_shows_what_a_bare_call_prints() {
    let readme = include_str!("../../../README.md");
    let sample = readme
        .split("<!-- sample: builtin -->\n```text\n")
        .nth(1)
        .unwrap();
    let sample = sample.split("\n```").next().unwrap();
    let ran = assay(&[]).await.exits(0);
    assert_eq!(
        without_numbers_of_the_day(ran.stdout.trim_end()),
        without_numbers_of_the_day(sample)
    );
}
