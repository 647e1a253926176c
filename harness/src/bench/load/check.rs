//! What must hold before anything is started.

use x402_assay_reports::model::load::LoadKind;

use super::LoadBench;
use crate::bench::error::BenchError;
use crate::cli::args::ChainChoice;
use crate::config::TargetProfile;
use crate::config::profile::TargetKind;
use crate::load;
use crate::runner::check_host;

/// Refuses what cannot be loaded, and makes room for the connections.
pub(super) fn check(bench: &LoadBench<'_>) -> Result<(), BenchError> {
    let usage = |why: String| Err(BenchError::Usage(why));
    let target = bench.setup.target.as_ref();
    if let Some(url) = target.and_then(TargetProfile::url) {
        check_host(&url.host(), &bench.setup.owned_hosts)?;
    }
    if target.is_some_and(|profile| matches!(profile.kind, TargetKind::Client { .. })) {
        return usage(
            "load: the target is a resource server (--server) or a facilitator (--facilitator)"
                .to_owned(),
        );
    }
    let asks_facilitator = matches!(bench.plan.kind, LoadKind::Verify | LoadKind::Settle);
    if asks_facilitator != bench.setup.is_about_facilitator() {
        return usage(
            "load: verify and settle are for a facilitator, other loads for a server".to_owned(),
        );
    }
    if target.is_some() && asks_facilitator && bench.setup.chain.choice == ChainChoice::Memory {
        return usage(
            "--chain memory: a facilitator of yours needs a node to settle on, and on the memory ledger only --facilitator builtin can be loaded; use --chain anvil or the URL of a dev node".to_owned(),
        );
    }
    if target.is_some_and(|profile| profile.auth.is_some()) {
        return usage(
            "load: `auth` of the profile asks a command for headers, which cannot be done thousands of times a second; give fixed `headers`".to_owned(),
        );
    }
    let mut faults = bench.plan.faults.iter();
    if target.is_some() && asks_facilitator && faults.any(|fault| fault.what.is_of_facilitator()) {
        return usage(
            "load: the scenario makes the bench's own facilitator late or broken, and yours is under load; use --facilitator builtin, or a scenario with `chain` faults alone".to_owned(),
        );
    }
    let limits = target.map(|profile| profile.limits).unwrap_or_default();
    if limits.rps.is_some() || limits.requests.is_some() {
        return usage(
            "load: the profile has `limits` (rps or requests), and a load goes beyond them by its nature: leave them out for this run".to_owned(),
        );
    }
    let own = target.is_none_or(|profile| profile.launch.is_some());
    load::descriptors::make_room(bench.plan.connections.at_once(), own).map_err(BenchError::Usage)
}
