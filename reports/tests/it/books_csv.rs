use insta::assert_snapshot;
use x402_assay_reports::books_csv;

use crate::samples;

#[test]
fn one_line_per_authorization() {
    assert_snapshot!(books_csv::render(&samples::conformant_builtin()));
}

#[test]
fn no_field_becomes_a_formula_or_another_field() {
    let mut report = samples::conformant_builtin();
    for (row, text) in report
        .books
        .iter_mut()
        .zip(["=HYPERLINK(\"x\")", "a,\"b\"\n+c"])
    {
        row.probe = text.to_owned();
    }
    let text = books_csv::render(&report);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let probes: Vec<String> = reader
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect();
    assert_eq!(probes, ["'=HYPERLINK(\"x\")", "a,\"b\" +c"]);
}
