//! What the benches work on: one offer, one payer, one large report, one long history.

pub mod history;
pub mod payment;
pub mod report;
