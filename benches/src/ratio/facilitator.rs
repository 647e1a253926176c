//! What the mock costs beside the recovery of a signature.

use std::hint::black_box;

use alloy_primitives::B256;
use anyhow::{Result, ensure};
use x402_assay_protocol::signing::Signature;

use super::rounds::{Measure, interleaved, median};
use super::row::Limit;
use super::{Row, Size};
use crate::cpu::us_each;
use crate::facilitator::Bench;
use crate::payment as sample;

const CALLS: u32 = 2_000;
/// Of a bare recovery.
const MOST: f64 = 1.25;
/// And so much more, in microseconds.
const MORE_US: f64 = 5.0;

pub(super) fn run(size: Size) -> Result<Vec<Row>> {
    let payer = sample::payer();
    let (_, terms) = sample::offer();
    // Of different payments, as a facilitator gets them: the branches of a signature that comes again are foreseen.
    let separator = terms.domain.separator();
    let signed: Vec<(B256, Signature)> = (0..CALLS)
        .map(|_| sample::authorization(&terms, &payer, 1).digest(&separator))
        .map(|digest| (digest, payer.sign(&digest)))
        .collect();
    let recover = |call: u32| {
        let (digest, signature) = &signed[call as usize];
        signature.recover(black_box(digest))
    };
    let bench = Bench::new()?;
    let mut things: Vec<Measure<'_>> = vec![
        Box::new(|| Ok(us_each(CALLS, recover))),
        Box::new(|| bench.cost("/verify", CALLS)),
        Box::new(|| bench.cost("/settle", CALLS)),
    ];
    let values = interleaved(size.rounds, &mut things)?;
    let over = |call: &[f64]| -> Vec<f64> {
        let pairs = call.iter().zip(&values[0]);
        pairs.map(|(call, bare)| (call - MORE_US) / bare).collect()
    };
    ensure!(median(&values[0]) > 0.0, "a recovery costs nothing here");
    let row = |call: &str, values: &[f64]| {
        Row::of_rounds(
            format!("({call} - {MORE_US} us) / bare recovery"),
            &over(values),
            "x",
        )
        .held_to(Limit::AtMost(MOST))
    };
    Ok(vec![
        Row::of_rounds("bare recovery", &values[0], "us"),
        Row::of_rounds("verify", &values[1], "us"),
        Row::of_rounds("settle", &values[2], "us"),
        row("verify", &values[1]),
        row("settle", &values[2]),
    ])
}
