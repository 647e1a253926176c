//! Starting any program under a guard.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;

use super::child::GuardedChild;
use super::error::GuardError;
use super::lifeline::Lifeline;
use super::orders::GuardOrders;
use super::tail::LogTail;
use crate::os;

/// How long the guard may take to start the program.
const START_WAIT: Duration = Duration::from_secs(10);

const DEFAULT_TAIL_LINES: usize = 200;

/// Builds a child whose output is captured and which never outlives us.
#[derive(Debug)]
#[must_use = "nothing runs until spawn is awaited"]
pub struct GuardedCommand {
    guard: PathBuf,
    program: OsString,
    args: Vec<OsString>,
    raw_arg: Option<String>,
    envs: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    tail_lines: usize,
}

impl GuardedCommand {
    /// `guard` is the x402-assay executable (`std::env::current_exe()` inside it).
    pub fn new(guard: impl Into<PathBuf>, program: impl Into<OsString>) -> Self {
        Self {
            guard: guard.into(),
            program: program.into(),
            args: Vec::new(),
            raw_arg: None,
            envs: Vec::new(),
            cwd: None,
            tail_lines: DEFAULT_TAIL_LINES,
        }
    }

    /// Appends one argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Puts this behind the arguments without quoting it, which only Windows tells from an argument.
    pub(crate) fn raw_arg(mut self, text: Option<String>) -> Self {
        self.raw_arg = text;
        self
    }

    /// Sets one variable on top of our own environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// Sets variables on top of our own environment.
    pub fn envs<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.envs.extend(
            vars.into_iter()
                .map(|(name, value)| (name.into(), value.into())),
        );
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// How many of the newest output lines are kept; 200 unless told.
    pub fn tail_lines(mut self, lines: usize) -> Self {
        self.tail_lines = lines;
        self
    }

    /// Starts guard and program; returns once the program runs.
    pub async fn spawn(self) -> Result<GuardedChild, GuardError> {
        let (mut process, lifeline) = self.start(false)?;
        let tail = LogTail::new(self.tail_lines);
        let (draining, drained) = watch::channel(());
        let stdout = process.stdout.take().expect("stdout was piped above");
        let stderr = process.stderr.take().expect("stderr was piped above");
        let child = GuardedChild::new(process, lifeline, tail.clone(), drained);
        let failed = |source| self.spawn_error(source);
        drain_on_thread(&tail, stdout, draining.clone()).map_err(failed)?;
        drain_on_thread(&tail, stderr, draining).map_err(failed)?;
        child
            .await_start(&self.guard, &self.program, START_WAIT)
            .await?;
        Ok(child)
    }

    /// Starts guard and program and talks to the program: its standard input and output are ours, only its standard
    /// error goes to the tail. Needs a runtime of tokio.
    pub async fn spawn_piped(self) -> Result<(GuardedChild, ChildPipes), GuardError> {
        let (mut process, lifeline) = self.start(true)?;
        let tail = LogTail::new(self.tail_lines);
        let (draining, drained) = watch::channel(());
        let stdin = process.stdin.take().expect("stdin was piped above");
        let stdout = process.stdout.take().expect("stdout was piped above");
        let stderr = process.stderr.take().expect("stderr was piped above");
        let child = GuardedChild::new(process, lifeline, tail.clone(), drained);
        let failed = |source| self.spawn_error(source);
        drain_on_thread(&tail, stderr, draining).map_err(failed)?;
        let pipes = ChildPipes {
            stdin: ChildStdin::from_std(stdin).map_err(failed)?,
            stdout: ChildStdout::from_std(stdout).map_err(failed)?,
        };
        child
            .await_start(&self.guard, &self.program, START_WAIT)
            .await?;
        Ok((child, pipes))
    }

    fn start(&self, stdin: bool) -> Result<(Child, Lifeline), GuardError> {
        let lifeline = Lifeline::open()?;
        let orders = GuardOrders {
            stdin,
            raw_arg: self.raw_arg.clone(),
            ..GuardOrders::new(PathBuf::from(&self.program), &lifeline)
        };
        let mut command = Command::new(&self.guard);
        command
            .args(&self.args)
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .envs(orders.to_env())
            .stdin(match stdin {
                true => Stdio::piped(),
                false => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        os::own_group(&mut command);
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        let process = command.spawn().map_err(|error| self.spawn_error(error))?;
        Ok((process, lifeline))
    }

    fn spawn_error(&self, source: std::io::Error) -> GuardError {
        GuardError::Spawn {
            guard: self.guard.clone(),
            source,
        }
    }
}

/// The standard input and output of a program under a guard.
#[derive(Debug)]
pub struct ChildPipes {
    /// What the program reads; it sees the end when this is dropped.
    pub stdin: ChildStdin,
    /// What it writes; its end comes when program and guard are gone.
    pub stdout: ChildStdout,
}

fn drain_on_thread(
    tail: &LogTail,
    source: impl std::io::Read + Send + 'static,
    draining: watch::Sender<()>,
) -> std::io::Result<()> {
    let tail = tail.clone();
    thread::Builder::new()
        .name("child output".to_owned())
        .spawn(move || {
            tail.drain(source);
            drop(draining);
        })
        .map(drop)
}
