//! Writes a history of a given number of events: `make_history EVENTS FILE`.

use std::fs::File;
use std::io::BufWriter;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let (Some(events), Some(path)) = (words.next(), words.next()) else {
        anyhow::bail!("usage: make_history EVENTS FILE");
    };
    let events: u64 = events.parse().context("EVENTS is a number")?;
    let file = File::create(&path).with_context(|| path.clone())?;
    x402_assay_benches::history::write(BufWriter::new(file), events)
}
