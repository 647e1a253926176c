//! Report pages in a real browser: what a reader sees, and what a hostile target cannot do there.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;
use x402_assay::selftest;
use x402_assay_reports::model::BOOKS_MAX;
use x402_assay_reports::{Report, html};

use crate::hostile;
use crate::support::requirements::require;
use crate::support::{Ran, assay};
use crate::typescript::install;

/// One browser at a time: paints are measured, and two cores are few.
static BROWSING: Mutex<()> = Mutex::const_new(());

/// What `interop/browser/check.mjs` saw; `None` after a printed skip.
pub(crate) async fn look(page: &Path) -> Option<Value> {
    let folder = require("npm packages of interop/browser", install("browser").await)?;
    let _turn = BROWSING.lock().await;
    let check = Command::new("node")
        .arg("check.mjs")
        .arg(page)
        .current_dir(&folder)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(300), check)
        .await
        .expect("a page is looked at within 5 minutes")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // 3: there is no browser that starts here. Everything else is about the page.
    let started = match output.status.code() {
        Some(3) => Err(said.clone()),
        _ => Ok(()),
    };
    require("a browser", started)?;
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn list<'v>(seen: &'v Value, name: &str) -> &'v Vec<Value> {
    seen[name]
        .as_array()
        .unwrap_or_else(|| panic!("{name} in {seen}"))
}

/// What holds of every page, whatever it shows.
pub(crate) fn is_sound(seen: &Value) {
    for name in [
        "errors",
        "left",
        "dialogs",
        "too_wide",
        "narrow_too_wide",
        "unnamed_controls",
    ] {
        assert!(list(seen, name).is_empty(), "{name}: {seen:#}");
    }
    assert_eq!(seen["pwned"], Value::Null, "{seen:#}");
    assert_eq!(seen["handlers"], 0, "{seen:#}");
    assert_eq!(seen["leads_out"], 0, "{seen:#}");
    // Escaping alone keeps scripts out; the policy of the page is the second wall.
    let unguarded = &seen["unguarded"];
    assert_eq!(unguarded["pwned"], Value::Null, "{unguarded}");
    assert!(list(unguarded, "dialogs").is_empty(), "{unguarded}");
    assert!(list(unguarded, "left").is_empty(), "{unguarded}");
    assert_eq!(seen["scripts"], 1, "only the page's own: {seen:#}");
    assert_eq!(seen["images"], 0, "{seen:#}");
    assert_eq!(seen["sections_without_heading"], 0, "{seen:#}");
    // WCAG 2 AA for running text.
    for scheme in ["light", "dark"] {
        assert!(seen[scheme]["seen"].as_u64().unwrap() > 50, "{seen:#}");
        assert!(seen[scheme]["ratio"].as_f64().unwrap() >= 4.5, "{seen:#}");
    }
    assert_ne!(seen["dark_ground"], "rgb(255, 255, 255)", "{seen:#}");
    is_copied(&seen["copied"]);
    for filter in list(seen, "filters") {
        is_filtered(filter);
    }
}

fn is_copied(copied: &Value) {
    let selected = copied["selection"] == copied["command"];
    assert!(copied["button"] == "Copied" || selected, "{copied}");
    let command = copied["command"].as_str().unwrap();
    // Variables may stand before it.
    assert!(command.contains("x402-assay"), "{command}");
}

fn is_filtered(filter: &Value) {
    assert_eq!(filter["bar_visible"], true, "{filter}");
    let all = filter["all"].as_u64().unwrap();
    assert!(all > 0, "{filter}");
    assert_eq!(filter["none"], 0, "{filter}");
    assert_eq!(filter["again"], all, "{filter}");
    assert_eq!(filter["some"], filter["holding"], "{filter}");
    let choices = filter["choices"].as_object().unwrap();
    let mut sum = 0;
    for choice in choices.values() {
        assert_eq!(choice["shown"], choice["rows"], "{filter}");
        sum += choice["shown"].as_u64().unwrap();
    }
    assert_eq!(sum, all, "every row has one of the words: {filter}");
}

/// How long the first paint takes beside that of an empty page, for whoever reads the log.
#[expect(clippy::print_stderr, reason = "a measurement for people")]
fn tell_paint(name: &str, seen: &Value) {
    let paint = &seen["paint"];
    eprintln!(
        "{name}: first paint {} ms, an empty page {} ms, ratio {:.1}",
        paint["page_ms"],
        paint["empty_ms"],
        paint["ratio"].as_f64().unwrap()
    );
}

fn page_of(ran: &Ran) -> std::path::PathBuf {
    ran.dir.path().join("x402-assay-report/report.html")
}

async fn look_at(report: &Report) -> Option<Value> {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    std::fs::write(&page, html::render(report)).unwrap();
    look(&page).await
}

