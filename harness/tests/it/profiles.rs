//! A profile that says what is not so: inconclusive, with the line that is wrong, never a verdict on the server.

use crate::support::up::Up;
use crate::support::{Ran, assay, shop};

/// Runs against the reference server behind an `up`, with a profile made of its URL.
async fn run_with(profile: impl FnOnce(&str) -> String) -> Ran {
    let up = Up::start().await;
    let server = shop::reference(&up.facilitator).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("target.yaml");
    std::fs::write(&file, profile(server.url())).unwrap();
    let args = [
        "run",
        "--server",
        file.to_str().unwrap(),
        "--attach",
        &up.control,
        "--patience",
        "300ms",
    ];
    let ran = assay(&args).await;
    server.stop().await;
    ran
}

fn says(ran: &Ran, words: &[&str]) {
    let line = ran.first_line();
    for word in words {
        assert!(line.contains(word), "{word:?} in {line:?}");
    }
    assert_eq!(ran.report()["verdict"], "inconclusive");
    assert_eq!(ran.ids("fail"), Vec::<String>::new(), "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_is_not_there_is_named() {
    for routes in [
        "[{ path: /nowhere }, { path: /paid }]",
        "[{ path: /paid }, { path: /nowhere }]",
    ] {
        let ran = run_with(|url| format!("name: shop\nserver: {url}\nroutes: {routes}\n")).await;
        says(&ran.exits(5), &["routes", "/nowhere", "404"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_does_not_count_is_named() {
    for path in ["/nowhere", "/health"] {
        let origin = format!("{{ executions: {path} }}");
        let ran = run_with(|url| {
            format!("name: shop\nserver: {url}\nroutes: [{{ path: /paid }}]\norigin: {origin}\n")
        });
        says(&ran.await.exits(5), &["origin.executions", path]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_that_no_paid_answer_holds_is_named() {
    let ran = run_with(|url| {
        format!(
            "name: shop\nserver: {url}\nroutes: [{{ path: /paid }}]\norigin: {{ marker: no-such-text }}\n"
        )
    });
    says(&ran.await.exits(5), &["origin.marker", "no-such-text"]);
}
