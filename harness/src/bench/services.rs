//! The services of a run: a running `up`, or our own.

use std::path::PathBuf;

use x402_mock_facilitator::{DefectSet, Personality};

use super::error::BenchError;
use crate::chain::AnvilSearch;
use crate::cli::args::{Attach, Chain, Listen, PortChoice};
use crate::runner::Progress;
use crate::service::{
    ControlClient, ControlError, SIGNERS, Service, ServiceError, ServiceOptions, ServiceState,
};

/// A running `up` answers at once; what listens there and stays silent is something else.
const ATTACH_DEADLINE: std::time::Duration = std::time::Duration::from_secs(3);

/// Services a run talks to, and keeps alive if they are its own.
#[derive(Debug)]
pub struct Services {
    /// The way to them.
    pub control: ControlClient,
    /// Where they listen.
    pub state: ServiceState,
    pub(super) own: Option<Service>,
}

impl Services {
    /// Whether this run started them.
    pub(super) const fn are_own(&self) -> bool {
        self.own.is_some()
    }

    /// Has the facilitator behave like this kind, and breaks it on purpose; without either it stays as somebody else
    /// may have set it.
    pub(super) async fn change_facilitator(
        &self,
        personality: Option<&Personality>,
        on: DefectSet,
    ) -> Result<(), ControlError> {
        let mut all = on;
        if let Some(personality) = personality {
            self.control.set_personality(personality).await?;
            all = on.iter().chain(personality.defect_set().iter()).collect();
        }
        match on.is_empty() {
            true => Ok(()),
            false => self.control.set_defects(all).await,
        }
    }

    /// Takes back what was changed: others may use it after this run, if it is that of a running `up`.
    pub(super) async fn mend_facilitator(
        &self,
        personality: Option<&Personality>,
        on: DefectSet,
    ) -> Result<(), ControlError> {
        match (personality, on.is_empty()) {
            (Some(_), _) => self.control.remove_personality().await,
            (None, false) => self.control.set_defects(DefectSet::NONE).await,
            (None, true) => Ok(()),
        }
    }

    /// Ends them, if they are our own.
    pub async fn stop(self) {
        if let Some(service) = self.own {
            service.stop().await;
        }
    }
}

/// What the services are started with.
pub fn service_options(
    chain: &Chain,
    listen: &Listen,
    strict: bool,
    guard: PathBuf,
) -> ServiceOptions {
    ServiceOptions {
        bind: listen.bind,
        advertise_host: listen.advertise_host.clone(),
        facilitator_port: listen.facilitator.number(),
        control_port: listen.control.number(),
        rpc_port: listen.rpc.number(),
        chain: chain.choice.clone(),
        search: AnvilSearch::from_env(chain.anvil.clone(), chain.install),
        no_fallback: strict || std::env::var_os("CI").is_some_and(|value| !value.is_empty()),
        guard,
        signers: SIGNERS,
    }
}

/// Attaches to a running `up`, or starts services of our own.
///
/// # Errors
/// `Ok(Err(..))` when something of ours failed that is not the user's doing: the run is then inconclusive.
pub async fn obtain(
    attach: &Attach,
    options: ServiceOptions,
    listen: &Listen,
    progress: &dyn Progress,
) -> Result<Result<Services, ServiceError>, BenchError> {
    match attach {
        Attach::No => {}
        Attach::Required(url) => {
            return attach_to(url.as_str(), progress)
                .await
                .map(Ok)
                .map_err(|error| {
                    BenchError::Usage(format!("--attach: {error}; is `x402-assay up` running?"))
                });
        }
        Attach::IfRunning(url) => {
            if let Ok(services) = attach_to(url.as_str(), progress).await {
                return Ok(Ok(services));
            }
        }
    }
    let started = Service::start(options, &|text| progress.stage(text)).await;
    match started {
        Ok(service) => {
            let control = ControlClient::new(&service.state().control_url)
                .map_err(|error| BenchError::Internal(error.to_string()))?;
            let state = service.state().clone();
            Ok(Ok(Services {
                control,
                state,
                own: Some(service),
            }))
        }
        Err(error @ ServiceError::PortTaken { .. }) if by_default(listen) => {
            Err(BenchError::Usage(format!(
                "{error} (a target that was not launched by the bench expects our services at their default ports; `x402-assay up` keeps them running for several runs)"
            )))
        }
        Err(error) if error.is_usage() => Err(error.into()),
        Err(error) => Ok(Err(error)),
    }
}

async fn attach_to(url: &str, progress: &dyn Progress) -> Result<Services, ControlError> {
    let control = ControlClient::new(url)?;
    let state = tokio::time::timeout(ATTACH_DEADLINE, control.state())
        .await
        .map_err(|_| ControlError::Unreachable {
            url: url.to_owned(),
            cause: format!("no answer within {ATTACH_DEADLINE:?}"),
        })??;
    progress.stage(&format!("attached to the services at {}", control.url()));
    Ok(Services {
        control,
        state,
        own: None,
    })
}

const fn by_default(listen: &Listen) -> bool {
    matches!(listen.facilitator, PortChoice::Default(_))
        || matches!(listen.control, PortChoice::Default(_))
        || matches!(listen.rpc, PortChoice::Default(_))
}
