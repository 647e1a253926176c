use x402_assay_reports::html::kill_matrix;
use x402_assay_reports::kill_matrix::{Column, KillMatrix, Red, Row};
use x402_assay_reports::model::{RunVerdict, Verdict};

fn column(id: &str) -> Column {
    Column {
        id: id.to_owned(),
        title: format!("What {id} is about"),
    }
}

fn red(id: &str, verdict: Verdict, wavers: bool) -> Red {
    Red {
        id: id.to_owned(),
        verdict,
        wavers,
    }
}

fn matrix() -> KillMatrix {
    let row = |defect: &str, verdict, red| Row {
        defect: defect.to_owned(),
        about: format!("The server has {defect}."),
        verdict,
        red,
        difference: None,
    };
    KillMatrix {
        bench_version: "0.0.0".to_owned(),
        summary: "as recorded: 2 defects".to_owned(),
        columns: ["SRV-A-001", "SRV-A-002", "SRV-B-001", "I1"]
            .map(column)
            .to_vec(),
        rows: vec![
            row("none", RunVerdict::Conformant, vec![]),
            row(
                "serve-unpaid",
                RunVerdict::Nonconformant,
                vec![
                    red("SRV-A-001", Verdict::Fail, false),
                    red("I1", Verdict::Fail, true),
                ],
            ),
            row(
                "huge-header",
                RunVerdict::Inconclusive,
                vec![
                    red("SRV-A-001", Verdict::Inconclusive, false),
                    red("SRV-B-001", Verdict::Warn, false),
                ],
            ),
        ],
    }
}

#[test]
fn every_cell_stands_in_its_row_and_column() {
    let page = kill_matrix::render(&matrix());
    let body = page.split_once("<main>").unwrap().1;
    let body = body.split_once("</main>").unwrap().0;
    insta::assert_snapshot!("kill_matrix", body.replace("><", ">\n<"));
}

#[test]
fn a_row_that_differs_is_marked_and_told_first() {
    let mut matrix = matrix();
    matrix.rows[1].difference = Some("serve-unpaid: not red: <SRV-A-002>".to_owned());
    let page = kill_matrix::render(&matrix);
    let told = page
        .find("serve-unpaid: not red: &lt;SRV-A-002&gt;")
        .unwrap();
    assert!(told < page.find("<table").unwrap());
    assert_eq!(page.matches(">differs<").count(), 1);
}

#[test]
fn two_hundred_defects_and_checks_stay_below_a_megabyte() {
    let mut large = matrix();
    large.columns = (0..200).map(|n| column(&format!("SRV-X-{n:03}"))).collect();
    let row = large.rows[1].clone();
    large.rows = (0..200)
        .map(|n| Row {
            defect: format!("some-defect-with-a-name-{n}"),
            red: large.columns[n / 2..n / 2 + 10]
                .iter()
                .map(|column| red(&column.id, Verdict::Fail, false))
                .collect(),
            ..row.clone()
        })
        .collect();
    let page = kill_matrix::render(&large);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}
