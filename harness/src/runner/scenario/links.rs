//! `link`: faults of the network, armed on the links of the run and taken back with what they struck.

use std::time::Duration;

use super::round::Broken;
use super::state::State;
use super::{Stage, available};
use crate::history::What;
use crate::history::case_ran::{CaseRan, FaultMet};
use crate::link::{Answer, LinkEnds, LinkEvent, LinkFault, LinkRule, LinkSelect, Share};
use crate::scenario::steps::{Link, LinkFault as Told, Select};
use crate::scenario::{CaseStep, ProtocolEvent, Step};

/// Hits of one rule that become events of the history.
const TOLD_MAX: usize = 100;

/// A rule of a step, until it is taken back.
#[derive(Debug)]
pub(super) struct Armed {
    step: usize,
    ends: LinkEnds,
    rule: u64,
    kind: String,
    from: u64,
}

/// Which link a step names.
pub(super) fn ends_of(link: &Link) -> LinkEnds {
    match link.between {
        crate::scenario::steps::LinkEnds::ClientServer => LinkEnds::ClientServer,
        crate::scenario::steps::LinkEnds::ServerFacilitator => LinkEnds::ServerFacilitator,
    }
}

/// The same event, as links name it.
pub(super) fn event_of(event: ProtocolEvent) -> Result<LinkEvent, String> {
    event.word().parse().map_err(|error| format!("{error}"))
}

/// Whether requests of this case must pass the link in front of the server: something may happen there.
pub(super) fn needs_client_link(steps: &[CaseStep]) -> bool {
    steps.iter().any(|step| match &step.step {
        Step::Link(link) => ends_of(link) == LinkEnds::ClientServer,
        Step::Restart(restart) => restart
            .when
            .is_some_and(|event| available::seen_at(event) == LinkEnds::ClientServer),
        _ => false,
    })
}

/// Arms the rule of a step.
pub(super) fn arm(
    stage: &Stage<'_>,
    state: &State,
    link: &Link,
    (step, seed): (usize, u64),
) -> Result<Armed, Broken> {
    let rule = LinkRule {
        on: event_of(link.on).map_err(Broken::Trouble)?,
        select: select(&link.select, state, seed),
        fault: fault(link.fault),
    };
    let kind = format!("link {}", rule.fault.word());
    arm_rule(stage, ends_of(link), rule, (step, kind))
}

/// Arms any rule.
pub(super) fn arm_rule(
    stage: &Stage<'_>,
    ends: LinkEnds,
    rule: LinkRule,
    (step, kind): (usize, String),
) -> Result<Armed, Broken> {
    let proxy = stage.links.between(ends);
    let proxy = proxy.map_err(|why| Broken::Trouble(format!("step {step}: {why}")))?;
    let from = proxy.next_hit();
    let armed = proxy.arm(rule);
    let rule = armed.map_err(|error| Broken::Trouble(format!("step {step}: {error}")))?;
    Ok(Armed {
        step,
        ends,
        rule,
        kind,
        from,
    })
}

impl Armed {
    /// Number of the rule on its link.
    pub(super) const fn rule(&self) -> u64 {
        self.rule
    }

    /// Ends the rule and notes what it struck.
    pub(super) async fn take_back(self, stage: &Stage<'_>, ran: &mut CaseRan) {
        let Ok(proxy) = stage.links.between(self.ends) else {
            return;
        };
        proxy.disarm(self.rule);
        let (mut fired, mut from) = (0, self.from);
        loop {
            let page = proxy.hits(from, Duration::ZERO).await;
            if page.hits.is_empty() {
                break;
            }
            from = page.next;
            // An event of the other link while nobody was connected here struck nothing.
            let ours = page
                .hits
                .into_iter()
                .filter(|hit| hit.what.rule == self.rule);
            for hit in ours.filter(|hit| hit.what.exchange != 0) {
                fired += 1;
                if fired <= TOLD_MAX as u64 {
                    let fault = format!("{} at {}", self.kind, hit.what.on);
                    let what = What::FaultInjected {
                        call: None,
                        exchange: None,
                        authorization: None,
                        fault,
                    };
                    stage.session.recorder.append(hit.at_us, what);
                }
            }
        }
        ran.faults.push(FaultMet {
            step: self.step,
            kind: self.kind,
            fired,
        });
    }
}

fn select(select: &Select, state: &State, seed: u64) -> LinkSelect {
    let named = |name: &String| state.payer(name).map(|payer| payer.address());
    let nonces = select
        .payment
        .iter()
        .flat_map(|name| state.payment(name))
        .map(|payment| payment.nonce);
    LinkSelect {
        nth: select.nth,
        times: select.times,
        share: (select.percent < 100).then_some(Share {
            percent: select.percent,
            seed,
        }),
        payer: select.payer.as_ref().and_then(named),
        nonces: nonces.collect(),
        path: None,
    }
}

fn fault(told: Told) -> LinkFault {
    match told {
        Told::Reset => LinkFault::Reset,
        Told::Close => LinkFault::Close,
        Told::Hang => LinkFault::Hang,
        Told::Duplicate => LinkFault::Duplicate,
        Told::Cache => LinkFault::Cache,
        Told::Delay(time) => LinkFault::Delay {
            ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        },
        Told::Truncate(bytes) => LinkFault::Truncate {
            bytes: u64::from(bytes),
        },
        Told::Status(status) => LinkFault::Answer(Answer::status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_the_language_is_one_of_a_link() {
        for (word, event) in ProtocolEvent::ALL {
            let read = event_of(*event).unwrap();
            assert_eq!(read.to_string(), *word);
            assert_eq!(read.subject.ends(), available::seen_at(*event));
        }
    }
}
