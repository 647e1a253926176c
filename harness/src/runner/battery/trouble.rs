//! The facilitator in trouble: answers that are none, silence, an answer lost on the way, and an outage.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::try_join;
use serde_json::json;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::{Body, Hang, Moment, Outage, Redirect, Reset, Status, When};
use x402_mock_facilitator::{Fault, FaultSpec};

use super::faulted::{Ready, Trouble};
use super::{Battery, Section};
use crate::history::What;
use crate::http::now_us;
use crate::runner::session::{PaymentHeader, SendError};

/// Where a redirect leads: a path that the facilitator does not have.
const NOWHERE: &str = "/x402-assay-nowhere";
/// Silence goes on for so long after the bench has given up, so that an answer is the target's own doing.
const LONGER: Duration = Duration::from_millis(200);
/// Longest silence, in milliseconds.
const HANG_MAX_MS: u64 = 130_000;
/// Purchases that are tried before it is said that a target does not sell again, and the pause between two.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

pub(super) const SECTION: Section = Section {
    requests: |_| 2 * (verify_troubles().len() + settle_troubles().len()) + 3 + 6 + 9,
    run: |battery| trouble(battery).boxed(),
};

/// What an odd body may be named; each row is in the facilitator's table.
fn odd(name: &str, work: bool) -> Fault {
    let case = name.parse().expect("the facilitator knows this body");
    Body { case, work }.into()
}

fn status(status: u16) -> Fault {
    let body = json!({ "error": "something went wrong" });
    Status {
        body: Some(body.to_string()),
        ..Status::without_work(status)
    }
    .into()
}

fn redirect() -> Fault {
    Redirect {
        status: 307,
        location: NOWHERE.to_owned(),
    }
    .into()
}

fn reset(when: Moment) -> Fault {
    Reset { when }.into()
}

fn verify_troubles() -> Vec<(&'static str, Fault)> {
    vec![
        ("trouble/verify-500", status(500)),
        ("trouble/verify-junk", odd("html", true)),
        ("trouble/verify-schema", odd("empty-object", true)),
        ("trouble/verify-coerced", odd("flag-string", true)),
        ("trouble/verify-reset", reset(Moment::Before)),
        ("trouble/verify-redirect", redirect()),
        ("trouble/verify-429", status(429)),
    ]
}

/// The money never moves under these: whoever delivers gives it away.
fn settle_troubles() -> Vec<(&'static str, Fault)> {
    vec![
        ("trouble/settle-500", status(500)),
        ("trouble/settle-junk", odd("html", false)),
        ("trouble/settle-schema", odd("empty-object", false)),
        ("trouble/settle-reset", reset(Moment::Before)),
        ("trouble/settle-redirect", redirect()),
        ("trouble/settle-429", status(429)),
    ]
}

async fn trouble(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.can_fault("trouble").await {
        return Ok(());
    }
    for (name, fault) in verify_troubles() {
        battery.pay_once(name, Endpoint::Verify, fault).await?;
    }
    for (name, fault) in settle_troubles() {
        battery.pay_once(name, Endpoint::Settle, fault).await?;
    }
    battery.lost_answer().await?;
    if !battery.leads {
        return Ok(());
    }
    let hung = battery.silence().await?;
    let rest = async {
        battery.sell_again("trouble/after-hang").await?;
        battery.outage().await
    };
    let rest = rest.await;
    for ready in &hung {
        battery.take_back(ready).await?;
    }
    rest
}

