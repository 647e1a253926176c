//! A launched target, from start to stop.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::ready::Readiness;
use super::{LaunchError, LaunchPlan, free_port};
use crate::config::profile::TargetProfile;
use crate::guard::{ChildEnd, GuardedChild, GuardedCommand};
use crate::os;

/// How long a target may take to end after it was asked to.
pub const STOP_GRACE: Duration = Duration::from_secs(3);
/// Lines of its log that are kept.
const TAIL_LINES: usize = 40;

/// How long looking for a stranger at the target's address may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long the last lines of an ended target may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Ports that are tried when others keep taking those that were free.
const PORTS_MAX: usize = 3;

/// A target that runs under our guard. Dropping it ends its whole process group.
#[derive(Debug)]
pub struct LaunchedTarget {
    guard: PathBuf,
    plan: LaunchPlan,
    child: Option<GuardedChild>,
    /// The last lines of those that were stopped.
    earlier: Vec<String>,
}

impl LaunchedTarget {
    /// Starts what a profile describes, with what the bench gives it (`given`: FACILITATOR_URL, RPC_URL, ...). Where the
    /// profile leaves the port open, another one is found when somebody takes it first.
    ///
    /// # Errors
    /// When the profile has nothing to launch, its port is taken, or the target ends or is not ready in time.
    pub async fn launch(
        guard: &Path,
        profile: &TargetProfile,
        given: &[(String, String)],
    ) -> Result<Self, LaunchError> {
        Self::launch_on(guard, profile, given, free_port).await
    }

    async fn launch_on(
        guard: &Path,
        profile: &TargetProfile,
        given: &[(String, String)],
        mut free_port: impl FnMut() -> std::io::Result<u16>,
    ) -> Result<Self, LaunchError> {
        let port_is_open = profile.url().is_some_and(|url| url.port().is_none());
        let mut tries = 1;
        loop {
            let plan = LaunchPlan::new(profile, given, &mut free_port)?;
            match Self::start(guard, plan).await {
                Err(LaunchError::PortTaken { .. }) if port_is_open && tries < PORTS_MAX => {
                    tries += 1;
                }
                started => return started,
            }
        }
    }

    /// Starts the target and returns once it is ready. `guard` is our own executable.
    async fn start(guard: impl Into<PathBuf>, plan: LaunchPlan) -> Result<Self, LaunchError> {
        let mut target = Self {
            guard: guard.into(),
            plan,
            child: None,
            earlier: Vec::new(),
        };
        target.start_again().await?;
        Ok(target)
    }

    /// The target's base URL.
    pub fn url(&self) -> &Url {
        &self.plan.url
    }

    /// The target's port; the same after a restart.
    pub fn port(&self) -> u16 {
        self.plan.port
    }

    /// The last lines the target wrote, before its restarts too.
    pub fn tail(&self) -> Vec<String> {
        let mut lines = self.earlier.clone();
        if let Some(child) = &self.child {
            lines.extend(child.tail().lines());
        }
        lines.split_off(lines.len().saturating_sub(TAIL_LINES))
    }

    /// Whether it was started and has not ended.
    pub fn is_running(&self) -> bool {
        self.child.is_some() && self.ended().is_none()
    }

    /// How the target ended, if it is not running any more.
    pub fn ended(&self) -> Option<ChildEnd> {
        self.child.as_ref().and_then(GuardedChild::try_wait)
    }

    /// Ends the target: a request, then the kill after `grace` (zero kills at once).
    pub async fn stop(&mut self, grace: Duration) -> Result<Option<ChildEnd>, LaunchError> {
        let Some(child) = &self.child else {
            return Ok(None);
        };
        let end = child
            .stop(grace)
            .await
            .map_err(|source| self.guard_error(source))?;
        self.earlier = self.tail();
        self.child = None;
        Ok(Some(end))
    }

    /// Ends the target and starts it again on the same port with the same environment.
    pub async fn restart(&mut self, grace: Duration) -> Result<(), LaunchError> {
        self.stop(grace).await?;
        self.start_again().await
    }

