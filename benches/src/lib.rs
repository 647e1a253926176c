//! What the benches work on: one offer, one payer, one large report, one long history, one facilitator; and the ratios
//! the bench holds itself to.

mod cpu;
pub mod facilitator;
pub mod history;
pub mod payment;
pub mod ratio;
pub mod report;
