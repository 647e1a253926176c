//! Memory under load.

use anyhow::Result;

use super::row::Limit;
use super::server::{Manner, Server};
use super::tool::{figure, load};
use super::{Row, Size};

pub(super) fn run(_: Size) -> Result<Vec<Row>> {
    let server = Server::start(Manner::AtOnce)?;
    let peak = |seconds: &str| -> Result<f64> {
        let report = load(&[
            "--server",
            &server.url(),
            "--unpaid",
            "--rate",
            "10000/s",
            "--for",
            seconds,
            // A moment in which the machine is elsewhere opens more of them, in a long run more likely.
            "--connections",
            "64",
            "--chain",
            "memory",
        ])?;
        figure(&report, "/memory/peak_bytes")
    };
    let (short, long) = (peak("10s")?, peak("100s")?);
    let few = load(&["--rate", "1500/s", "--for", "15s", "--chain", "memory"])?;
    let many = load(&["--rate", "1500/s", "--for", "60s", "--chain", "memory"])?;
    // What connections and histograms take once and for all is in both.
    let grown = figure(&many, "/memory/peak_bytes")? - figure(&few, "/memory/peak_bytes")?;
    let more = figure(&many, "/books/authorizations")? - figure(&few, "/books/authorizations")?;
    Ok(vec![
        Row::told("peak of 100,000 unpaid requests", short / 1e6, "MB"),
        Row::told("peak of 1,000,000 unpaid requests", long / 1e6, "MB"),
        Row::told("1,000,000 / 100,000", long / short, "x").held_to(Limit::AtMost(1.1)),
        Row::told("a paid run, for each authorization more", grown / more, "B")
            .held_to(Limit::AtMost(300.0)),
    ])
}
