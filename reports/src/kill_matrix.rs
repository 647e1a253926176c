//! The kill matrix: which deliberate defect turns which check red. Its page is [`html::kill_matrix`](crate::html::kill_matrix).

use std::collections::BTreeSet;

use crate::model::{RunVerdict, Verdict};

/// The whole matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillMatrix {
    /// The bench's own version.
    pub bench_version: String,
    /// One sentence: whether it is as recorded, and how much turned red.
    pub summary: String,
    /// Every check and every invariant, in the order of the catalogue.
    pub columns: Vec<Column>,
    /// One row for each defect, and one for the server without any.
    pub rows: Vec<Row>,
}

/// Something that can turn red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The catalogue's id, or `I1` and so on.
    pub id: String,
    /// The property.
    pub title: String,
}

/// What one defect turned red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its switch.
    pub defect: String,
    /// What it does.
    pub about: String,
    /// The run's verdict.
    pub verdict: RunVerdict,
    /// What turned red.
    pub red: Vec<Red>,
    /// How the row differs from what is recorded, if it does.
    pub difference: Option<String>,
}

/// One cell that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Red {
    /// Id of its column.
    pub id: String,
    /// `fail`, `warn`, or `inconclusive` for what could not be judged.
    pub verdict: Verdict,
    /// In some runs only.
    pub wavers: bool,
}

impl KillMatrix {
    /// Columns that some defect turned red, and the others. What could not be judged counts as neither shown nor hidden:
    /// such a column is shown.
    pub fn by_use(&self) -> (Vec<&Column>, Vec<&Column>) {
        let cells = self.rows.iter().flat_map(|row| &row.red);
        let used: BTreeSet<&str> = cells.map(|red| red.id.as_str()).collect();
        let columns = self.columns.iter();
        columns.partition(|column| used.contains(column.id.as_str()))
    }
}
