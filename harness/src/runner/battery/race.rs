//! Copies of one payment at the same instant, and different payments side by side.

use futures_util::FutureExt as _;
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::Lie;
use x402_mock_facilitator::holds::Point;
use x402_mock_facilitator::{HoldSpec, Match};

use super::faulted::Ready;
use super::volley::{Shot, Start, hold_name};
use super::{Battery, Section};
use crate::runner::scenario::reencode;
use crate::runner::session::SendError;
use crate::scenario::Encoding;

/// Copies of each race. The scenario `concurrent-duplicates` goes further.
const COPIES: &[usize] = &[2, 10];
/// Different payments beside the one that waits for its settlement.
const BESIDE: usize = 4;
/// Copies sent while the facilitator calls everything settled.
const TRUSTING: usize = 3;
/// A hold is over when nothing more came for so long, in milliseconds.
const QUIET_MS: u64 = 600;
/// Longest that one payment waits while others are sent, in milliseconds.
const STALL_MS: u64 = 2_000;

pub(super) const SECTION: Section = Section {
    // Each race with its quote; the second route is asked for its terms too.
    requests: |_| {
        let copies: usize = COPIES.iter().map(|copies| copies + 1).sum();
        copies + (Encoding::ALL.len() + 2) + 2 * (BESIDE + 1) + 5 + 3 + (TRUSTING + 1)
    },
    run: |battery| race(battery).boxed(),
};

async fn race(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.can_fault("race").await {
        return Ok(());
    }
    for copies in COPIES {
        battery.copies(*copies).await?;
    }
    battery.writings().await?;
    battery.beside().await?;
    battery.second_route().await?;
    battery.replicas().await?;
    battery.trusting().await
}

/// Holds the verdicts, not the questions: each copy that is verified is told yes before any is settled. A server that
/// tells copies apart before it asks is no deadlock: the hold ends when nothing more can come.
fn barrier(ready: &Ready, count: usize) -> HoldSpec {
    HoldSpec {
        or_quiet_ms: QUIET_MS,
        at: Point::Answer,
        matching: about(ready),
        ..HoldSpec::new(hold_name(ready), Endpoint::Verify, count)
    }
}

fn about(ready: &Ready) -> Match {
    Match {
        authorization: Some(ready.payment.key.nonce),
        ..Match::default()
    }
}

