//! The guard itself: what our binary does when it was started to watch a child.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::lifeline::ChildEnd;
use super::orders::{self, GuardOrders};
use super::process_group::{signal_group, sweep};
use super::wire::{self, Report};

/// The guard itself failed, as opposed to the program (the number Docker and `env` use).
const GUARD_FAILED: u8 = 125;

/// A parent that does not answer within this time is gone.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Time for the last output and report to leave.
const FLUSH_WAIT: Duration = Duration::from_millis(500);

/// Reports waiting to be sent; the program's stderr waits when the bench is slow.
const REPORT_QUEUE: usize = 64;

/// Runs as a guard when the environment says so, else returns `None` at once.
pub fn run_if_guard() -> Option<ExitCode> {
    let orders = GuardOrders::from_env(|name| std::env::var_os(name))?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let code = match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(watch_over(&orders, arguments));
            // A write to a stdout that nobody reads must not keep us.
            runtime.shutdown_background();
            code
        }
        Err(_) => GUARD_FAILED,
    };
    Some(ExitCode::from(code))
}

async fn watch_over(orders: &GuardOrders, arguments: Vec<OsString>) -> u8 {
    leave_parents_group();
    // Handlers before the child: from its first moment a signal to us must reach its group.
    let Ok(mut signals) = Signals::install() else {
        return GUARD_FAILED;
    };
    let Some((mut orders_in, reports_out)) = connect(&orders.lifeline).await else {
        return GUARD_FAILED;
    };
    let (reports, queue) = mpsc::channel(REPORT_QUEUE);
    let sender = tokio::spawn(send_reports(queue, reports_out));

    let mut child = match spawn_program(orders, arguments) {
        Ok(child) => child,
        Err(error) => {
            let _ = reports.send(Report::Failed(error.to_string())).await;
            drop(reports);
            say_last_words(orders).await;
            let _ = tokio::time::timeout(FLUSH_WAIT, sender).await;
            return GUARD_FAILED;
        }
    };
    let pid = child.id().unwrap_or_default();
    let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return GUARD_FAILED;
    };
    let _ = reports.send(Report::Started(pid)).await;
    let pumps = start_pumps(&mut child, &reports);

    let status = tokio::select! {
        status = child.wait() => status.ok(),
        grace = next_order(&mut orders_in, orders.grace) => end(&mut child, group, grace).await,
        () = signals.next() => end(&mut child, group, orders.grace).await,
    };
    sweep(group, orders.grace).await;

    let end = status.map_or(ChildEnd::GuardLost, child_end);
    finish_pumps(pumps, orders).await;
    let _ = reports.send(Report::Ended(end)).await;
    drop(reports);
    let _ = tokio::time::timeout(FLUSH_WAIT, sender).await;
    exit_code(end)
}

