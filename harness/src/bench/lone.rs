//! A facilitator that is asked directly, with no server in front: the conformance battery.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use url::Url;
use x402_assay_protocol::network;

use super::front::{FrontOptions, give_gas, launch, missing, usual};
use super::launched_facilitator::LaunchedFacilitator;
use super::target::{Target, TargetError, Tested, ensure};
use crate::config::TargetProfile;
use crate::config::profile::{RequestFlags, Role};
use crate::http::{ProbeClient, Request};
use crate::reference_server::FacilitatorAuth;
use crate::runner::{Access, FreshHeaders, Owner};
use crate::service::{ControlClient, ServiceState};

/// Name of the bench's own facilitator as a target.
pub(super) const NAME: &str = "built-in facilitator";

/// The bench's own facilitator as the target.
pub(super) async fn built_in(
    (control, state): (&ControlClient, &ServiceState),
    chain_id: Option<u64>,
) -> Result<Target, TargetError> {
    let network = chain_id
        .and_then(network::by_chain_id)
        .unwrap_or_else(usual);
    ensure(control, network).await?;
    let folder = std::path::Path::new(".");
    let flags = RequestFlags::default();
    let url = state.facilitator_url.as_str();
    let profile = TargetProfile::from_url(Role::Facilitator, url, &flags, folder);
    let mut profile = profile.map_err(|problems| missing(&problems.join("; ")))?;
    NAME.clone_into(&mut profile.name);
    let owner = Owner::Bench { tested: true };
    target(profile, url, (owner, None), chain_id, None)
}

/// Gets the user's facilitator up and gives the accounts of its profile gas; what it says of itself is asked later, on
/// the record.
pub(super) async fn start(options: FrontOptions<'_>) -> Result<Target, TargetError> {
    let wanted = options.chain_id.and_then(network::by_chain_id);
    let network = wanted.unwrap_or_else(usual);
    let mut launched = None;
    let url = match &options.profile.launch {
        Some(_) => {
            let process = launch(&options, network).await?;
            let url = process.url().clone();
            launched = Some(Arc::new(LaunchedFacilitator::new(process)));
            url
        }
        None => {
            let template = options.profile.url();
            let template = template.ok_or_else(|| missing("it has no URL"))?;
            template.resolve(template.port().unwrap_or_default())
        }
    };
    if options.state.chain.kind == "memory" && !settles_here(&options, &url).await {
        return Err(TargetError::Chain(
            "a facilitator under test needs a node to settle on, and this run has the memory ledger only: give it Anvil (--chain anvil, --anvil PATH) or a dev node (--chain URL)".to_owned(),
        ));
    }
    give_gas(&options, network, &options.profile.fund).await?;
    let owner = Owner::User(Arc::clone(&options.bystander));
    let host = url.host_str().unwrap_or_default();
    let auth = FreshHeaders::of(&options.profile, host, options.secrets.clone());
    let auth = auth.map(|auth| Arc::new(auth) as Arc<dyn FacilitatorAuth>);
    target(
        options.profile,
        url.as_str(),
        (owner, auth),
        options.chain_id,
        launched,
    )
}

fn target(
    profile: TargetProfile,
    url: &str,
    (owner, auth): (Owner, Option<Arc<dyn FacilitatorAuth>>),
    chain_id: Option<u64>,
    launched: Option<Arc<LaunchedFacilitator>>,
) -> Result<Target, TargetError> {
    let parsed = url.parse::<Url>();
    let url = parsed.map_err(|error| missing(&format!("its URL: {error}")))?;
    Ok(Target {
        port: url.port().unwrap_or_default(),
        access: Access {
            url,
            headers: profile.headers.clone(),
            auth,
            accounts: profile.fund.clone(),
            owner,
        },
        profile,
        chain_id,
        copies: None,
        tested: Some(Tested {
            launched,
            link: Err("no server stands before the facilitator".to_owned()),
        }),
    })
}

/// True when it settles with the accounts of the bench's own facilitator, as a gateway in front of that does: then the
/// memory ledger is its ledger too. What cannot be read is left to the battery, which asks again on the record.
async fn settles_here(options: &FrontOptions<'_>, url: &Url) -> bool {
    let Some(theirs) = signers(options.http, url).await else {
        return true;
    };
    let ours = match options.state.facilitator_url.parse::<Url>() {
        Ok(ours) => signers(options.http, &ours).await.unwrap_or_default(),
        Err(_) => return false,
    };
    !ours.is_empty() && theirs.is_superset(&ours)
}

/// EVM accounts that `/supported` names, in lower case; `None` when it has no readable list of kinds.
async fn signers(http: &ProbeClient, base: &Url) -> Option<BTreeSet<String>> {
    let mut url = base.clone();
    url.set_path(&format!("{}/supported", base.path().trim_end_matches('/')));
    let exchange = http.send(Request::get(url)).await;
    let answer = exchange.response().filter(|answer| answer.is_success())?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.get("kinds")?.as_array()?;
    let lists = body.get("signers").and_then(Value::as_object);
    let lists = lists.into_iter().flatten();
    Some(
        lists
            .filter(|(pattern, _)| pattern.starts_with("eip155"))
            .filter_map(|(_, list)| list.as_array())
            .flatten()
            .filter_map(|signer| Some(signer.as_str()?.to_ascii_lowercase()))
            .collect(),
    )
}
