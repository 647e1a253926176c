//! The matrix as its page wants it.

use x402_assay_reports::kill_matrix::{Column, KillMatrix, Red, Row as PageRow};
use x402_assay_reports::model::Verdict;

use super::matrix::{Difference, Row};
use super::measure::NONE;
use crate::audit::invariants::INVARIANTS;
use crate::checks::CHECKS;
use crate::reference_server::Defect;

/// The measured rows, with the names and properties of the catalogue.
pub fn page(rows: &[Row], differences: &[Difference], summary: &str) -> KillMatrix {
    let column = |id: &str, title: &str| Column {
        id: id.to_owned(),
        title: title.to_owned(),
    };
    let checks = CHECKS.iter().map(|check| column(check.id, check.title));
    let invariants = INVARIANTS.iter().map(|row| column(row.id, row.title));
    KillMatrix {
        bench_version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: summary.to_owned(),
        columns: checks.chain(invariants).collect(),
        rows: rows.iter().map(|row| page_row(row, differences)).collect(),
    }
}

fn page_row(row: &Row, differences: &[Difference]) -> PageRow {
    let known = Defect::ALL
        .iter()
        .find(|defect| defect.name() == row.defect);
    let about = match known {
        Some(defect) => defect.about(),
        None if row.defect == NONE => "The server as it should be.",
        None => "",
    };
    let difference = differences.iter().find(|one| one.defect == row.defect);
    PageRow {
        defect: row.defect.clone(),
        about: about.to_owned(),
        verdict: row.verdict,
        red: row.red.iter().map(|id| red(id)).collect(),
        difference: difference.map(Difference::told),
    }
}

/// A cell out of an id with its marks.
fn red(marked: &str) -> Red {
    let verdict = match marked.as_bytes().first() {
        Some(b'~') => Verdict::Warn,
        Some(b'?') => Verdict::Inconclusive,
        _ => Verdict::Fail,
    };
    Red {
        id: marked
            .trim_start_matches(['~', '?'])
            .trim_end_matches('*')
            .to_owned(),
        verdict,
        wavers: marked.ends_with('*'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::{differences, recorded};

    /// No cell is lost on the way to the page: each has a column, a mark and a row with words of its own.
    #[test]
    fn every_recorded_cell_has_a_place() {
        let rows = recorded();
        let matrix = page(&rows, &[], "as recorded");
        let cells: usize = rows.iter().map(|row| row.red.len()).sum();
        let placed = matrix.rows.iter().flat_map(|row| &row.red);
        let known = |red: &&Red| matrix.columns.iter().any(|column| column.id == red.id);
        assert_eq!(placed.filter(known).count(), cells);
        for row in &matrix.rows {
            assert!(!row.about.is_empty(), "{}", row.defect);
        }
        let marks = ["A", "~A", "?A", "~A*"].map(red);
        let marks = marks.map(|red| (red.id, red.verdict, red.wavers));
        let a = |verdict, wavers| ("A".to_owned(), verdict, wavers);
        assert_eq!(
            marks,
            [
                a(Verdict::Fail, false),
                a(Verdict::Warn, false),
                a(Verdict::Inconclusive, false),
                a(Verdict::Warn, true)
            ]
        );
    }

    #[test]
    fn a_difference_stands_in_its_row() {
        let recorded = recorded();
        let mut rows = recorded.clone();
        let changed = rows.iter().position(|row| !row.red.is_empty()).unwrap();
        rows[changed].red.clear();
        let matrix = page(&rows, &differences(&rows, &recorded), "1 difference");
        let told: Vec<usize> = (0..rows.len())
            .filter(|at| matrix.rows[*at].difference.is_some())
            .collect();
        assert_eq!(told, [changed]);
    }
}
