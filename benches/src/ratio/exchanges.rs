//! Unpaid exchanges in a closed loop, beside other generators.

use anyhow::Result;

use super::rounds::{Measure, interleaved, ratios};
use super::row::Limit;
use super::server::{Manner, Server};
use super::tool::{self, Generated};
use super::{Row, Size};

pub(super) fn run(size: Size) -> Result<Vec<Row>> {
    let server = Server::start(Manner::AtOnce)?;
    let url = server.url();
    let (mut own, mut wrk, mut oha) = (Vec::new(), Vec::new(), Vec::new());
    let (has_wrk, has_oha) = (tool::on_path("wrk"), tool::on_path("oha"));
    let mut rows = Vec::new();
    {
        let note = |to: &mut Vec<Generated>, made: Generated| {
            to.push(made);
            Ok(made.per_s)
        };
        let (own, wrk, oha) = (&mut own, &mut wrk, &mut oha);
        let mut things: Vec<Measure<'_>> =
            vec![Box::new(|| note(own, tool::engine(&url, size.seconds)?))];
        match &has_wrk {
            Some(program) => {
                things.push(Box::new(|| {
                    note(wrk, tool::wrk(program, &url, size.seconds)?)
                }));
            }
            None => rows.push(Row::told("wrk is not on the PATH: not compared", 0.0, "")),
        }
        match &has_oha {
            Some(program) => {
                things.push(Box::new(|| {
                    note(oha, tool::oha(program, &url, size.seconds)?)
                }));
            }
            None => rows.push(Row::told("oha is not on the PATH: not compared", 0.0, "")),
        }
        interleaved(size.rounds, &mut things)?;
    }
    let rate = |made: &[Generated]| -> Vec<f64> { made.iter().map(|made| made.per_s).collect() };
    let cpu = |made: &[Generated]| -> Vec<f64> { made.iter().map(|made| made.cpu_us).collect() };
    for (name, made) in [("own", &own), ("wrk", &wrk), ("oha", &oha)] {
        if !made.is_empty() {
            rows.push(Row::of_rounds(
                format!("{name}: requests"),
                &rate(made),
                "/s",
            ));
            rows.push(Row::of_rounds(
                format!("{name}: CPU a request"),
                &cpu(made),
                "us",
            ));
        }
    }
    if !wrk.is_empty() {
        rows.push(
            Row::of_rounds("own rate / wrk", &ratios(&rate(&own), &rate(&wrk)), "x")
                .held_to(Limit::AtLeast(0.80)),
        );
        rows.push(
            Row::of_rounds("own CPU / wrk", &ratios(&cpu(&own), &cpu(&wrk)), "x")
                .held_to(Limit::AtMost(1.25)),
        );
    }
    if !oha.is_empty() {
        rows.push(
            Row::of_rounds("own rate / oha", &ratios(&rate(&own), &rate(&oha)), "x")
                .held_to(Limit::AtLeast(1.1)),
        );
    }
    Ok(rows)
}