/// Ctrl-C in the terminal is for the bench to handle, not for us; and orphans of the program
/// come to us, so that they can be reaped.
fn leave_parents_group() {
    // Fails only for a session leader, which is in a group of its own already.
    let _ = rustix::process::setpgid(None, None);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Connects and shows the token; `None` when the bench is gone or somebody else has its port.
async fn connect(lifeline: &str) -> Option<(BufReader<OwnedReadHalf>, OwnedWriteHalf)> {
    let (address, token) = lifeline.split_once('/')?;
    let handshake = async {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (read, mut write) = stream.into_split();
        write
            .write_all(format!("{token}\n").as_bytes())
            .await
            .ok()?;
        let mut read = BufReader::new(read);
        let mut answer = String::new();
        (&mut read).take(64).read_line(&mut answer).await.ok()?;
        (answer.trim_end() == wire::GO).then_some((read, write))
    };
    tokio::time::timeout(CONNECT_WAIT, handshake)
        .await
        .ok()
        .flatten()
}

fn spawn_program(orders: &GuardOrders, arguments: Vec<OsString>) -> std::io::Result<Child> {
    let mut command = Command::new(&orders.program);
    let stdin = match orders.stdin {
        true => Stdio::inherit(),
        false => Stdio::null(),
    };
    command.args(arguments).stdin(stdin).process_group(0);
    for name in orders::ALL {
        command.env_remove(name);
    }
    if orders.last_words.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    command.spawn()
}

/// Waits until the group is to end: a stop order, or the lifeline's end.
async fn next_order(lifeline: &mut BufReader<OwnedReadHalf>, grace: Duration) -> Duration {
    loop {
        let mut line = String::new();
        match lifeline.take(64).read_line(&mut line).await {
            Ok(0) | Err(_) => return grace,
            Ok(_) => {
                if let Some(ms) = wire::parse_stop(&line) {
                    return Duration::from_millis(ms);
                }
            }
        }
    }
}

/// Ends the program: a request to its group, the kill after `grace`.
async fn end(child: &mut Child, group: Pid, grace: Duration) -> Option<ExitStatus> {
    if !grace.is_zero() {
        signal_group(group, Signal::TERM);
        if let Ok(status) = tokio::time::timeout(grace, child.wait()).await {
            return status.ok();
        }
    }
    signal_group(group, Signal::KILL);
    child.wait().await.ok()
}

async fn send_reports(mut queue: mpsc::Receiver<Report>, mut lifeline: OwnedWriteHalf) {
    let mut open = true;
    while let Some(report) = queue.recv().await {
        // Goes on receiving when nobody listens: the pumps must not stall.
        open = open
            && lifeline
                .write_all(report.to_line().as_bytes())
                .await
                .is_ok();
    }
}

type Pumps = (Option<JoinHandle<()>>, Option<JoinHandle<()>>);

fn start_pumps(child: &mut Child, reports: &mpsc::Sender<Report>) -> Pumps {
    let stdout = child
        .stdout
        .take()
        .map(|source| tokio::spawn(pass_on(source)));
    let reports = reports.clone();
    let stderr = child
        .stderr
        .take()
        .map(|source| tokio::spawn(report_lines(source, reports)));
    (stdout, stderr)
}

/// Passes output on until the reader has left, then swallows it, so that the program neither
/// fails on a broken pipe nor waits on a full one.
async fn pass_on(mut source: ChildStdout) {
    let mut sink = tokio::io::stdout();
    let mut open = true;
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = source.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        if open {
            open = sink.write_all(&buffer[..count]).await.is_ok() && sink.flush().await.is_ok();
        }
    }
}

async fn report_lines(source: ChildStderr, reports: mpsc::Sender<Report>) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut source).take(4096).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let _ = reports
            .send(Report::Stderr(text.trim_end().to_owned()))
            .await;
    }
}

async fn finish_pumps((stdout, stderr): Pumps, orders: &GuardOrders) {
    for pump in [stdout, stderr].into_iter().flatten() {
        let abort = pump.abort_handle();
        if tokio::time::timeout(FLUSH_WAIT, pump).await.is_err() {
            abort.abort();
        }
    }
    say_last_words(orders).await;
}

async fn say_last_words(orders: &GuardOrders) {
    let Some(words) = &orders.last_words else {
        return;
    };
    let farewell = async {
        let mut stdout = tokio::io::stdout();
        let _ = stdout.write_all(format!("{words}\n").as_bytes()).await;
        let _ = stdout.flush().await;
    };
    let _ = tokio::time::timeout(FLUSH_WAIT, farewell).await;
}

fn child_end(status: ExitStatus) -> ChildEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ChildEnd::Exited(code),
        (None, Some(signal)) => ChildEnd::Signalled(signal),
        (None, None) => ChildEnd::GuardLost,
    }
}

fn exit_code(end: ChildEnd) -> u8 {
    match end {
        ChildEnd::Exited(code) => u8::try_from(code).unwrap_or(GUARD_FAILED),
        ChildEnd::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(GUARD_FAILED),
        ChildEnd::GuardLost => GUARD_FAILED,
    }
}

/// The signals that ask a process to end.
struct Signals {
    terminate: SignalStream,
    interrupt: SignalStream,
    hang_up: SignalStream,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