impl Battery<'_> {
    /// One payment under a fault. A 429 that the target passes on is no rate limit of its own, so nothing is repeated.
    async fn pay_once(&self, name: &str, on: Endpoint, fault: Fault) -> Result<(), SendError> {
        match self.ready(name, 0, |_, _| ()).await? {
            Some(ready) => {
                self.once_under(name, &ready, &[(Some(on), fault)], None)
                    .await
            }
            None => Ok(()),
        }
    }

    async fn once_under(
        &self,
        name: &str,
        ready: &Ready,
        troubles: &[Trouble],
        give_up: Option<Duration>,
    ) -> Result<(), SendError> {
        self.inject(ready, troubles).await?;
        let sent = self.once(name, &ready.header, give_up).await;
        // Also when nothing could be sent: a facilitator that serves several runs must not keep it.
        self.take_back(ready).await?;
        sent
    }

    async fn once(
        &self,
        name: &str,
        header: &PaymentHeader,
        give_up: Option<Duration>,
    ) -> Result<(), SendError> {
        let (session, route) = (self.session, self.route);
        let request = session.request(route, Some(header)).await?;
        session
            .perform(
                &self.probe(name),
                &route.path,
                request,
                Some(header),
                give_up,
            )
            .await
            .map(|_| ())
    }

    /// The money moves, and the facilitator's answer is lost; then the same payment again.
    async fn lost_answer(&self) -> Result<(), SendError> {
        let name = "trouble/lost";
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        let lost = (Some(Endpoint::Settle), reset(Moment::BeforeAnswer));
        self.once_under(name, &ready, &[lost], None).await?;
        self.once("trouble/lost-again", &ready.header, None).await
    }

    /// A facilitator that says nothing, for as long as the bench is patient; the payments, whose calls go on failing until
    /// they are taken back: a target that turns to them later must not charge a client that has gone.
    async fn silence(&self) -> Result<Vec<Ready>, SendError> {
        let hung = try_join(
            self.hang("trouble/verify-hang", Endpoint::Verify),
            self.hang("trouble/settle-hang", Endpoint::Settle),
        );
        let (verify, settle) = hung.await?;
        Ok(verify.into_iter().chain(settle).collect())
    }

    async fn hang(&self, name: &str, on: Endpoint) -> Result<Option<Ready>, SendError> {
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(None);
        };
        let patience = self.session.patience;
        let longer = u64::try_from((patience + LONGER).as_millis()).unwrap_or(HANG_MAX_MS);
        let hang = Hang {
            max_ms: longer.min(HANG_MAX_MS),
            when: When::Before,
        };
        // In this order: a call that is kept silent is not reset.
        let troubles = [(Some(on), hang.into()), (Some(on), reset(Moment::Before))];
        self.inject(&ready, &troubles).await?;
        let sent = self.once(name, &ready.header, Some(patience)).await;
        match sent {
            Ok(()) => {
                self.take_back_first(&ready).await?;
                Ok(Some(ready))
            }
            Err(error) => {
                self.take_back(&ready).await?;
                Err(error)
            }
        }
    }

    /// Buys until one purchase is answered 2xx, a few times at most.
    async fn sell_again(&self, name: &str) -> Result<(), SendError> {
        for _ in 1..TRIES {
            if self.buy_seen(name).await? {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.session.cancel.cancelled() => return Err(SendError::Cancelled),
            }
        }
        self.buy_seen(name).await.map(|_| ())
    }

    /// The facilitator is gone for everybody, and comes back.
    async fn outage(&self) -> Result<(), SendError> {
        let (session, name) = (self.session, "trouble/outage");
        if session.shared {
            let why = "not sent: an outage would hit every run that is attached to these services; `launch` in the profile gives the target services of its own";
            session.note(Some(&self.probe(name)), why);
            return Ok(());
        }
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        let free = session.profile.free.first();
        if let Some(path) = free {
            session.get("free/trouble/before", path).await?;
        }
        let fault = format!("battery.{:x}.outage", ready.payment.key.nonce);
        let spec = FaultSpec::new(&fault, Outage {}.into());
        session.control.add_fault(&json!(spec)).await?;
        let sent = self.while_out(name, &ready, free.map(String::as_str)).await;
        session.control.remove_faults(&fault).await?;
        // Connections were refused, so the facilitator's log knows nothing of it.
        session.recorder.append(
            now_us(),
            What::FaultInjected {
                call: None,
                exchange: sent?,
                authorization: None,
                fault: "outage".to_owned(),
            },
        );
        self.sell_again("trouble/after-outage").await?;
        self.once("trouble/outage-again", &ready.header, None).await
    }

    /// What is sent during an outage; the number of the paid exchange.
    async fn while_out(
        &self,
        name: &str,
        ready: &Ready,
        free: Option<&str>,
    ) -> Result<Option<u32>, SendError> {
        let session = self.session;
        self.once(name, &ready.header, None).await?;
        let paid = session.newest_exchange();
        let unpaid = self.probe("trouble/outage-unpaid");
        session.send(&unpaid, self.route, None).await?;
        if let Some(path) = free {
            session.get("free/trouble/outage", path).await?;
        }
        Ok(paid)
    }
}
