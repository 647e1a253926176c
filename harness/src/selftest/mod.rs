//! The kill matrix: every defect switch of the reference server and of the facilitator, and exactly what it turns red. A check that no defect
//! turns red proves nothing, and one that reddens for a defect it is not about is a false alarm.

mod facilitator;
mod matrix;
mod measure;
mod page;

pub use facilitator::{
    FACILITATOR_HEAD, FACILITATOR_MATRIX, built_in_facilitator, measure_facilitator,
    recorded_facilitator,
};
pub use matrix::{Difference, HEAD, MATRIX, Row, differences, over, parse, recorded, text_under};
pub use measure::{NONE, PATIENCE, built_in, measure, report_of};
pub use page::page;
