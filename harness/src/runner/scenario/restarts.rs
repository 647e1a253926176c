//! `restart` and `replicas`: processes of target and facilitator, changed now or at a protocol event.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::links::{self, Armed};
use super::round::Broken;
use super::{Stage, available};
use crate::history::What;
use crate::history::case_ran::{CaseRan, FaultMet};
use crate::http::now_us;
use crate::link::{LinkFault, LinkRule, LinkSelect};
use crate::runner::Ending;
use crate::scenario::steps::{How, Restart, Restarted};
use crate::scenario::{ProtocolEvent, Role};

/// Longest that an armed restart waits for its event; every round ends before.
const ARMED_MAX: Duration = Duration::from_secs(3_600);

/// Restarts that wait for their event, or are under way.
#[derive(Default)]
pub(super) struct Restarts<'s> {
    waiting: FuturesUnordered<BoxFuture<'s, ()>>,
    armed: Vec<(Armed, Arc<Progress>)>,
}

/// How far an armed restart is.
#[derive(Debug, Default)]
struct Progress {
    begun: AtomicBool,
    over: AtomicBool,
    trouble: Mutex<Option<String>>,
}

pub(super) const fn ending(how: How) -> Ending {
    match how {
        How::Kill => Ending::Kill,
        How::Stop => Ending::Stop,
    }
}

/// Whose process a step means: a scenario for facilitators calls the facilitator its target.
pub(super) const fn whose(of: Restarted, role: Role) -> Restarted {
    match (of, role) {
        (Restarted::Target, Role::Server) => Restarted::Target,
        _ => Restarted::Facilitator,
    }
}

async fn end_and_start(stage: &Stage<'_>, whose: Restarted, ending: Ending) -> Result<(), String> {
    match whose {
        Restarted::Facilitator => stage.facilitator.restart(ending).await,
        Restarted::Target => {
            let changed = stage.target.restart(ending);
            stage.session.change_processes(changed).await.map(|_| ())
        }
    }
}

/// Restarts it here and now.
pub(super) async fn now(
    stage: &Stage<'_>,
    (step, whose): (usize, Restarted),
    restart: &Restart,
    ran: &mut CaseRan,
) -> Result<(), Broken> {
    let changed = end_and_start(stage, whose, ending(restart.how)).await;
    changed.map_err(|why| Broken::Trouble(format!("step {step}: {why}")))?;
    let what = What::FaultInjected {
        call: None,
        exchange: None,
        authorization: None,
        fault: format!("restart of the {} ({})", whose.word(), restart.how.word()),
    };
    stage.session.recorder.append(now_us(), what);
    ran.faults.push(FaultMet {
        step,
        kind: "restart".to_owned(),
        fired: 1,
    });
    Ok(())
}

/// Starts again what an earlier case left dead; the trouble, if it does not come up.
pub(super) async fn revive(stage: &Stage<'_>) -> Option<String> {
    if let Err(why) = stage.facilitator.revive().await {
        return Some(format!("the facilitator does not run any more: {why}"));
    }
    if stage.target.is_up().await {
        return None;
    }
    stage
        .session
        .note(None, "the target had ended: it is started again");
    let changed = stage.session.change_processes(stage.target.revive()).await;
    changed
        .err()
        .map(|why| format!("the target does not run any more: {why}"))
}

/// After a case that left the facilitator under test unable to settle: starts it anew, so that what follows is not
/// blamed for it.
pub(super) async fn renew(stage: &Stage<'_>, after: &str) {
    let session = stage.session;
    if session.access.is_ours() {
        return;
    }
    let left = "the facilitator did not settle an honest purchase after this case";
    let text = match stage.facilitator.fixed() {
        Some(why) => format!("{left}, and what follows may have the same cause ({why})"),
        None => match stage.facilitator.restart(Ending::Stop).await {
            Ok(()) => format!("{left}: it was restarted"),
            Err(why) => format!("{left}, and it could not be restarted: {why}"),
        },
    };
    session.note(Some(after), text);
}

impl<'s> Restarts<'s> {
    /// Arms a restart at an event.
    pub(super) fn arm(
        &mut self,
        stage: &'s Stage<'s>,
        (step, whose): (usize, Restarted),
        (restart, event): (&Restart, ProtocolEvent),
    ) -> Result<(), Broken> {
        let ends = available::seen_at(event);
        let rule = LinkRule {
            on: links::event_of(event).map_err(Broken::Trouble)?,
            select: LinkSelect {
                nth: Some(1),
                ..LinkSelect::default()
            },
            fault: LinkFault::Pause,
        };
        let armed = links::arm_rule(stage, ends, rule, (step, "restart".to_owned()))?;
        let (rule, ending) = (armed.rule(), ending(restart.how));
        let progress = Arc::new(Progress::default());
        let told = Arc::clone(&progress);
        self.waiting.push(Box::pin(async move {
            let Ok(link) = stage.links.between(ends) else {
                return;
            };
            if link.hit_of(rule, ARMED_MAX).await.is_none() {
                return;
            }
            told.begun.store(true, Ordering::SeqCst);
            let changed = end_and_start(stage, whose, ending).await;
            // What was kept back at the event goes on.
            link.disarm(rule);
            *told.trouble.lock().unwrap_or_else(PoisonError::into_inner) = changed.err();
            told.over.store(true, Ordering::SeqCst);
        }));
        self.armed.push((armed, progress));
        Ok(())
    }

    /// Goes on with restarts while something else is done; never ends.
    pub(super) async fn go_on(&mut self) -> std::convert::Infallible {
        while self.waiting.next().await.is_some() {}
        std::future::pending().await
    }

    /// Waits for restarts that have begun.
    pub(super) async fn finish(&mut self) -> Result<(), Broken> {
        loop {
            // One whose event was just seen counts.
            let ended = self.waiting.next().now_or_never().flatten();
            let under_way = self.armed.iter().any(|(_, progress)| {
                progress.begun.load(Ordering::SeqCst) && !progress.over.load(Ordering::SeqCst)
            });
            if ended.is_none() && !under_way {
                return self.trouble();
            }
            if under_way && self.waiting.next().await.is_none() {
                return self.trouble();
            }
        }
    }

    fn trouble(&self) -> Result<(), Broken> {
        let told = |progress: &Progress| {
            let mut trouble = progress
                .trouble
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            trouble.take()
        };
        match self.armed.iter().find_map(|(_, progress)| told(progress)) {
            Some(why) => Err(Broken::Trouble(why)),
            None => Ok(()),
        }
    }

    /// Ends those whose event never came, and notes which took place.
    pub(super) async fn take_back(self, stage: &Stage<'_>, ran: &mut CaseRan) {
        drop(self.waiting);
        for (armed, _) in self.armed {
            armed.take_back(stage, ran).await;
        }
    }
}

/// Runs so many copies of the target.
pub(super) async fn copies(
    stage: &Stage<'_>,
    count: u32,
) -> Result<Vec<std::net::SocketAddr>, String> {
    stage
        .session
        .change_processes(stage.target.copies(count))
        .await
}
