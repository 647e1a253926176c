//! A load on a facilitator alone: getting it up, and what the payment before the load showed of it.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use serde_json::Value;
use x402_assay_protocol::{Version, network};

use super::control::Shown;
use crate::bench::front::FrontOptions;
use crate::bench::lone;
use crate::bench::services::Services;
use crate::bench::target::{Target, TargetError, payee};
use crate::cli::args::Setup;
use crate::history::{Event, Facts};
use crate::http::ProbeClient;
use crate::load::AtFacilitator;
use crate::runner::{Bystander, Owner, Secrets};

/// Accounts that are looked at; as many as get gas.
const SIGNERS_MAX: usize = 32;

/// Gets the facilitator up: the bench's own, or the user's.
pub(super) async fn start(
    setup: &Setup,
    services: &Services,
    (http, guard): (&ProbeClient, &Path),
    (witness, secrets): (Bystander, &Secrets),
) -> Result<Target, TargetError> {
    let (control, state) = (&services.control, &services.state);
    let chain_id = setup.chain.chain_id;
    match setup.target.clone() {
        None => lone::built_in((control, state), chain_id).await,
        Some(profile) => {
            let options = FrontOptions {
                profile,
                chain_id,
                control,
                state,
                guard,
                http,
                bystander: Arc::new(witness),
                secrets: secrets.clone(),
            };
            lone::start(options).await
        }
    }
}

/// Adds what is asked to what the payment showed; nothing for a network that the bench does not know.
pub(super) fn complete(
    shown: Shown,
    events: &[Event],
    services: &Services,
    target: &Target,
) -> Option<Shown> {
    let (chain_id, ..) = shown.chain?;
    let network = network::by_chain_id(chain_id)?;
    let mut signers = target.access.accounts.clone();
    for signer in advertised(events) {
        if !signers.contains(&signer) && signers.len() < SIGNERS_MAX {
            signers.push(signer);
        }
    }
    let facilitator = AtFacilitator {
        url: target.access.url.clone(),
        headers: target.access.headers.clone(),
        network,
        pay_to: payee(),
        signers,
        is_ours: matches!(target.access.owner, Owner::Bench { .. }),
        on_node: services.state.chain.kind != "memory",
    };
    Some(Shown {
        facilitator: Some(facilitator),
        ..shown
    })
}

/// EVM accounts that `/supported` names.
fn advertised(events: &[Event]) -> Vec<Address> {
    let facts = Facts::new(events, None);
    let asked = [Version::V2, Version::V1]
        .into_iter()
        .find_map(|version| facts.probe(version, "supported").next());
    let body = asked.and_then(crate::history::Exchange::body_json);
    let lists = body.and_then(|body| body.get("signers").and_then(Value::as_object).cloned());
    lists
        .into_iter()
        .flatten()
        .filter_map(|(_, list)| list.as_array().cloned())
        .flatten()
        .filter_map(|signer| signer.as_str()?.parse().ok())
        .collect()
}
