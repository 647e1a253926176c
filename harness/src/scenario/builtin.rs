//! The scenario files that come with the bench.

use super::Scenario;
use crate::config::yaml::ProblemList;

macro_rules! builtin {
    (in $folder:literal: $($name:literal,)+) => {
        &[$(($name, include_str!(concat!("../../../scenarios/", $folder, $name, ".yaml"))),)+]
    };
    ($($name:literal,)+) => {
        &[$(($name, include_str!(concat!("../../../scenarios/", $name, ".yaml"))),)+]
    };
}

/// Every built-in scenario with steps and its text, by name.
pub const BUILTIN: &[(&str, &str)] = builtin![
    "blocked-payer",
    "bought-by-another",
    "cancel-or-drain-between",
    "claimed-terms",
    "client-gives-up",
    "concurrent-duplicates",
    "copy-while-settling",
    "crash-after-settle",
    "dear-route-cheap-payment",
    "dedup-key-encodings",
    "empty-gas-wallet",
    "error-burns-payment",
    "facilitator-away-at-start",
    "facilitator-outage",
    "facilitator-restart",
    "fresh-payment-retry",
    "handler-outcomes",
    "header-size-steps",
    "idempotency-id",
    "idempotency-id-body",
    "impatient-client",
    "many-distinct-settles",
    "mining-paused-past-wait",
    "path-forms",
    "path-forms-parameter",
    "path-forms-wildcard",
    "paywall-markup",
    "paywall-markup-path",
    "pending-never-lands",
    "poison-pill",
    "preempted-by-third-party",
    "preflight",
    "racing-settles",
    "reorg-after-success",
    "repeated-header",
    "replayed-elsewhere",
    "replayed-payment",
    "replayed-serially",
    "response-lost-after-settle",
    "restart-between-broadcast-and-answer",
    "restart-forgets",
    "retrying-proxy",
    "reverts-after-simulation",
    "rpc-errors",
    "rpc-lies",
    "settle-coerced-verdicts",
    "settle-duplicates",
    "settle-encodings",
    "settle-lies",
    "settle-odd-bodies",
    "settle-other-amount",
    "settle-other-terms",
    "settle-outcome-unknown",
    "settle-outlasts-server",
    "settle-preempted",
    "settle-says-no",
    "settle-upto-ceiling",
    "settle-upto-twice",
    "settlement-pending",
    "shared-cache",
    "slow-handler-outlives-window",
    "slow-settles-starve",
    "slow-supported-first-requests",
    "smart-wallet",
    "smart-wallet-undeployed",
    "sponsor-drain",
    "streaming-leak",
    "supported-honesty",
    "supported-without-kinds",
    "terms-from-server",
    "time-window",
    "token-zoo",
    "two-replicas",
    "unpaid-bodies",
    "unpaid-methods",
    "upto-ceiling",
    "upto-drawn-twice",
    "verify-coerced-verdicts",
    "verify-fails",
    "verify-lies",
    "verify-odd-bodies",
    "verify-unusual-but-true",
    "wrong-payments-settle",
];

/// Every built-in load scenario with its text, by name; `all` does not name them.
pub const LOAD_BUILTIN: &[(&str, &str)] = builtin![
    in "load/":
    "load-constant",
    "load-duplicates",
    "load-mining-stopped",
    "load-ramp",
    "load-spike",
    "load-users",
];

/// Every built-in load scenario, read.
///
/// # Errors
/// The problems of the first file that has any; a test keeps this from happening.
pub fn builtin_load() -> Result<Vec<Scenario>, ProblemList> {
    read(LOAD_BUILTIN)
}

/// Every built-in scenario with steps, read.
///
/// # Errors
/// The problems of the first file that has any; a test keeps this from happening.
pub fn builtin() -> Result<Vec<Scenario>, ProblemList> {
    read(BUILTIN)
}

fn read(files: &[(&str, &str)]) -> Result<Vec<Scenario>, ProblemList> {
    let read = |(name, text): &(&str, &str)| Scenario::parse(text, &format!("{name}.yaml"));
    files.iter().map(read).collect()
}

/// The text of one built-in scenario.
pub fn builtin_named(name: &str) -> Option<&'static str> {
    let mut all = BUILTIN.iter().chain(LOAD_BUILTIN);
    let found = all.find(|(builtin, _)| *builtin == name);
    found.map(|(_, text)| *text)
}
