//! What a client adds to its signature.

use std::hint::black_box;

use anyhow::Result;
use x402_assay::load::PaymentStep;

use super::rounds::{Measure, interleaved, ratios};
use super::row::Limit;
use super::{Row, Size};
use crate::cpu::us_each;
use crate::payment as sample;

const CALLS: u32 = 5_000;
const NOW: u64 = 1_770_000_000;
/// Of a bare signature.
const MOST: f64 = 1.25;

pub(super) fn run(size: Size) -> Result<Vec<Row>> {
    let payer = sample::payer();
    let (_, terms) = sample::offer();
    let digest = sample::authorization(&terms, &payer, NOW).digest(&terms.domain.separator());
    let header = sample::challenge_header();
    let mut step = PaymentStep::new(&header, payer.clone())?;
    let mut things: Vec<Measure<'_>> = vec![
        Box::new(|| Ok(us_each(CALLS, |_| payer.sign(black_box(&digest))))),
        Box::new(|| Ok(us_each(CALLS, |_| step.pay(NOW)))),
        Box::new(|| Ok(us_each(CALLS, |_| sample::pay(&header, &payer, NOW)))),
    ];
    let values = interleaved(size.rounds, &mut things)?;
    Ok(vec![
        Row::of_rounds("bare signature", &values[0], "us"),
        Row::of_rounds("payment of the load engine", &values[1], "us"),
        Row::of_rounds("the same, the challenge read anew", &values[2], "us"),
        Row::of_rounds(
            "payment / bare signature",
            &ratios(&values[1], &values[0]),
            "x",
        )
        .held_to(Limit::AtMost(MOST)),
    ])
}
