//! A facilitator as the target: the bench's own server is started in front of it.

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::Address;
use serde_json::Value;
use url::Url;
use x402_assay_protocol::{Network, PayerKey, Version, network};

use super::copies::Copies;
use super::launched_facilitator::LaunchedFacilitator;
use super::target::{COPIES_MAX, Target, TargetError, Tested, ensure, environment, fund, payee};
use crate::config::TargetProfile;
use crate::config::profile::TargetKind;
use crate::http::{ProbeClient, Request};
use crate::launch::LaunchedTarget;
use crate::link::{LinkOptions, LinkProxy};
use crate::reference_server::{FacilitatorAuth, ReferenceServerOptions};
use crate::runner::{Access, Bystander, FreshHeaders, Owner, Secrets, builtin_profile};
use crate::service::{ControlClient, GasRequest, ServiceState};

/// What a facilitator under test is started with.
pub(crate) struct FrontOptions<'a> {
    pub(crate) profile: TargetProfile,
    /// The only chain, if one was named.
    pub(crate) chain_id: Option<u64>,
    pub(crate) control: &'a ControlClient,
    pub(crate) state: &'a ServiceState,
    pub(crate) guard: &'a Path,
    pub(crate) http: &'a ProbeClient,
    pub(crate) bystander: Arc<Bystander>,
    pub(crate) secrets: Secrets,
}

/// What a facilitator's `/supported` says that the bench can use.
struct Offering {
    network: &'static Network,
    versions: Vec<Version>,
    signers: Vec<Address>,
}

/// Gets the facilitator up, gives its accounts gas, and puts the reference server in front.
pub(crate) async fn start(options: FrontOptions<'_>) -> Result<Target, TargetError> {
    if options.state.chain.kind == "memory" {
        return Err(TargetError::Chain(
            "a facilitator under test needs a node to settle on, and this run has the memory ledger only: give it Anvil (--chain anvil, --anvil PATH) or a dev node (--chain URL)".to_owned(),
        ));
    }
    let wanted = options.chain_id.and_then(network::by_chain_id);
    let mut launched = None;
    let url = match &options.profile.launch {
        Some(_) => {
            let target = launch(&options, wanted.unwrap_or_else(usual)).await?;
            let url = target.url().clone();
            launched = Some(Arc::new(LaunchedFacilitator::new(target)));
            url
        }
        None => {
            let template = options.profile.url();
            let template = template.ok_or_else(|| missing("it has no URL"))?;
            template.resolve(template.port().unwrap_or_default())
        }
    };
    let host = url.host_str().unwrap_or_default();
    let auth = FreshHeaders::of(&options.profile, host, options.secrets.clone());
    let mut access = Access {
        headers: options.profile.headers.clone(),
        auth: auth.map(|auth| Arc::new(auth) as Arc<dyn FacilitatorAuth>),
        url,
        accounts: options.profile.fund.clone(),
        owner: Owner::User(Arc::clone(&options.bystander)),
    };
    let offering = offering(&options, &access, wanted).await?;
    access.accounts.extend(&offering.signers);
    give_gas(&options, offering.network, &access.accounts).await?;
    let link = LinkProxy::start(LinkOptions::server_facilitator(access.url.clone()))
        .map_err(|error| error.to_string());
    let server = server(&options, (&access, &link), &offering)?;
    let (copies, addr) = Copies::built_in(server, COPIES_MAX)
        .await
        .map_err(TargetError::BuiltIn)?;
    let mut profile = builtin_profile(&format!("http://{addr}"));
    profile.fund.clone_from(&options.profile.fund);
    Ok(Target {
        profile,
        port: addr.port(),
        access,
        chain_id: Some(offering.network.chain_id),
        copies: Some(copies),
        tested: Some(Tested { launched, link }),
    })
}

/// What of a facilitator's profile this version cannot honour; it is refused rather than left out.
pub(crate) fn unsuited(profile: &TargetProfile) -> Option<String> {
    if !matches!(profile.kind, TargetKind::Facilitator { .. }) {
        return None;
    }
    let tls = profile.tls != crate::config::profile::Tls::default();
    tls.then(|| {
        format!(
            "{}: `tls` is not supported for facilitators in this version; remove it",
            profile.name
        )
    })
}

pub(super) fn usual() -> &'static Network {
    network::by_chain_id(network::DEFAULT_CHAIN_ID)
        .expect("the default network is in the table, as a test of it shows")
}

pub(super) fn missing(why: &str) -> TargetError {
    TargetError::Facilitator(why.to_owned())
}

pub(super) async fn launch(
    options: &FrontOptions<'_>,
    network: &Network,
) -> Result<LaunchedTarget, TargetError> {
    ensure(options.control, network).await?;
    let key = PayerKey::derived("target", 0, 0);
    fund(options.control, network, key.address()).await?;
    let environment = environment(network, options.state, &key);
    Ok(LaunchedTarget::launch(options.guard, &options.profile, &environment).await?)
}

