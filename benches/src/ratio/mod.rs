//! The bars the bench holds itself to: ratios of two things taken in turn in one run, so that a busy machine spoils
//! both alike. CPU time comes from the operating system.

mod exchanges;
mod facilitator;
mod ledger;
mod memory;
mod open_loop;
mod paid;
mod payment;
mod rounds;
mod row;
mod server;
mod tool;

use anyhow::Result;

pub use row::Row;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rounds of each pair, at least 5 for a bar.
    pub rounds: usize,
    /// Seconds of one timed run.
    pub seconds: u64,
}

/// One documented measurement.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it compares.
    pub about: &'static str,
    /// Measures it.
    pub run: fn(Size) -> Result<Vec<Row>>,
}

/// Every bar, quick ones first.
pub const BARS: &[Bar] = &[
    Bar {
        name: "payment",
        about: "CPU of a whole client payment, against a bare libsecp256k1 signature",
        run: payment::run,
    },
    Bar {
        name: "facilitator",
        about: "CPU of verify and settle of the mock in memory, against a bare signature recovery",
        run: facilitator::run,
    },
    Bar {
        name: "unpaid",
        about: "402 exchanges over 64 connections, against wrk and oha",
        run: exchanges::run,
    },
    Bar {
        name: "paid",
        about: "CPU and goodput of paid exchanges, against the sum of their parts",
        run: paid::run,
    },
    Bar {
        name: "open-loop",
        about: "10,000 arrivals a second: achieved rate, and lateness of their release",
        run: open_loop::rate,
    },
    Bar {
        name: "stall",
        about: "a server that holds everything 200 ms every 2 s: reported p95 and p99, against 100 and 180 ms",
        run: open_loop::stall,
    },
    Bar {
        name: "memory",
        about: "memory of 1,000,000 requests, against 100,000; bytes of a paid run an authorization",
        run: memory::run,
    },
    Bar {
        name: "anvil",
        about: "settlements of the mock on Anvil in blocks of one second, the last tenth against the first",
        run: ledger::run,
    },
];
