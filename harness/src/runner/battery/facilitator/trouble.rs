//! Trouble of the facilitator's own: no gas, a slow node. Last, since it may not recover.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::{Battery, Section};
use crate::chain::chaos::ChaosAction;
use crate::chain::{RpcFault, RpcFaultRule};
use crate::runner::session::SendError;

/// How late every answer of the node comes.
const SLOW: Duration = Duration::from_millis(300);

pub(super) const SECTION: Section = Section {
    calls: 3,
    run: |battery| trouble(battery).boxed(),
};

async fn trouble(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.leads {
        return Ok(());
    }
    let session = battery.session;
    let refusal = match (battery.bench.in_memory, session.shared) {
        (true, _) => Some("needs evm: the memory ledger has neither gas nor a node"),
        (_, true) => Some("other runs may use the same chain (--attach): it is left as it is"),
        _ => None,
    };
    if let Some(why) = refusal {
        for probe in ["settle/without-gas", "verify/slow-node"] {
            session.note(Some(probe), why);
        }
        return Ok(());
    }
    without_gas(battery).await?;
    slow_node(battery).await
}

async fn without_gas(battery: &Battery<'_>) -> Result<(), SendError> {
    let session = battery.session;
    let accounts = match session.access.is_ours() {
        true => Vec::new(),
        false => battery.signers.clone(),
    };
    if accounts.is_empty() && !session.access.is_ours() {
        let text = "whose gas? /supported names no EVM account under `signers`";
        session.note(Some("settle/without-gas"), text);
        return Ok(());
    }
    let signed = battery.good();
    battery.verify("before-gas", &signed).await?;
    let emptied = battery
        .inject(&ChaosAction::EmptyGas { accounts }, &signed)
        .await;
    let settled = match emptied {
        Ok(()) => battery.settle("without-gas", &signed).await.map(|_| ()),
        Err(error) => Err(error),
    };
    // Also when it broke off.
    battery.inject(&ChaosAction::Calm, &signed).await?;
    settled?;
    let last = battery.good();
    battery.settle("after-gas", &last).await?;
    Ok(())
}

/// Only our own and one that was launched are known to reach their node through the bench.
async fn slow_node(battery: &Battery<'_>) -> Result<(), SendError> {
    let session = battery.session;
    if !session.access.is_ours() && battery.bench.facilitator.fixed().is_some() {
        let text =
            "needs a facilitator that the bench launched: its node is reached through RPC_URL";
        session.note(Some("verify/slow-node"), text);
        return Ok(());
    }
    let ms = u64::try_from(SLOW.as_millis()).unwrap_or(u64::MAX);
    let rule = RpcFaultRule::every(RpcFault::Latency { ms });
    let rule = session.control.arm_rpc_fault(&rule).await?;
    let verified = battery.verify_good("slow-node").await;
    session.control.disarm_rpc_fault(rule).await?;
    verified.map(|_| ())
}
