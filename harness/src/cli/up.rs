//! `up`: keeps facilitator and chain running.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use x402_assay_protocol::network;

use super::args::UpOptions;
use super::exit::Exit;
use super::print;
use super::progress::Teller;
use crate::bench::service_options;
use crate::os;
use crate::runner::Progress as _;
use crate::service::{
    ControlClient, NetworkRequest, Service, ServiceError, ServiceState, TokenRequest,
};

/// Set for the process that `up -d` leaves behind.
const DETACHED: &str = "X402_ASSAY_DETACHED";
/// Time a detached service gets to answer: installing Anvil is the longest part.
const DETACH_DEADLINE: Duration = Duration::from_secs(180);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn up(options: UpOptions, quiet: bool, cancel: CancellationToken) -> Exit {
    if options.detach && std::env::var_os(DETACHED).is_none() {
        return detach(&options).await;
    }
    let teller = Teller::new(quiet);
    let guard = match std::env::current_exe() {
        Ok(guard) => guard,
        Err(error) => {
            print::message(&format!("error: our own binary cannot be found: {error}"));
            return Exit::Internal;
        }
    };
    match start(&options, guard, &teller).await {
        Err(error) => {
            teller.finish();
            print::message(&format!("error: {error}"));
            if error.is_usage() {
                Exit::Usage
            } else {
                Exit::Inconclusive
            }
        }
        Ok(service) => {
            teller.finish();
            serve(&options, service, cancel).await
        }
    }
}

async fn start(
    options: &UpOptions,
    guard: std::path::PathBuf,
    teller: &Teller,
) -> Result<Service, ServiceError> {
    let settings = service_options(&options.chain, &options.listen, false, guard);
    let service = Service::start(settings, &|text| teller.stage(text)).await?;
    teller.stage("starting the chain");
    let chain_id = options.chain.chain_id.unwrap_or(network::DEFAULT_CHAIN_ID);
    let tokens = network::by_chain_id(chain_id)
        .map(|network| TokenRequest {
            asset: network.usdc,
            name: network.usdc_name.to_owned(),
            version: network.usdc_version.to_owned(),
        })
        .into_iter()
        .collect();
    service
        .ensure_network(&NetworkRequest { chain_id, tokens })
        .await?;
    Ok(service)
}

async fn serve(options: &UpOptions, service: Service, cancel: CancellationToken) -> Exit {
    let state = service.state().clone();
    let chain_id = options.chain.chain_id.unwrap_or(network::DEFAULT_CHAIN_ID);
    let environment = environment(&state, chain_id);
    if let Some(file) = &options.env_file
        && let Err(error) = write_env_file(file, &environment)
    {
        print::message(&format!("error: --env-file {}: {error}", file.display()));
        service.stop().await;
        return Exit::Usage;
    }
    if let Err(error) = print::result(&environment) {
        print::message(&format!("error: stdout: {error}"));
    }
    if let Some(reason) = &state.chain.reason {
        print::message(&format!(
            "warning: the memory ledger stands in for the chain: {reason}"
        ));
    }
    print::message(&format!(
        "up: chain {} ({}), control API at {}; stop with Ctrl-C or `x402-assay down`",
        network::caip2(chain_id),
        state.chain.kind,
        state.control_url
    ));
    let exit = tokio::select! {
        () = cancel.cancelled() => Exit::Interrupted,
        () = service.stopped() => Exit::Ok,
    };
    service.stop().await;
    exit
}

/// The addresses as lines of an environment file, the names a server is likely to read.
fn environment(state: &ServiceState, chain_id: u64) -> String {
    let mut lines = vec![
        ("FACILITATOR_URL", state.facilitator_url.clone()),
        ("RPC_URL", state.rpc_url.clone()),
        ("EVM_RPC_URL", state.rpc_url.clone()),
        ("NETWORK", network::caip2(chain_id)),
        ("EVM_NETWORK", network::caip2(chain_id)),
        ("X402_ASSAY_ATTACH", state.control_url.clone()),
    ];
    if let Some(network) = network::by_chain_id(chain_id) {
        lines.push(("ASSET", network.usdc.to_checksum(None)));
        if let Some(name) = network.v1_name {
            lines.push(("NETWORK_V1", name.to_owned()));
        }
    }
    lines
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// Writes whole or not at all: another process may be waiting for the file.
fn write_env_file(file: &Path, text: &str) -> std::io::Result<()> {
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(&partial, file)
}

/// Starts ourselves again in the background and waits until the control API answers.
async fn detach(options: &UpOptions) -> Exit {
    let (child, log) = match spawn_detached() {
        Ok(spawned) => spawned,
        Err(error) => {
            print::message(&format!(
                "error: the background process did not start: {error}"
            ));
            return Exit::Internal;
        }
    };
    let exit = wait_until_up(options, child, &log).await;
    if exit != Exit::Ok
        && let Ok(text) = std::fs::read_to_string(&log)
    {
        print::message(text.trim_end());
    }
    exit
}

fn spawn_detached() -> std::io::Result<(std::process::Child, std::path::PathBuf)> {
    let log = std::env::temp_dir().join(format!("x402-assay-up-{}.log", std::process::id()));
    let output = std::fs::File::create(&log)?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command
        .args(std::env::args_os().skip(1))
        .env(DETACHED, "1")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    os::left_behind(&mut command);
    Ok((command.spawn()?, log))
}

async fn wait_until_up(options: &UpOptions, mut child: std::process::Child, log: &Path) -> Exit {
    let control = format!("http://127.0.0.1:{}", options.listen.control.number());
    let until = Instant::now() + DETACH_DEADLINE;
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                return match status.code() {
                    Some(2) => Exit::Usage,
                    Some(5) => Exit::Inconclusive,
                    _ => Exit::Internal,
                };
            }
            Err(error) => {
                print::message(&format!("error: the background process is lost: {error}"));
                return Exit::Internal;
            }
        }
        let said = std::fs::read_to_string(log).unwrap_or_default();
        if said.contains("up: chain") {
            return announce(&said, &control, child.id()).await;
        }
        if Instant::now() >= until {
            let _ = child.kill();
            print::message("error: the services were not up in time");
            return Exit::Inconclusive;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn announce(said: &str, default_control: &str, pid: u32) -> Exit {
    let control = said
        .lines()
        .find_map(|line| line.strip_prefix("X402_ASSAY_ATTACH="))
        .unwrap_or(default_control);
    let state = match ControlClient::new(control) {
        Ok(client) => client.state().await,
        Err(error) => Err(error),
    };
    if let Err(error) = state {
        print::message(&format!("error: {error}"));
        return Exit::Inconclusive;
    }
    let environment: String = said
        .lines()
        .filter(|line| {
            line.split_once('=')
                .is_some_and(|(name, _)| name.chars().all(is_name))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    if let Err(error) = print::result(&environment) {
        print::message(&format!("error: stdout: {error}"));
    }
    print::message(&format!(
        "up in the background (process {pid}); stop with `x402-assay down`"
    ));
    Exit::Ok
}

const fn is_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}
