//! What can be wrong with the facilitator itself: the switches of the kill matrix.

pub(crate) mod answers;
pub(crate) mod catalogue;
mod defect;
pub(crate) mod deviations;
mod leftover;
mod memory;
mod patience;
mod set;
mod upto;

pub use defect::{Defect, UnknownDefect};
pub(crate) use memory::DefectMemory;
pub use set::DefectSet;
pub(crate) use upto::UptoDeviation;
