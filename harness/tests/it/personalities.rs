//! Our facilitator behaving like known kinds: a correct server has nothing to fear from any of them.

use futures_util::StreamExt as _;
use x402_mock_facilitator::personality::PERSONALITIES;

use crate::support::{assay, assay_in};

/// Runs under way at once.
const WIDTH: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_server_comes_out_clean_with_each() {
    let runs = PERSONALITIES.iter().map(|(name, _)| async move {
        let memory = ["run", "--chain", "memory", "--seed", "7"];
        let ran = assay(&[&memory[..], &["--facilitator-personality", name]].concat()).await;
        assert_eq!(
            ran.ids("fail"),
            Vec::<String>::new(),
            "{name}: {}",
            ran.said()
        );
        let report = ran.report();
        let red = report["invariants"].as_array().unwrap().iter();
        let red: Vec<_> = red.filter(|row| row["verdict"] == "fail").collect();
        assert!(red.is_empty(), "{name}: {}", ran.said());
        assert_ne!(report["verdict"], "nonconformant", "{name}");
        let told = format!("our facilitator behaved like {name}");
        let notes = report["notes"].to_string();
        assert!(notes.contains(&told), "{name}: {notes}");
    });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_account_makes_payments_fail_that_are_settled_at_once() {
    let memory = [
        "run",
        "many-distinct-settles",
        "--cases",
        "1",
        "--seed",
        "7",
    ];
    for (personality, expected) in [("plain-account", "warn"), ("several-accounts", "pass")] {
        let chosen = [
            "--chain",
            "memory",
            "--facilitator-personality",
            personality,
        ];
        let ran = assay(&[&memory[..], &chosen].concat()).await.exits(0);
        let verdict = &ran.report()["scenarios"][0]["verdict"];
        assert_eq!(verdict, expected, "{personality}: {}", ran.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_listed_and_a_wrong_one_is_named() {
    let ran = assay(&["list", "--personalities"]).await.exits(0);
    for (name, _) in PERSONALITIES {
        assert!(ran.stdout.contains(name), "{}", ran.said());
    }
    let ran = assay(&["list", "--personalities", "--json"]).await.exits(0);
    let listed: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), PERSONALITIES.len());

    let ran = assay(&["run", "--facilitator-personality", "slow-setle"])
        .await
        .exits(2);
    let hint = "--facilitator-personality: there is no personality `slow-setle`; did you mean `slow-settle`?";
    assert!(ran.stderr.contains(hint), "{}", ran.said());
    let both = [
        "run",
        "--facilitator",
        "http://127.0.0.1:1",
        "--facilitator-personality",
    ];
    let ran = assay(&[&both[..], &["slow-settle"]].concat())
        .await
        .exits(2);
    assert!(ran.stderr.contains("drop one of them"), "{}", ran.said());

    let dir = tempfile::tempdir().unwrap();
    let text = "personality: mine\nabout: x\nmeasured: y\ndefects: [nothing-such]\n";
    std::fs::write(dir.path().join("mine.yaml"), text).unwrap();
    let args = ["run", "--facilitator-personality", "mine.yaml"];
    let ran = assay_in(dir, &args).await.exits(2);
    assert!(ran.stderr.contains("mine.yaml:4:11: "), "{}", ran.said());
}
