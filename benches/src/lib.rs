//! What the benches work on: one offer, one payer, one large report.

pub mod payment;
pub mod report;
