//! What is demanded of a load run: `goodput >= 190/s`, `p99(paid) < 250ms`, `unpaid_grants == 0`. Read and checked
//! before the first request, judged purely from the load section of the report.

mod bound;
mod judge;
mod metric;
mod parse;

pub use bound::{Bound, Unit};
pub use judge::{judge, overall};
pub use metric::{METRICS, Metric, MetricRow, Phase, Statistic};
pub use parse::{Comparison, Threshold, parse_all};

#[cfg(test)]
mod tests;
