//! The matrix of the built-in facilitator.

use std::path::Path;

use tokio_util::sync::CancellationToken;
use x402_mock_facilitator::Defect;

use super::matrix::{Row, parse};
use super::measure::{built_in, measure_all, names};
use crate::bench::BenchError;
use crate::cli::args::Setup;

/// What this version is known to find in facilitators.
pub const FACILITATOR_MATRIX: &str = include_str!("facilitator.txt");

/// Begins the file.
pub const FACILITATOR_HEAD: &str = "\
# What each defect switch of the built-in facilitator turns red on the memory ledger: defect, run verdict, checks and
# invariants. `~` marks a warning, `?` what could not be judged; `none` is the facilitator without a defect. A `*` at the
# end marks what is red in some runs only: put by hand, kept when the file is written again.
# Written by `INSTA_UPDATE=always cargo test -p x402-assay --test it facilitator_matrix`: read the difference, each red must
# be meant. What only a node shows stands in tests/it/facilitator_matrix.rs.
";

/// The built-in facilitator with these defects, as its row of the matrix is measured.
pub fn built_in_facilitator(defects: &[&str]) -> Setup {
    Setup {
        built_in_facilitator: true,
        // Both: what is said of one is held against the other.
        versions: None,
        ..built_in(defects)
    }
}

/// The recorded matrix.
///
/// # Panics
/// Never in a build whose tests passed: they read it.
pub fn recorded_facilitator() -> Vec<Row> {
    parse(FACILITATOR_MATRIX).expect("the tests read the recorded matrix")
}

/// Measures the whole matrix, `width` runs at once; `told` hears how many are done of how many.
///
/// # Errors
/// When a bench could not be started, with its defect.
pub async fn measure_facilitator(
    guard: &Path,
    width: usize,
    cancel: &CancellationToken,
    told: impl Fn(usize, usize),
) -> Result<Vec<Row>, (String, BenchError)> {
    let names = names(Defect::ALL.iter().map(|defect| defect.name()));
    measure_all(guard, (width, names), built_in_facilitator, cancel, told).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use crate::selftest::{NONE, text_under};

    #[test]
    fn the_recorded_matrix_holds_every_defect_once_and_reads_as_it_is_written() {
        let rows = recorded_facilitator();
        assert_eq!(text_under(FACILITATOR_HEAD, &rows), FACILITATOR_MATRIX);
        let mut names: Vec<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        names.push(NONE);
        names.sort_unstable();
        let mut recorded: Vec<&str> = rows.iter().map(|row| row.defect.as_str()).collect();
        recorded.sort_unstable();
        assert_eq!(recorded, names);
        for id in rows.iter().flat_map(Row::killed) {
            let is_known = checks::find(id).is_some() || id.starts_with('I');
            assert!(is_known, "{id} is neither a check nor an invariant");
        }
    }
}
