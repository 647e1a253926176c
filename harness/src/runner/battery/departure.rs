//! Purchases that somebody or something does not wait for: a client that goes away, an authorization that ends while the
//! handler still works. Last of all: a server that trips over them may sell nothing any more.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use serde_json::json;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::Lie;
use x402_mock_facilitator::{HoldSpec, Match};

use super::delivery::route_to;
use super::{Battery, Section};
use crate::history::event::Trouble;
use crate::runner::session::SendError;

/// Pause between two looks at what is held.
const LOOK: Duration = Duration::from_millis(5);
/// Longest wait until the target has asked about a payment.
const ASKED_WITHIN: Duration = Duration::from_secs(2);
/// Seconds that an authorization lives which the handler outlives.
const LIFE_S: u64 = 1;
/// How long that handler works: longer than the authorization lives, whatever part of a second it began in.
const SLOW: Duration = Duration::from_millis(1_200);
/// With less patience than this the slow handler is not waited for.
const SLOW_TAKES: Duration = Duration::from_secs(2);

pub(super) const SECTION: Section = Section {
    requests: |_| 4,
    run: |battery| departure(battery).boxed(),
};

async fn departure(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.can_fault("flow").await {
        return Ok(());
    }
    slow_handler(battery).await?;
    client_gone(battery).await
}

/// An authorization that is valid when it is verified, and over when the handler is done. Facilitators refuse what ends
/// within six seconds, so ours says yes to it without looking.
async fn slow_handler(battery: &Battery<'_>) -> Result<(), SendError> {
    const NAME: &str = "flow/slow-handler";
    let session = battery.session;
    let Some(template) = &session.profile.origin.delay else {
        return Ok(());
    };
    if session.patience < SLOW_TAKES {
        let why = format!(
            "not sent: it takes {SLOW_TAKES:?}, and --patience is {:?}",
            session.patience
        );
        session.note(Some(&battery.probe(NAME)), why);
        return Ok(());
    }
    let path = template.replace("{ms}", &SLOW.as_millis().to_string());
    let route = route_to(battery, path);
    let battery = battery.on(&route);
    let dying = |now: u64, options: &mut crate::client::SignOptions| {
        options.valid_before = Some(now + LIFE_S);
    };
    if let Some(ready) = battery.ready(NAME, 0, dying).await? {
        let yes = [(Some(Endpoint::Verify), Lie::without_work(true).into())];
        battery.send_under(NAME, ready, &yes).await?;
    }
    Ok(())
}

/// A client that closes the connection while the target waits for /verify.
async fn client_gone(battery: &Battery<'_>) -> Result<(), SendError> {
    const NAME: &str = "flow/client-gone";
    let session = battery.session;
    let Some(ready) = battery.ready(NAME, 0, |_, _| ()).await? else {
        return Ok(());
    };
    let name = format!("battery.gone.{:x}", ready.payment.key.nonce);
    let hold = HoldSpec {
        or_quiet_ms: 30_000,
        matching: Match {
            authorization: Some(ready.payment.key.nonce),
            ..Match::default()
        },
        ..HoldSpec::new(&name, Endpoint::Verify, 2)
    };
    session.control.add_hold(&json!(hold)).await?;
    let leave = async {
        until_held(battery, &name).await;
        let message = "the client went away while /verify was under way".to_owned();
        (Trouble::Left, message)
    };
    let request = session.request(battery.route, Some(&ready.header)).await?;
    let (probe, route) = (battery.probe(NAME), &battery.route.path);
    let sent = session.perform_until(&probe, route, request, Some(&ready.header), leave);
    let sent = sent.await;
    session.control.remove_holds(&name).await?;
    sent?;
    session.settle_down().await?;
    Ok(())
}

/// Waits until the hold has the call, or it is clear that none comes.
async fn until_held(battery: &Battery<'_>, name: &str) {
    let until = Instant::now() + ASKED_WITHIN;
    while Instant::now() < until {
        // A service that does not answer says so at the next call that matters.
        if let Ok(list) = battery.session.control.holds().await {
            let mut ours = list.holds.iter().filter(|view| view.hold.name == name);
            if ours.any(|view| !view.parked.is_empty()) {
                return;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
