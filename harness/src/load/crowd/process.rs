//! The process of the virtual users: our own binary in a hidden mode, goose inside.
//!
//! It is a process of its own because goose is: its stop switch, its logger and its Ctrl-C belong to the whole process,
//! and on a second Ctrl-C it ends it. Standard output is the way to the bench, so whatever goose prints goes to
//! standard error.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::order::Order;
use super::shop::{Shop, unfinished};
use super::visit::{Visitor, Walk};
use super::wire::{LINE_MAX, Task};
use crate::client::Payer;
use crate::os;

/// The variable that makes our binary this process.
pub(super) const MODE: &str = "X402_ASSAY_LOAD_USERS";

/// Longest wait for all users to be there.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);
/// Wait for what is under way when the bench wants the end.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// Wait for goose itself when every journey is over.
const GOOSE_GRACE: Duration = Duration::from_secs(5);
/// How often goose is told to stop: what it was told while it still started is forgotten.
const NUDGE: Duration = Duration::from_millis(100);
/// A user without anything to do looks again after this time.
const IDLE: Duration = Duration::from_millis(50);

/// Runs as the process of the virtual users when the environment says so, else returns `None` at once.
pub fn run_if_users() -> Option<ExitCode> {
    std::env::var_os(MODE)?;
    Some(match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run() -> std::io::Result<()> {
    let out = os::take_stdout()?;
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"load-users");
    let mut stdin = BufReader::new(std::io::stdin());
    let mut line = Vec::new();
    let limit = LINE_MAX as u64;
    stdin.by_ref().take(limit).read_until(b'\n', &mut line)?;
    let order = serde_json::from_slice::<Task>(&line)
        .map_err(|error| format!("the task: {error}"))
        .and_then(Order::read);
    let order = match order {
        Ok(order) => order,
        Err(why) => return refuse(out, why),
    };
    let shop = Arc::new(Shop::new(order, out));
    let told = Arc::clone(&shop);
    std::thread::Builder::new()
        .name("load-stdin".to_owned())
        .spawn(move || {
            // Nothing more is ever written: the end of it is the word to stop.
            let _ = std::io::copy(&mut stdin, &mut std::io::sink());
            told.stop.cancel();
        })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("load-users")
        .enable_all()
        .build()?;
    runtime.block_on(course(&shop));
    runtime.shutdown_background();
    Ok(())
}

fn refuse(mut out: File, why: String) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut line = serde_json::to_vec(&super::wire::Event::Failed { why })?;
    line.push(b'\n');
    out.write_all(&line)
}

async fn course(shop: &Arc<Shop>) {
    let attack = match attack(shop) {
        Ok(attack) => attack,
        Err(error) => return shop.fail(&format!("goose: {error}")),
    };
    let ticking = tokio::spawn(tick(Arc::clone(shop)));
    let clock = tokio::spawn(keep_time(Arc::clone(shop)));
    let late = async {
        shop.hard.cancelled().await;
        tokio::time::sleep(GOOSE_GRACE).await;
    };
    tokio::select! {
        ended = attack.execute() => match ended {
            Ok(_) if shop.over.is_cancelled() => {}
            Ok(_) => shop.fail("goose ended before the time was over"),
            Err(error) => shop.fail(&format!("goose: {error}")),
        },
        () = late => {}
    }
    ticking.abort();
    clock.abort();
    match shop.origin() {
        Some(origin) => shop.done(origin.elapsed().as_secs()),
        None => shop.fail("it was stopped before every user was there"),
    }
}

/// Says when it is over, and when what is still under way must end.
async fn keep_time(shop: Arc<Shop>) {
    let began = async {
        while shop.origin().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        shop.origin()
    };
    let origin = tokio::select! {
        origin = began => origin,
        () = shop.stop.cancelled() => None,
        () = tokio::time::sleep(ARRIVAL_MAX) => None,
    };
    let grace = match origin {
        None => Duration::ZERO,
        Some(origin) => tokio::select! {
            () = tokio::time::sleep_until((origin + shop.order.length).into()) => shop.order.timeout,
            () = shop.stop.cancelled() => STOP_GRACE,
        },
    };
    shop.over.cancel();
    let hard = async {
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            () = async { shop.stop.cancelled().await; tokio::time::sleep(STOP_GRACE).await } => {}
        }
        shop.hard.cancel();
    };
    tokio::join!(hard, nudge());
}

/// Tells goose to stop, again and again.
async fn nudge() {
    let mut every = tokio::time::interval(NUDGE);
    loop {
        every.tick().await;
        goose::trigger_killswitch("the time is over");
    }
}