impl Battery<'_> {
    async fn copies(&self, copies: usize) -> Result<(), SendError> {
        let name = format!("race/copies-{copies}");
        let Some(ready) = self.ready(&name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        self.volley(
            &self.shots(&name, &ready, copies),
            Start::AtOnce,
            &barrier(&ready, copies),
        )
        .await
    }

    fn shots(&self, name: &str, ready: &Ready, copies: usize) -> Vec<Shot<'_>> {
        let one = |_| Shot::new(name, self.route, ready);
        (0..copies).map(one).collect()
    }

    /// One payment, written in every way at once: other bytes are not another payment.
    async fn writings(&self) -> Result<(), SendError> {
        let name = "race/writings";
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        let mut shots = self.shots(name, &ready, Encoding::ALL.len() + 1);
        for (shot, (_, way)) in shots.iter_mut().skip(1).zip(Encoding::ALL) {
            shot.header.value = reencode(&shot.header.value, *way);
        }
        let hold = barrier(&ready, shots.len());
        self.volley(&shots, Start::AtOnce, &hold).await
    }

    /// Different payments of one payer, and one of another, while the settlement of the first waits.
    async fn beside(&self) -> Result<(), SendError> {
        let mut payments = Vec::new();
        for place in 0..=BESIDE {
            let (name, payer) = match place {
                0 => ("race/waiting", 0),
                BESIDE => ("race/other-payer", 1),
                _ => ("race/beside", 0),
            };
            match self.ready(name, payer, |_, _| ()).await? {
                Some(ready) => payments.push((name, ready)),
                None => return Ok(()),
            }
        }
        let shots: Vec<Shot<'_>> = payments
            .iter()
            .map(|(name, ready)| Shot::new(name, self.route, ready))
            .collect();
        let Some((_, first)) = payments.first() else {
            return Ok(());
        };
        let hold = HoldSpec {
            or_quiet_ms: STALL_MS,
            max_wait_ms: STALL_MS,
            matching: about(first),
            // One more than can come: it ends when the others are over, or with its time.
            ..HoldSpec::new(hold_name(first), Endpoint::Settle, 2)
        };
        self.volley(&shots, Start::FirstAhead, &hold).await
    }

    /// One payment on two routes of equal terms.
    async fn second_route(&self) -> Result<(), SendError> {
        let (name, session) = ("race/two-routes", self.session);
        let others = session.profile.routes.iter();
        let others: Vec<_> = others.filter(|r| r.path != self.route.path).collect();
        if others.is_empty() {
            session.note(
                Some(&self.probe(name)),
                "not sent: the profile has no second entry of `routes`",
            );
            return Ok(());
        }
        let Some(mine) = self.quote(&self.probe(name)).await? else {
            return Ok(());
        };
        for route in others {
            let there = Battery { route, ..*self };
            let Some(theirs) = there.quote(&self.probe(name)).await? else {
                continue;
            };
            let (one, other) = (&mine.choice.terms, &theirs.choice.terms);
            if (one.amount, one.pay_to, &one.domain) != (other.amount, other.pay_to, &other.domain)
            {
                continue;
            }
            let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
                return Ok(());
            };
            let shots = [
                Shot::new(name, self.route, &ready),
                Shot::new(name, route, &ready),
            ];
            return self
                .volley(&shots, Start::AtOnce, &barrier(&ready, shots.len()))
                .await;
        }
        session.note(
            Some(&self.probe(name)),
            "not sent: no other entry of the profile's `routes` has equal terms",
        );
        Ok(())
    }

    /// One payment to two copies of the target.
    async fn replicas(&self) -> Result<(), SendError> {
        let (name, session) = ("race/replicas", self.session);
        if !self.leads {
            return Ok(());
        }
        let why = match self.target.most_copies() {
            Err(why) => Some(why),
            Ok(most) if most < 2 => Some(format!("the profile declares `replicas: {most}`")),
            Ok(_) => None,
        };
        if let Some(why) = why {
            session.note(Some(&self.probe(name)), format!("not sent: {why}"));
            return Ok(());
        }
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        let sent = match session.change_processes(self.target.copies(2)).await {
            Ok(copies) => {
                let mut shots = self.shots(name, &ready, 2);
                shots[1].via = copies.first().copied();
                self.volley(&shots, Start::AtOnce, &barrier(&ready, 2))
                    .await
            }
            Err(why) => {
                let why = format!("not sent: no second copy of the target runs: {why}");
                session.note(Some(&self.probe(name)), why);
                Ok(())
            }
        };
        if let Err(why) = session.change_processes(self.target.copies(1)).await {
            session.note(
                Some(&self.probe(name)),
                format!("the second copy of the target did not end: {why}"),
            );
        }
        sent
    }

    /// Copies while the facilitator calls every settlement a success.
    async fn trusting(&self) -> Result<(), SendError> {
        let name = "race/trusting";
        let Some(ready) = self.ready(name, 0, |_, _| ()).await? else {
            return Ok(());
        };
        // The first settlement is one; what is refused after it is called a success too.
        let lie = Lie::claiming(true);
        self.inject(&ready, &[(Some(Endpoint::Settle), lie.into())])
            .await?;
        let shots = self.shots(name, &ready, TRUSTING);
        let sent = self
            .volley(&shots, Start::AtOnce, &barrier(&ready, TRUSTING))
            .await;
        self.take_back(&ready).await?;
        sent
    }
}