fn report_of(ran: &Ran) -> Report {
    serde_json::from_value(ran.report()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_run() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let bytes = std::fs::metadata(page_of(&ran)).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    let Some(seen) = look(&page_of(&ran)).await else {
        return;
    };
    is_sound(&seen);
    tell_paint("a clean run", &seen);
    assert_eq!(seen["charts"], 1, "{seen:#}");
    assert_eq!(list(&seen, "filters").len(), 2, "{seen:#}");
    let books = &list(&seen, "filters")[1];
    assert_eq!(books["all"], report_of(&ran).books.len(), "{books}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_violations_and_timelines() {
    let args = [
        "run",
        "settle-says-no",
        "--chain",
        "memory",
        "--defect",
        "settle-ignored",
    ];
    let ran = assay(&args).await.exits(3);
    let Some(seen) = look(&page_of(&ran)).await else {
        return;
    };
    is_sound(&seen);
    assert!(seen["sequences"].as_u64().unwrap() > 0, "{seen:#}");
    is_copied(&seen["copied_finding"]);
    let outcomes = &list(&seen, "filters")[1]["choices"];
    assert!(outcomes["unpaid-grant"]["shown"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_run_and_its_charts() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let mut value = ran.report();
    value["load"] = crate::compare::load(98, 20_000);
    let report: Report = serde_json::from_value(value).unwrap();
    let Some(seen) = look_at(&report).await else {
        return;
    };
    is_sound(&seen);
    // Percentiles, rates, latency and outcomes over time, and the battery's own phases.
    assert_eq!(seen["charts"], 5, "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_target_runs_no_script_and_fetches_nothing() {
    let args = [
        "run",
        "settle-says-no",
        "--chain",
        "memory",
        "--defect",
        "settle-ignored,verify-ignored",
    ];
    let ran = assay(&args).await.exits(3);
    let mut value = ran.report();
    value["load"] = crate::compare::load(98, 20_000);
    hostile::poison(&mut value);
    value["summary"] = "<b onclick=alert(1)>".repeat(50_000).into();
    let report: Report = serde_json::from_value(value).unwrap();
    assert!(
        report
            .notes
            .iter()
            .chain([&report.target.name])
            .all(|text| text.contains("pwned"))
    );
    let Some(seen) = look_at(&report).await else {
        return;
    };
    is_sound(&seen);
    assert!(seen["sequences"].as_u64().unwrap() > 0, "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_of_books_stay_usable() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let mut report = report_of(&ran);
    let row = report.books[0].clone();
    report.books = vec![row; BOOKS_MAX];
    for (number, row) in (0..).zip(&mut report.books) {
        row.authorization = number;
        if number % 100 == 0 {
            row.outcome = "unpaid-grant".to_owned();
        }
    }
    let Some(seen) = look_at(&report).await else {
        return;
    };
    is_sound(&seen);
    tell_paint("10,000 rows of books", &seen);
    let books = &list(&seen, "filters")[1];
    assert_eq!(books["all"], BOOKS_MAX);
    assert_eq!(books["choices"]["unpaid-grant"]["shown"], BOOKS_MAX / 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_matrix_keeps_its_head_in_sight() {
    let rows = selftest::recorded();
    let matrix = selftest::page(&rows, &[], "as recorded");
    let page = html::kill_matrix::render(&matrix);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("kill-matrix.html");
    std::fs::write(&file, page).unwrap();
    let Some(seen) = look(&file).await else {
        return;
    };
    is_sound(&seen);
    tell_paint("the kill matrix", &seen);
    assert_eq!(list(&seen, "filters")[0]["all"], rows.len());
    for what in ["scrolled", "head", "corner", "first", "by_keyboard"] {
        assert_eq!(seen["tall"][what], true, "{what}: {:#}", seen["tall"]);
    }
}

/// What the other tests rest on: a page that lets a target in does not look sound.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_lets_a_script_in_is_found() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let page = std::fs::read_to_string(page_of(&ran)).unwrap();
    let hole = "<script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 1\">\
        <a href=\"http://127.0.0.1:9/\">out</a></main>";
    std::fs::write(page_of(&ran), page.replacen("</main>", hole, 1)).unwrap();
    let Some(seen) = look(&page_of(&ran)).await else {
        return;
    };
    assert_eq!(seen["pwned"], Value::Null, "the policy holds: {seen:#}");
    assert_eq!(seen["unguarded"]["pwned"], 1, "{seen:#}");
    assert!(!list(&seen, "errors").is_empty(), "{seen:#}");
    assert!(!list(&seen["unguarded"], "left").is_empty(), "{seen:#}");
    assert_eq!(seen["handlers"], 1, "{seen:#}");
    assert_eq!(seen["leads_out"], 2, "{seen:#}");
    assert_eq!((&seen["scripts"], &seen["images"]), (&2.into(), &1.into()));
}
