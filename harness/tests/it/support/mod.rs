//! Running the binary in a folder of its own, and small servers to point it at.

pub(crate) mod assay;
pub(crate) mod requirements;
pub(crate) mod shop;
pub(crate) mod up;

pub(crate) use assay::{FREE_SERVICES, Ran, assay, assay_in};
