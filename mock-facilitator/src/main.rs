//! The facilitator as a program of its own.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the binary tells its user where it listens and why it stops"
)]

mod args;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use x402_assay_protocol::{network, payment};
use x402_mock_facilitator::{
    DefectSet, EvmLedger, EvmOptions, Facilitator, Ledger, MemoryLedger, Options, control_router,
    dev_signers, serve, serve_facilitator,
};

use crate::args::Args;

/// Development accounts that send settlements when no key is given.
const SIGNERS: u32 = 4;

/// Exit status for flags that cannot work.
const USAGE: u8 = 2;

/// What stops the program before it serves.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(
        "port {port} of {flag} cannot be used on {address}: {cause}; choose another port with {flag}"
    )]
    Port {
        flag: &'static str,
        port: u16,
        address: IpAddr,
        cause: std::io::Error,
    },
    #[error("--rpc-url: {0}")]
    Rpc(#[from] x402_mock_facilitator::LedgerError),
    #[error("--network says {asked} and the node behind --rpc-url is {found}")]
    OtherChain { asked: String, found: String },
    #[error(
        "--network {0} has no USDC in the table, and the memory ledger needs one; use a network of the table"
    )]
    NoToken(String),
    #[error("{0}")]
    Key(String),
    #[error("--personality: {0}")]
    Personality(String),
    #[error("--mint: {0}")]
    Mint(#[from] x402_mock_facilitator::ledger::MintError),
    #[error("serving failed: {0}")]
    Serve(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ StartError::Serve(_)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(USAGE)
        }
    }
}

async fn run(args: Args) -> Result<(), StartError> {
    let ledger = ledger(&args).await?;
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (protocol, protocol_at) = listen(args.bind, args.port, "--port").await?;
    let (control, control_at) = listen(loopback, args.control_port, "--control-port").await?;

    println!("facilitator  http://{protocol_at}");
    println!("control      http://{control_at}");
    println!("network      {}", network::caip2(ledger.chain_id()));

    let options = Options {
        seed: args.seed.unwrap_or_else(random_seed),
        ..Options::default()
    };
    let facilitator = Arc::new(Facilitator::new(options));
    facilitator.add_ledger(ledger);
    println!("seed         {}", options.seed);
    if let Some(personality) = &args.personality {
        println!("personality  {}: {}", personality.name, personality.about);
        let taken_on = facilitator.set_personality(Some(personality.clone()));
        taken_on.map_err(|error| StartError::Personality(error.to_string()))?;
    }
    let own = args.personality.iter().flat_map(|chosen| &chosen.defects);
    let defects: DefectSet = args.defect.iter().chain(own).copied().collect();
    facilitator.faults().set_defects(defects);
    for defect in defects.iter() {
        println!("defect       {defect}: {}", defect.about());
    }
    let stop = CancellationToken::new();
    let interrupted = async {
        // Without a signal handler the default action ends the process, which is what is wanted.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        stop.cancel();
        Ok(())
    };
    let both = async {
        tokio::try_join!(
            serve_facilitator(protocol, Arc::clone(&facilitator), stop.clone()),
            serve(
                control,
                control_router(Arc::clone(&facilitator)),
                stop.clone()
            ),
        )
    };
    tokio::try_join!(async { both.await.map(|_| ()) }, interrupted)?;
    Ok(())
}

/// A seed nobody chose; it is printed, so that a run can be repeated.
fn random_seed() -> u64 {
    let [a, b, c, d, ..] = payment::fresh_nonce().0;
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

async fn ledger(args: &Args) -> Result<Arc<dyn Ledger>, StartError> {
    let Some(url) = args.rpc_url.clone() else {
        return memory(args);
    };
    let mut signers = args.signers().map_err(StartError::Key)?;
    if signers.is_empty() {
        signers = dev_signers(SIGNERS);
    }
    let ledger = EvmLedger::connect(url, signers, EvmOptions::default()).await?;
    if ledger.chain_id() != args.network {
        return Err(StartError::OtherChain {
            asked: network::caip2(args.network),
            found: network::caip2(ledger.chain_id()),
        });
    }
    Ok(Arc::new(ledger))
}

fn memory(args: &Args) -> Result<Arc<dyn Ledger>, StartError> {
    let known = network::by_chain_id(args.network)
        .ok_or_else(|| StartError::NoToken(network::caip2(args.network)))?;
    let ledger = MemoryLedger::new(args.network);
    ledger.register_token(known.usdc_domain());
    for (owner, amount) in &args.mint {
        ledger.mint(known.usdc, *owner, *amount)?;
    }
    Ok(Arc::new(ledger))
}

async fn listen(
    address: IpAddr,
    port: u16,
    flag: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |cause| StartError::Port {
        flag,
        port,
        address,
        cause,
    };
    let listener = TcpListener::bind((address, port)).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    Ok((listener, at))
}
