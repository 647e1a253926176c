//! The processes of a target that the bench started: one, or several copies side by side.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::builtin::BuiltIn;
use crate::config::TargetProfile;
use crate::launch::{LaunchError, LaunchedTarget, STOP_GRACE};
use crate::reference_server::ReferenceServerOptions;
use crate::runner::{Changed, Ending, TargetControl};

/// How one more copy is started.
#[derive(Debug)]
pub(super) enum Recipe {
    /// As the profile says.
    Launch {
        guard: PathBuf,
        profile: Box<TargetProfile>,
        environment: Vec<(String, String)>,
    },
    /// The reference server.
    BuiltIn(Box<ReferenceServerOptions>),
}

/// One running copy, or one that should run.
#[derive(Debug)]
enum Process {
    Launched(Box<LaunchedTarget>),
    BuiltIn(Box<BuiltIn>),
}

/// All copies, the first of them at the address the run began with.
#[derive(Debug)]
pub(super) struct Copies {
    recipe: Recipe,
    most: Result<u32, String>,
    processes: Mutex<Vec<Process>>,
}

impl Recipe {
    async fn start(&self) -> Result<Process, String> {
        match self {
            Self::Launch { .. } => self
                .launch()
                .await
                .map(|launched| Process::Launched(Box::new(launched)))
                .map_err(|error| error.to_string()),
            Self::BuiltIn(options) => BuiltIn::start(options.as_ref().clone())
                .await
                .map(|server| Process::BuiltIn(Box::new(server))),
        }
    }

    async fn launch(&self) -> Result<LaunchedTarget, LaunchError> {
        let Self::Launch {
            guard,
            profile,
            environment,
        } = self
        else {
            return Err(LaunchError::NothingToLaunch);
        };
        LaunchedTarget::launch(guard, profile, environment).await
    }
}

impl Process {
    async fn addr(&self) -> Result<SocketAddr, String> {
        match self {
            Self::BuiltIn(server) => Ok(server.addr()),
            Self::Launched(launched) => {
                let host = launched.url().host_str().unwrap_or_default();
                let host = host.trim_start_matches('[').trim_end_matches(']');
                let found = tokio::net::lookup_host((host, launched.port())).await;
                found
                    .map_err(|error| format!("{host}: {error}"))?
                    .next()
                    .ok_or_else(|| format!("{host} has no address"))
            }
        }
    }

    fn is_running(&self) -> bool {
        match self {
            Self::Launched(launched) => launched.is_running(),
            Self::BuiltIn(server) => server.is_running(),
        }
    }

    async fn end(&mut self, ending: Ending) -> Result<(), String> {
        match self {
            Self::BuiltIn(server) => {
                server.end(ending).await;
                Ok(())
            }
            Self::Launched(launched) => {
                let grace = match ending {
                    Ending::Stop => STOP_GRACE,
                    Ending::Kill => Duration::ZERO,
                };
                let ended = launched.stop(grace).await;
                ended.map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }

    async fn start_again(&mut self) -> Result<(), String> {
        match self {
            Self::BuiltIn(server) => server.start_again().await,
            Self::Launched(launched) => launched
                .start_again()
                .await
                .map_err(|error| error.to_string()),
        }
    }
}

impl Copies {
    /// Launches the first copy.
    pub(super) async fn launch(
        guard: PathBuf,
        profile: &TargetProfile,
        environment: Vec<(String, String)>,
    ) -> Result<(Self, u16), LaunchError> {
        let most = match (profile.replicas, profile.url().and_then(|url| url.port())) {
            (most, None) if most > 1 => Ok(most),
            (most, Some(port)) if most > 1 => Err(format!(
                "every copy of the target would listen on port {port}: write {{port}} in the profile's URL"
            )),
            _ => Err("the profile does not say `replicas`".to_owned()),
        };
        let recipe = Recipe::Launch {
            guard,
            profile: Box::new(profile.clone()),
            environment,
        };
        let launched = recipe.launch().await?;
        let port = launched.port();
        let processes = Mutex::new(vec![Process::Launched(Box::new(launched))]);
        let copies = Self {
            recipe,
            most,
            processes,
        };
        Ok((copies, port))
    }

    /// Starts the reference server.
    pub(super) async fn built_in(
        options: ReferenceServerOptions,
        most: u32,
    ) -> Result<(Self, SocketAddr), String> {
        let recipe = Recipe::BuiltIn(Box::new(options));
        let server = recipe.start().await?;
        let addr = server.addr().await?;
        let copies = Self {
            recipe,
            most: Ok(most),
            processes: Mutex::new(vec![server]),
        };
        Ok((copies, addr))
    }

    /// The last lines that launched copies wrote.
    pub(super) async fn log_tail(&self) -> Vec<String> {
        let processes = self.processes.lock().await;
        let tails = processes.iter().filter_map(|process| match process {
            Process::Launched(launched) => Some(launched.tail()),
            Process::BuiltIn(_) => None,
        });
        tails.flatten().collect()
    }

    /// Ends them all.
    pub(super) async fn stop(&self) {
        for process in &mut *self.processes.lock().await {
            if let Err(error) = process.end(Ending::Stop).await {
                tracing::warn!(%error, "the target did not stop");
            }
        }
    }

    async fn set_count(&self, count: u32) -> Changed {
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).max(1);
        let mut processes = self.processes.lock().await;
        while processes.len() > wanted {
            if let Some(mut last) = processes.pop() {
                last.end(Ending::Stop).await?;
            }
        }
        while processes.len() < wanted {
            match self.recipe.start().await {
                Ok(process) => processes.push(process),
                Err(why) => {
                    // Half of what was asked for is nothing anybody asked for.
                    for process in processes.iter_mut().skip(1) {
                        process.end(Ending::Stop).await?;
                    }
                    processes.truncate(1);
                    return Err(why);
                }
            }
        }
        others(&processes).await
    }

    async fn end_and_start(&self, ending: Ending) -> Changed {
        let mut processes = self.processes.lock().await;
        for process in &mut *processes {
            process.end(ending).await?;
        }
        start_all(&mut processes).await
    }
}

async fn start_all(processes: &mut [Process]) -> Changed {
    for process in &mut *processes {
        if !process.is_running() {
            process.start_again().await?;
        }
    }
    others(processes).await
}

async fn others(processes: &[Process]) -> Changed {
    let mut addresses = Vec::new();
    for process in processes.iter().skip(1) {
        addresses.push(process.addr().await?);
    }
    Ok(addresses)
}

impl TargetControl for Copies {
    fn fixed(&self) -> Option<String> {
        None
    }

    fn most_copies(&self) -> Result<u32, String> {
        self.most.clone()
    }

    fn is_up(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { self.processes.lock().await.iter().all(Process::is_running) })
    }

    fn restart(&self, ending: Ending) -> BoxFuture<'_, Changed> {
        Box::pin(self.end_and_start(ending))
    }

    fn revive(&self) -> BoxFuture<'_, Changed> {
        Box::pin(async { start_all(&mut self.processes.lock().await).await })
    }

    fn copies(&self, count: u32) -> BoxFuture<'_, Changed> {
        Box::pin(self.set_count(count))
    }
}