async fn tick(shop: Arc<Shop>) {
    while shop.origin().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let Some(origin) = shop.origin() else { return };
    for second in 0.. {
        tokio::time::sleep_until((origin + Duration::from_secs(second + 1)).into()).await;
        shop.tick(second);
    }
}

/// The attack: one scenario of one transaction, so that the shares are drawn for each journey and not for each user.
fn attack(shop: &Arc<Shop>) -> Result<GooseAttack, goose::GooseError> {
    let order = &shop.order;
    let (users, host) = (order.keys.len().to_string(), order.host());
    let words = [
        "--host",
        &host,
        "--users",
        &users,
        // All of them at once: the clock starts when the last one is there.
        "--increase-rate",
        "10000",
        "--quiet",
        "--no-metrics",
        "--no-print-metrics",
        "--no-telnet",
        "--no-gzip",
    ];
    let configuration = GooseConfiguration::parse_args_default(&words)?;
    // Nothing is ever sent with this one; it only must not look for certificates. Each user makes its own.
    let shared = GooseClientBuilder::new()
        .without_cookies()
        .accept_invalid_certs(true)
        .gzip(false);
    let mut scenario = Scenario::new("users")
        .register_transaction(Transaction::new(step(shop, enter)).set_on_start())
        .register_transaction(Transaction::new(step(shop, visit)));
    let (least, most) = order.think;
    if !most.is_zero() {
        scenario = scenario.set_wait_time(least, most)?;
    }
    Ok(GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(shared)?
        .register_scenario(scenario))
}

type Step = for<'u> fn(
    Arc<Shop>,
    &'u mut GooseUser,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'u>>;

fn step(shop: &Arc<Shop>, step: Step) -> goose::goose::TransactionFunction {
    let shop = Arc::clone(shop);
    Arc::new(move |user| {
        let shop = Arc::clone(&shop);
        Box::pin(async move {
            step(shop, user).await;
            TransactionResult::Ok(())
        })
    })
}

/// The client of one user: its own connections, and bytes as they came.
pub(super) fn client_builder(order: &Order) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(order.tls.clone())
        .http1_only()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .user_agent(concat!("x402-assay/", env!("CARGO_PKG_VERSION")))
}

/// A user comes: with a connection pool, a wallet and a number of its own.
fn enter(
    shop: Arc<Shop>,
    user: &mut GooseUser,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(async move {
        if let Err(error) = user.set_client_builder(client_builder(&shop.order)).await {
            return shop.fail(&format!("the client of a user: {error}"));
        }
        let number = shop.enter();
        let Some(key) = shop.order.keys.get(number) else {
            return shop.fail("there are more users than wallets");
        };
        let visitor = Visitor {
            number: u16::try_from(number).unwrap_or(u16::MAX),
            payer: Payer::new(key.clone()),
        };
        user.set_session_data(Session {
            visitor: Arc::new(visitor),
            turn: 0,
        });
        if number + 1 == shop.order.keys.len() {
            shop.begin();
        }
        let all_here = async {
            while shop.origin().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = all_here => {}
            () = shop.over.cancelled() => {}
        }
        // People do not all press the button at the same moment.
        let most = shop.order.think.1.as_millis();
        let wait = rand::rng().random_range(0..=most);
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or_default());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shop.over.cancelled() => {}
        }
    })
}

#[derive(Debug, Clone)]
struct Session {
    visitor: Arc<Visitor>,
    turn: u64,
}

/// One journey.
fn visit(
    shop: Arc<Shop>,
    user: &mut GooseUser,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(async move {
        let session = user.get_session_data_mut::<Session>();
        let Some(session) = session.filter(|_| !shop.over.is_cancelled()) else {
            return tokio::time::sleep(IDLE).await;
        };
        let (visitor, turn) = (Arc::clone(&session.visitor), session.turn);
        session.turn += 1;
        let mut draws = StdRng::seed_from_u64(
            shop.order.seed ^ (u64::from(visitor.number) << 40) ^ turn.rotate_left(7),
        );
        let journey = shop.order.journeys.pick(draws.random_range(0..10_000));
        let mut walk = Walk {
            shop: &shop,
            visitor: &visitor,
            visit: shop.depart(journey),
            pause: None,
        };
        let outcome = tokio::select! {
            outcome = walk.go(user, journey) => outcome,
            () = shop.hard.cancelled() => unfinished(journey.word()),
        };
        shop.arrive(&walk.visit, &outcome);
        if let Some(pause) = walk.pause {
            let until = Instant::now() + pause;
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = shop.over.cancelled() => {}
            }
        }
    })
}