    /// Starts a stopped target; on failure nothing is left running.
    pub async fn start_again(&mut self) -> Result<(), LaunchError> {
        self.stop(STOP_GRACE).await?;
        self.refuse_taken_port().await?;
        let deadline = Instant::now() + self.plan.timeout;
        let readiness = Readiness::new(self.plan.ready_url.clone(), self.plan.ready_path_given)?;
        let child = self.spawn().await?;
        tokio::select! {
            biased;
            end = child.wait() => {
                last_words(&child).await;
                Err(self.ended_error(end, &child))
            }
            ready = readiness.wait(deadline) => match ready {
                Ok(()) => {
                    self.child = Some(child);
                    Ok(())
                }
                Err(last) => {
                    let error = self.not_ready_error(last, &child);
                    child.stop(STOP_GRACE).await.map_err(|source| self.guard_error(source))?;
                    Err(error)
                }
            },
        }
    }

    /// An answer from somebody else's server must not pass for ours.
    async fn refuse_taken_port(&self) -> Result<(), LaunchError> {
        let host = self.plan.url.host_str().unwrap_or_default();
        let address = format!("{host}:{}", self.plan.port);
        match timeout(CONNECT, TcpStream::connect(&address)).await {
            Ok(Ok(_)) => Err(LaunchError::PortTaken {
                command: self.plan.command.clone(),
                address,
            }),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    async fn spawn(&self) -> Result<GuardedChild, LaunchError> {
        let shell = os::shell(&self.plan.command, &[]);
        GuardedCommand::new(&self.guard, shell.program)
            .args(shell.args)
            .raw_arg(shell.raw)
            .envs(self.plan.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.plan.cwd)
            .tail_lines(TAIL_LINES)
            .spawn()
            .await
            .map_err(|source| self.guard_error(source))
    }

    fn guard_error(&self, source: crate::guard::GuardError) -> LaunchError {
        LaunchError::Guard {
            command: self.plan.command.clone(),
            source,
        }
    }

    fn ended_error(&self, end: ChildEnd, child: &GuardedChild) -> LaunchError {
        let how = match end {
            ChildEnd::Exited(code) => format!("exited with code {code}"),
            ChildEnd::Signalled(signal) => format!("was ended by signal {signal}"),
            ChildEnd::GuardLost => "ended".into(),
        };
        LaunchError::Ended {
            command: self.plan.command.clone(),
            how,
            url: self.plan.ready_url.to_string(),
            tail: child.tail().lines(),
        }
    }

    fn not_ready_error(&self, last: String, child: &GuardedChild) -> LaunchError {
        LaunchError::NotReady {
            command: self.plan.command.clone(),
            url: self.plan.ready_url.to_string(),
            timeout: self.plan.timeout,
            last,
            tail: child.tail().lines(),
        }
    }
}

/// Output travels beside the news of the end: waits, within bounds, until no new line comes.
async fn last_words(child: &GuardedChild) {
    const PAUSE: Duration = Duration::from_millis(50);
    let deadline = Instant::now() + LAST_WORDS;
    let mut seen = child.tail().lines();
    while Instant::now() < deadline {
        sleep(PAUSE).await;
        let now = child.tail().lines();
        if !now.is_empty() && now == seen {
            return;
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::profile::parse;

    #[tokio::test]
    async fn another_port_is_found_where_the_profile_leaves_it_open_and_only_there() {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = stranger.local_addr().unwrap().port();
        for (port, asked) in [("{port}".to_owned(), PORTS_MAX), (taken.to_string(), 0)] {
            let yaml = format!(
                "server: \"http://127.0.0.1:{port}/paid\"\nlaunch:\n  command: sleep 1000\n"
            );
            let profile = parse(&yaml, "t.yaml", Path::new("."), &|_| None).unwrap();
            let mut times = 0;
            let found = || {
                times += 1;
                Ok(taken)
            };
            let started = LaunchedTarget::launch_on(Path::new("none"), &profile, &[], found).await;
            assert!(matches!(started, Err(LaunchError::PortTaken { .. })));
            assert_eq!(times, asked, "{port}");
        }
    }
}
