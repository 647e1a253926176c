//! The guard itself: what our binary does when it was started to watch a child.

use std::ffi::OsString;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::group::{EndRequests, Group, end_of};
use super::lifeline::ChildEnd;
use super::orders::{self, GuardOrders};
use super::wire::{self, Report};
use crate::os;

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
    Group::prepare();
    // Handlers before the child: from its first moment a signal to us must reach its group.
    let Ok(mut requests) = EndRequests::install() else {
        return GUARD_FAILED;
    };
    let Some((mut orders_in, reports_out)) = connect(&orders.lifeline).await else {
        return GUARD_FAILED;
    };
    let (reports, queue) = mpsc::channel(REPORT_QUEUE);
    let sender = tokio::spawn(send_reports(queue, reports_out));

    let mut group = match spawn_program(orders, arguments) {
        Ok(group) => group,
        Err(error) => {
            let _ = reports.send(Report::Failed(error.to_string())).await;
            drop(reports);
            say_last_words(orders).await;
            let _ = tokio::time::timeout(FLUSH_WAIT, sender).await;
            return GUARD_FAILED;
        }
    };
    let _ = reports.send(Report::Started(group.pid())).await;
    let pumps = start_pumps(&mut group, &reports);

    let status = tokio::select! {
        status = group.wait() => status,
        grace = next_order(&mut orders_in, orders.grace) => group.end(grace).await,
        () = requests.next() => group.end(orders.grace).await,
    };
    group.sweep(orders.grace).await;

    let end = status.map_or(ChildEnd::GuardLost, end_of);
    finish_pumps(pumps, orders).await;
    let _ = reports.send(Report::Ended(end)).await;
    drop(reports);
    let _ = tokio::time::timeout(FLUSH_WAIT, sender).await;
    exit_code(end)
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

fn spawn_program(orders: &GuardOrders, arguments: Vec<OsString>) -> std::io::Result<Group> {
    let mut command = Command::new(&orders.program);
    let stdin = match orders.stdin {
        true => Stdio::inherit(),
        false => Stdio::null(),
    };
    command.args(arguments).stdin(stdin);
    if let Some(text) = &orders.raw_arg {
        os::raw_arg(&mut command, text.as_ref());
    }
    for name in orders::ALL {
        command.env_remove(name);
    }
    if orders.last_words.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    Group::spawn(command)
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

fn start_pumps(group: &mut Group, reports: &mpsc::Sender<Report>) -> Pumps {
    let (stdout, stderr) = group.output();
    let reports = reports.clone();
    (
        stdout.map(|source| tokio::spawn(pass_on(source))),
        stderr.map(|source| tokio::spawn(report_lines(source, reports))),
    )
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

fn exit_code(end: ChildEnd) -> u8 {
    match end {
        ChildEnd::Exited(code) => u8::try_from(code).unwrap_or(GUARD_FAILED),
        ChildEnd::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(GUARD_FAILED),
        ChildEnd::GuardLost => GUARD_FAILED,
    }
}
