//! Purchases whose settlement goes wrong: refused, answered with an error or with junk, cut off, pending, for somebody else.

use alloy_primitives::address;
use futures_util::FutureExt as _;
use x402_assay_protocol::{Version, network};
use x402_mock_facilitator::Fault;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::{Body, Lie, Moment, Pending, Reset, Status};

use super::{Battery, Section};
use crate::runner::session::SendError;

/// More pending answers than any server waits for.
const FOR_EVER: u32 = 1_000;
/// A payer that never signed anything.
const STRANGER: alloy_primitives::Address = address!("00000000000000000000000000000000000bad00");
/// The odd bodies that are sent with status 200 in place of the answer.
const JUNK: &[&str] = &["html", "empty-object", "flag-string"];
/// A settle answer that says no, as it may come with another status than 200.
const REFUSAL: &str = r#"{"success":false,"errorReason":"invalid_exact_evm_transaction_failed","transaction":"","network":""}"#;

/// An error status of `/settle`, and what comes with it.
struct ErrorAnswer {
    probe: &'static str,
    status: u16,
    body: &'static str,
    content_type: &'static str,
}

const ERRORS: &[ErrorAnswer] = &[
    ErrorAnswer {
        probe: "settle/http-400-json",
        status: 400,
        body: REFUSAL,
        content_type: "application/json",
    },
    ErrorAnswer {
        probe: "settle/http-500-json",
        status: 500,
        body: r#"{"error":"internal server error"}"#,
        content_type: "application/json",
    },
    ErrorAnswer {
        probe: "settle/http-502-html",
        status: 502,
        body: "<!doctype html><title>Bad Gateway</title>",
        content_type: "text/html",
    },
    ErrorAnswer {
        probe: "settle/http-503-empty",
        status: 503,
        body: "",
        content_type: "text/plain",
    },
];

pub(super) const SECTION: Section = Section {
    requests: |version| 2 * probes(version),
    run: |battery| settlement(battery).boxed(),
};

const fn probes(version: Version) -> usize {
    let only_v2 = match version {
        Version::V1 => 0,
        Version::V2 => 2,
    };
    1 + ERRORS.len() + JUNK.len() + 1 + 2 + only_v2
}

async fn settlement(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.can_fault("settle").await {
        return Ok(());
    }
    let spoilt = |fault: Fault| [(Some(Endpoint::Settle), fault)];
    let refused = spoilt(Lie::without_work(false).into());
    battery.pay_under("settle/refused", &refused).await?;
    for error in ERRORS {
        let fault = Status {
            body: Some(error.body.to_owned()),
            content_type: Some(error.content_type.to_owned()),
            ..Status::without_work(error.status)
        };
        battery
            .pay_under(error.probe, &spoilt(fault.into()))
            .await?;
    }
    for name in JUNK {
        // Legacy v1 servers read every text as a yes; the scenario `settle-coerced-verdicts` shows it.
        if battery.version == Version::V1 && *name == "flag-string" {
            continue;
        }
        let Ok(case) = name.parse() else { continue };
        let fault = Body { case, work: false };
        let probe = format!("settle/junk-{name}");
        battery.pay_under(&probe, &spoilt(fault.into())).await?;
    }
    let cut = Reset {
        when: Moment::Before,
    };
    battery
        .pay_under("settle/reset", &spoilt(cut.into()))
        .await?;
    if battery.version == Version::V2 {
        for (probe, times) in [("settle/pending-once", 1), ("settle/pending", FOR_EVER)] {
            let fault = Pending {
                times,
                no_hash: false,
            };
            battery.pay_under(probe, &spoilt(fault.into())).await?;
        }
    }
    elsewhere(battery).await
}

/// Settlements that are told as somebody else's. Nothing moves: who does not deliver has charged nobody.
async fn elsewhere(battery: &Battery<'_>) -> Result<(), SendError> {
    let yes = Lie::without_work(true);
    let payer = Lie {
        payer: Some(STRANGER),
        ..yes.clone()
    };
    let fault = [(Some(Endpoint::Settle), payer.into())];
    battery.pay_under("settle/other-payer", &fault).await?;
    let Some(ready) = battery.ready("settle/other-network", 0, |_, _| ()).await? else {
        return Ok(());
    };
    let paid = ready.payment.terms.domain.chain_id;
    let other = network::NETWORKS
        .iter()
        .filter(|network| network.chain_id != paid)
        .find_map(|network| match battery.version {
            Version::V1 => network.v1_name,
            Version::V2 => Some(network.caip2),
        });
    let lie = Lie {
        network: other.map(str::to_owned),
        ..yes
    };
    let fault = [(Some(Endpoint::Settle), lie.into())];
    battery
        .send_under("settle/other-network", ready, &fault)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_junk_body_is_one_of_the_facilitators() {
        for name in JUNK {
            assert!(
                name.parse::<x402_mock_facilitator::faults::Case>().is_ok(),
                "{name}"
            );
        }
    }
}
