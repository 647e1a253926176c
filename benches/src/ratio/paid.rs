//! Paid exchanges against the sum of their parts.

use std::thread::available_parallelism;

use anyhow::Result;
use serde_json::Value;
use x402_assay::load::PaymentStep;

use super::rounds::{Measure, interleaved};
use super::row::Limit;
use super::tool::{cpu_us, figure, load};
use super::{Row, Size};
use crate::cpu::us_each;
use crate::facilitator::Bench;
use crate::payment as sample;

const CALLS: u32 = 2_000;
const NOW: u64 = 1_770_000_000;
/// Exchanges over HTTP of one sale: two with the server, and its two with the facilitator.
const HTTP: f64 = 4.0;

/// Sales a second at which the bench's own CPU is compared, well below what two cores hold.
const SALES: u32 = 2_000;

/// Values of every round.
#[derive(Default)]
struct Rounds {
    /// CPU of the bench for an unpaid exchange in a closed loop, in microseconds; so are the others.
    exchange: Vec<f64>,
    /// CPU of the server for it.
    served: Vec<f64>,
    /// CPU of the bench for an unpaid exchange, as many a second as the sales below have.
    paced: Vec<f64>,
    /// CPU of the bench for a sale.
    sale: Vec<f64>,
    /// Sales in a second.
    goodput: Vec<f64>,
    payment: Vec<f64>,
    verify: Vec<f64>,
    settle: Vec<f64>,
}

pub(super) fn run(size: Size) -> Result<Vec<Row>> {
    let rounds = measure(size)?;
    #[expect(clippy::cast_precision_loss, reason = "a machine has few cores")]
    let cores = available_parallelism()?.get() as f64;
    let each = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..size.rounds).map(of).collect() };
    let parts = |n: usize| {
        HTTP * (rounds.exchange[n] + rounds.served[n])
            + rounds.payment[n]
            + rounds.verify[n]
            + rounds.settle[n]
    };
    let ceiling = each(&|n| cores * 1e6 / parts(n));
    let reached = each(&|n| rounds.goodput[n] / ceiling[n]);
    let harness = each(&|n| (rounds.sale[n] - rounds.payment[n]) / rounds.paced[n]);
    let cpu = |what: &str, values: &[f64]| Row::of_rounds(format!("CPU of {what}"), values, "us");
    Ok(vec![
        cpu(
            "the bench, an unpaid exchange, closed loop",
            &rounds.exchange,
        ),
        cpu(
            "the server, an unpaid exchange, closed loop",
            &rounds.served,
        ),
        cpu("a payment step", &rounds.payment),
        cpu("verify", &rounds.verify),
        cpu("settle", &rounds.settle),
        cpu("the bench, 4,000 unpaid exchanges a second", &rounds.paced),
        cpu("the bench, 2,000 sales a second", &rounds.sale),
        Row::of_rounds("(sale - payment step) / unpaid exchange", &harness, "x")
            .held_to(Limit::AtMost(2.2)),
        Row::of_rounds(
            "ceiling: cores / (4 exchanges + payment + verify + settle)",
            &ceiling,
            "/s",
        ),
        Row::of_rounds("goodput, memory ledger", &rounds.goodput, "/s"),
        Row::of_rounds("goodput / ceiling", &reached, "x").held_to(Limit::AtLeast(0.60)),
    ])
}

fn measure(size: Size) -> Result<Rounds> {
    let facilitator = Bench::new()?;
    let mut step = PaymentStep::new(&sample::challenge_header(), sample::payer())?;
    let mut rounds = Rounds::default();
    let (mut exchange, mut served) = (Vec::new(), Vec::new());
    let mut goodput = Vec::new();
    let mut things: Vec<Measure<'_>> = vec![
        Box::new(|| {
            let report = closed(size, &["--unpaid"])?;
            served.push(cpu_us(&report, "server")?);
            let own = cpu_us(&report, "bench")?;
            exchange.push(own);
            Ok(own)
        }),
        Box::new(|| {
            let reached = figure(&closed(size, &[])?, "/goodput_per_s")?;
            goodput.push(reached);
            Ok(reached)
        }),
        // A thread that waits often pays for every waking: so both have the same exchanges a second.
        Box::new(|| cpu_us(&paced(size, 2 * SALES, &["--unpaid"])?, "bench")),
        Box::new(|| cpu_us(&paced(size, SALES, &[])?, "bench")),
        Box::new(|| Ok(us_each(CALLS, |_| step.pay(NOW)))),
        Box::new(|| facilitator.cost("/verify", CALLS)),
        Box::new(|| facilitator.cost("/settle", CALLS)),
    ];
    let mut values = interleaved(size.rounds, &mut things)?.into_iter().skip(2);
    drop(things);
    for of in [
        &mut rounds.paced,
        &mut rounds.sale,
        &mut rounds.payment,
        &mut rounds.verify,
        &mut rounds.settle,
    ] {
        *of = values.next().unwrap_or_default();
    }
    Ok(Rounds {
        exchange,
        served,
        goodput,
        ..rounds
    })
}

/// A closed loop on the built-in server and the memory ledger.
fn closed(size: Size, more: &[&str]) -> Result<Value> {
    built_in(size, &["--closed", "--connections", "64"], more)
}

/// A schedule on the same.
fn paced(size: Size, per_s: u32, more: &[&str]) -> Result<Value> {
    built_in(size, &["--rate", &format!("{per_s}/s")], more)
}

fn built_in(size: Size, pace: &[&str], more: &[&str]) -> Result<Value> {
    let length = format!("{}s", size.seconds);
    let fixed = ["--chain", "memory", "--for", &length];
    let words = fixed.iter().chain(pace).chain(more);
    load(&words.copied().collect::<Vec<&str>>())
}