async fn offering(
    options: &FrontOptions<'_>,
    access: &Access,
    wanted: Option<&'static Network>,
) -> Result<Offering, TargetError> {
    let mut url = access.url.clone();
    url.set_path(&format!(
        "{}/supported",
        access.url.path().trim_end_matches('/')
    ));
    let mut request = Request::get(url.clone());
    let headers = access.call_headers(&request.method, url.path()).await;
    request.headers = headers.map_err(|why| at(&url, &why))?;
    let exchange = options.http.send(request).await;
    let answer = match &exchange.outcome {
        Ok(answer) if answer.is_success() => answer,
        Ok(answer) => return Err(at(&url, &format!("answered HTTP {}", answer.status))),
        Err(failure) => return Err(at(&url, &failure.message)),
    };
    let body: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| at(&url, &format!("is not JSON: {error}")))?;
    read(&body, wanted, options.profile.versions.as_deref()).map_err(|why| at(&url, &why))
}

fn at(url: &Url, why: &str) -> TargetError {
    let place = url.path();
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    TargetError::Facilitator(format!("{host}:{port}{place}: {why}"))
}

/// Reads `/supported`: the network to test on, its generations, and the accounts that settle.
fn read(
    body: &Value,
    wanted: Option<&'static Network>,
    versions: Option<&[Version]>,
) -> Result<Offering, String> {
    let none = Vec::new();
    let kinds = body
        .get("kinds")
        .and_then(Value::as_array)
        .ok_or("holds no list `kinds`")?;
    let speaks = |network: &Network, version: Version| {
        let names = match version {
            Version::V1 => vec![network.v1_name.unwrap_or_default()],
            Version::V2 => vec![network.caip2, "eip155:*"],
        };
        kinds.iter().any(|kind| {
            let text = |name: &str| kind.get(name).and_then(Value::as_str).unwrap_or_default();
            let number = kind.get("x402Version").and_then(Value::as_u64);
            text("scheme") == "exact"
                && names.contains(&text("network"))
                && number == Some(version.number())
        })
    };
    let spoken = |network: &Network| -> Vec<Version> {
        let all = [Version::V2, Version::V1].into_iter();
        all.filter(|version| versions.is_none_or(|wanted| wanted.contains(version)))
            .filter(|version| speaks(network, *version))
            .collect()
    };
    let candidates: Vec<&'static Network> = match wanted {
        Some(network) => vec![network],
        None => std::iter::once(usual())
            .chain(network::NETWORKS.iter())
            .collect(),
    };
    let found = candidates
        .into_iter()
        .find(|network| !spoken(network).is_empty())
        .ok_or_else(|| {
            let names = kinds
                .iter()
                .filter_map(|kind| kind.get("network")?.as_str());
            let names: Vec<&str> = names.take(8).collect();
            format!(
                "names no `exact` kind on a network that the bench can play; it has {}",
                names.join(", ")
            )
        })?;
    let signers = body.get("signers").and_then(Value::as_object);
    let signers = signers
        .into_iter()
        .flatten()
        .flat_map(|(_, list)| list.as_array().unwrap_or(&none))
        .filter_map(|signer| signer.as_str()?.parse().ok())
        .collect();
    Ok(Offering {
        network: found,
        versions: spoken(found),
        signers,
    })
}

pub(super) async fn give_gas(
    options: &FrontOptions<'_>,
    network: &Network,
    accounts: &[Address],
) -> Result<(), TargetError> {
    ensure(options.control, network).await?;
    for account in accounts {
        let gas = GasRequest {
            chain_id: network.chain_id,
            to: *account,
        };
        let given = options.control.give_gas(&gas).await;
        given.map_err(|error| TargetError::Chain(error.to_string()))?;
    }
    Ok(())
}

/// How the server in front is started; it reaches the facilitator over the link, if there is one.
fn server(
    options: &FrontOptions<'_>,
    (access, link): (&Access, &Result<LinkProxy, String>),
    offering: &Offering,
) -> Result<ReferenceServerOptions, TargetError> {
    let url = link
        .as_ref()
        .map_or_else(|_| access.url.clone(), LinkProxy::url);
    let mut headers = http::HeaderMap::new();
    for header in &access.headers {
        let value = http::HeaderValue::from_str(header.value.expose());
        let value = value.map_err(|_| missing("a header of the profile cannot be sent"))?;
        headers.append(header.name.clone(), value);
    }
    Ok(ReferenceServerOptions {
        facilitator_headers: headers,
        facilitator_auth: access.auth.clone(),
        witness: Some(options.bystander.clone()),
        versions: offering.versions.clone(),
        ..ReferenceServerOptions::new(url.as_str(), offering.network, payee())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn network_generations_and_accounts_come_from_supported() {
        let body = json!({
            "kinds": [
                { "x402Version": 2, "scheme": "upto", "network": "eip155:84532" },
                { "x402Version": 2, "scheme": "exact", "network": "eip155:8453" },
                { "x402Version": 1, "scheme": "exact", "network": "base" },
            ],
            "signers": { "eip155:*": ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"], "solana:*": ["9xQe"] },
        });
        let found = read(&body, None, None).unwrap();
        assert_eq!(found.network.chain_id, 8453);
        assert_eq!(found.versions, [Version::V2, Version::V1]);
        assert_eq!(found.signers.len(), 1);
        let v1 = read(&body, None, Some(&[Version::V1])).unwrap();
        assert_eq!(v1.versions, [Version::V1]);
        let other = read(&body, network::by_chain_id(84532), None);
        let why = other.err().unwrap();
        assert!(why.contains("eip155:8453"), "{why}");
        assert!(read(&json!({}), None, None).is_err());
    }
}
