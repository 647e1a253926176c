//! What can be wrong with the facilitator itself: the switches of the kill matrix.

pub(crate) mod answers;
mod defect;
pub(crate) mod deviations;
mod memory;
mod set;
mod upto;

pub use defect::{Defect, UnknownDefect};
pub(crate) use memory::DefectMemory;
pub use set::DefectSet;
pub(crate) use upto::UptoDeviation;
