use insta::assert_snapshot;
use x402_assay_reports::html;
use x402_assay_reports::model::{BookRow, Verdict};

use crate::samples;

/// Style and script have tests of their own in a browser: the snapshots hold the rest.
fn body(page: &str) -> String {
    let main = page.split_once("<main>").expect("a page has a main part").1;
    let main = main.split_once("</main>").expect("the main part ends").0;
    main.replace("><", ">\n<")
}

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let page = html::render(&report);
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
        if !name.contains("hostile") {
            assert_snapshot!(format!("html_{name}"), body(&page));
        }
    }
}

#[test]
fn nothing_in_the_page_leads_out_of_it() {
    for (name, report) in samples::all() {
        let page = html::render(&report);
        for lead in [
            " src=",
            " href=\"http",
            "@import",
            "url(",
            " srcset=",
            "<link",
            "<iframe",
            "<form",
        ] {
            assert!(!page.contains(lead), "{name}: {lead}");
        }
    }
}

#[test]
fn a_hostile_target_adds_no_markup() {
    let page = html::render(&crate::hostile::report());
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    assert!(
        !page.contains("</details> 0x"),
        "an element was closed from inside"
    );
    assert!(
        !page.contains("javascript:alert(1))</"),
        "kept only as text"
    );
    let bad = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
    };
    assert_eq!(page.chars().find(|c| bad(*c)), None);
    assert!(!page.contains(&"ab".repeat(65)), "a whole signature");
}

#[test]
fn the_policy_names_the_hash_of_the_script_that_is_there() {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let page = html::render(&samples::conformant_builtin());
    let script = page
        .split_once("<script>")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    assert!(
        page.contains(&format!("script-src 'sha256-{hash}'")),
        "{hash}"
    );
}

#[test]
fn a_timeline_is_drawn_and_listed() {
    let mut report = samples::nonconformant();
    let finding = report
        .checks
        .iter_mut()
        .find(|check| check.verdict == Verdict::Fail)
        .unwrap();
    finding.evidence.extend([
        samples::evidence("timeline", "+0.0 ms", "client: sends v2/good (exchange 0)"),
        samples::evidence(
            "timeline",
            "+1.0 ms",
            "facilitator: receives /settle (call 2)",
        ),
        samples::evidence(
            "timeline",
            "+2.0 ms",
            "bench: injected fault reset (call 2)",
        ),
        samples::evidence("timeline", "at rest", "ledger: Transfer of 10000"),
    ]);
    let page = html::render(&report);
    assert_eq!(page.matches("class=\"moment").count(), 4);
    assert_eq!(page.matches("class=\"moment bad\"").count(), 1);
    assert!(page.contains("<code>+2.0 ms</code> bench: injected fault reset (call 2)"));
}

#[test]
fn ten_thousand_rows_of_books_stay_below_eight_megabytes() {
    let mut report = samples::conformant_builtin();
    let row = report.books[0].clone();
    report.books = (0..10_000)
        .map(|authorization| BookRow {
            authorization,
            ..row.clone()
        })
        .collect();
    let page = html::render(&report);
    assert!(page.len() < 8_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("data-verdict=\"balanced\"").count(), 10_000);
}
