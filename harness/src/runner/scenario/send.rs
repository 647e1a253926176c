//! `send`: requests at the same instant, copies, and what clients do when they are refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};

use super::Stage;
use super::carry;
use super::encode::reencode;
use super::request::{self, Shape};
use super::sign::{offer_of, sign_anew};
use super::state::{Paying, Quoted, State};
use crate::config::profile::Route;
use crate::history::case_ran::SIBLING;
use crate::http::Exchange;
use crate::runner::path;
use crate::runner::session::{PaymentHeader, SendError};
use crate::scenario::Encoding;
use crate::scenario::steps::{Content, Encode, HeaderForm, Replica, Retry, RetryPolicy, Send};

/// One request of a step, with what it does when it is refused.
struct Job {
    route: Route,
    paying: Option<Paying>,
    shape: Shape,
    retry: Option<Retry>,
}

/// Everything one `send` step does; it borrows nothing of the round, so that it may go on in the background.
pub(super) struct Volley {
    probe: String,
    jobs: Vec<Job>,
    concurrency: usize,
    /// The same form of a path nobody declared, asked for without a payment.
    sibling: Option<Job>,
    done: Arc<AtomicBool>,
}

impl Volley {
    /// Prepares the requests of a step; `main` is the route of payments that name none.
    pub(super) fn new(
        state: &mut State,
        step: &Send,
        probe: String,
        main: Route,
        named: Option<Route>,
        routes: &[Route],
    ) -> Self {
        let done = state.begin(step.name.as_deref());
        let shape = |copy: usize| Shape {
            method: step.method.clone(),
            body: step.body,
            header: (step.header != HeaderForm::Once).then_some(step.header),
            also: also(state, step, copy),
            path_form: step.path_form,
            carried: step.carried.clone(),
            give_up: step.give_up_after,
            via: None,
        };
        let copies = usize::try_from(step.copies).unwrap_or(1);
        let ways: Vec<Option<SocketAddr>> = std::iter::once(None)
            .chain(state.copies.iter().copied().map(Some))
            .collect();
        let mut jobs: Vec<Job> = Vec::new();
        for copy in 0..copies {
            let payments: Vec<Option<&Paying>> = match &step.content {
                Content::Nothing => vec![None],
                Content::Payment(name) => state.payment(name).iter().map(Some).collect(),
            };
            for paying in payments {
                let paying = paying.map(|paying| written(paying, step, copy));
                let own = paying.as_ref().map(|paying| paying.route.clone());
                let way = way(step.replica, &ways, jobs.len());
                jobs.push(Job {
                    route: named.clone().or(own).unwrap_or_else(|| main.clone()),
                    paying,
                    shape: Shape {
                        via: way,
                        ..shape(copy)
                    },
                    retry: step.retry,
                });
            }
        }
        let first: Option<&Job> = jobs.first().filter(|_| step.path_form.is_some());
        let sibling = first.and_then(|job| {
            Some(Job {
                route: path::sibling(routes, &job.route)?,
                paying: None,
                shape: Shape {
                    header: None,
                    also: None,
                    ..job.shape.clone()
                },
                retry: None,
            })
        });
        Self {
            probe,
            jobs,
            sibling,
            concurrency: usize::try_from(step.concurrency).unwrap_or(1).max(1),
            done,
        }
    }

    /// Sends it all and waits for every answer.
    pub(super) async fn run(self, stage: &Stage<'_>) -> Result<(), SendError> {
        let probe: Arc<str> = self.probe.into();
        let requests = self.jobs.into_iter().map(|job| {
            let probe = Arc::clone(&probe);
            async move { job.run(stage, &probe).await }
        });
        let ran = stream::iter(requests)
            .buffer_unordered(self.concurrency)
            .try_collect::<Vec<()>>()
            .await;
        if let (Some(sibling), Ok(_)) = (self.sibling, &ran) {
            sibling.run(stage, &format!("{probe}/{SIBLING}")).await?;
        }
        self.done.store(true, Ordering::SeqCst);
        ran.map(|_| ())
    }
}

/// The copy of the target that a request goes to; `None` is the first.
fn way(replica: Replica, ways: &[Option<SocketAddr>], job: usize) -> Option<SocketAddr> {
    let index = match replica {
        Replica::First => 0,
        Replica::Number(number) => usize::try_from(number).map_or(0, |n| n.saturating_sub(1)),
        Replica::Spread => job % ways.len().max(1),
    };
    ways.get(index).copied().flatten()
}

fn also(state: &State, step: &Send, copy: usize) -> Option<String> {
    let payments = state.payment(step.also.as_deref()?);
    let second = payments.get(copy % payments.len().max(1))?;
    Some(second.header_value.clone())
}

fn written(paying: &Paying, step: &Send, copy: usize) -> Paying {
    let way = match step.encode {
        None => None,
        Some(Encode::With(way)) => Some(way),
        // The first as usual, then one way after the other, over and over.
        Some(Encode::Each) => copy
            .checked_sub(1)
            .and_then(|index| Encoding::ALL.get(index % Encoding::ALL.len()))
            .map(|(_, way)| *way),
    };
    let mut paying = paying.clone();
    if let Some(way) = way {
        paying.header_value = reencode(&paying.header_value, way);
    }
    if let Some(size) = step.carried.header_size {
        paying.header_value = carry::padded(&paying.header_value, size);
    }
    paying
}

fn header_of(paying: &Paying) -> PaymentHeader {
    PaymentHeader {
        authorization: Some(paying.number),
        name: paying.header_name,
        value: paying.header_value.clone(),
    }
}

impl Job {
    async fn run(&self, stage: &Stage<'_>, probe: &str) -> Result<(), SendError> {
        let header = self.paying.as_ref().map(header_of);
        match self.retry {
            None => self.once(stage, probe, header.as_ref()).await.map(|_| ()),
            Some(retry) => match retry.policy {
                RetryPolicy::SamePayment => self.same_payment(stage, probe, retry).await,
                RetryPolicy::FreshPayment => self.fresh_payment(stage, probe, retry).await,
                RetryPolicy::AfterTimeout => self.after_timeout(stage, probe, retry).await,
            },
        }
    }

    async fn once(
        &self,
        stage: &Stage<'_>,
        probe: &str,
        header: Option<&PaymentHeader>,
    ) -> Result<Exchange, SendError> {
        let size = self.shape.carried.header_size;
        let junk = size.map(|size| carry::junk(stage.version, size));
        let header = header.or(junk.as_ref());
        let sent = request::send(stage.session, probe, &self.route, header, &self.shape);
        Box::pin(sent).await
    }

    async fn same_payment(
        &self,
        stage: &Stage<'_>,
        probe: &str,
        retry: Retry,
    ) -> Result<(), SendError> {
        let header = self.paying.as_ref().map(header_of);
        let shape = self.impatient(retry);
        for attempt in 0..retry.attempts {
            if attempt > 0 {
                pause(stage, retry).await?;
            }
            let session = stage.session;
            let exchange = Box::pin(request::send(
                session,
                probe,
                &self.route,
                header.as_ref(),
                &shape,
            ))
            .await?;
            if exchange
                .response()
                .is_some_and(|answer| answer.is_success())
            {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn fresh_payment(
        &self,
        stage: &Stage<'_>,
        probe: &str,
        retry: Retry,
    ) -> Result<(), SendError> {
        let mut paying = self.paying.clone();
        let shape = self.impatient(retry);
        for attempt in 0..retry.attempts {
            if attempt > 0 {
                pause(stage, retry).await?;
            }
            let header = paying.as_ref().map(header_of);
            let session = stage.session;
            let exchange = Box::pin(request::send(
                session,
                probe,
                &self.route,
                header.as_ref(),
                &shape,
            ))
            .await?;
            let Some(next) = self.answered(stage, &exchange, paying.as_ref()) else {
                return Ok(());
            };
            paying = Some(next);
        }
        Ok(())
    }

    /// The payment a client signs for the new challenge of a 402; none for anything else.
    fn answered(
        &self,
        stage: &Stage<'_>,
        exchange: &Exchange,
        paying: Option<&Paying>,
    ) -> Option<Paying> {
        let answer = exchange.response().filter(|answer| answer.status == 402)?;
        let paying = paying?;
        let mut quoted: Quoted =
            offer_of(stage, answer, &self.route, (None, paying.scheme)).ok()?;
        quoted.version = paying.version;
        Some(sign_anew(stage, &quoted, &paying.payer))
    }

    /// Sends again while earlier requests are open; the first answer ends it, the others are still awaited.
    async fn after_timeout(
        &self,
        stage: &Stage<'_>,
        probe: &str,
        retry: Retry,
    ) -> Result<(), SendError> {
        let header = self.paying.as_ref().map(header_of);
        let mut open = FuturesUnordered::new();
        open.push(self.once(stage, probe, header.as_ref()));
        let mut attempts = 1;
        let timeout = retry.timeout.unwrap_or_default() + retry.backoff;
        let mut heard = false;
        while !open.is_empty() {
            if heard || attempts >= retry.attempts {
                open.next().await.transpose()?;
                continue;
            }
            tokio::select! {
                ended = open.next() => heard |= ended.transpose()?.is_some_and(|e| e.response().is_some()),
                () = tokio::time::sleep(timeout) => {
                    attempts += 1;
                    open.push(self.once(stage, probe, header.as_ref()));
                }
            }
        }
        Ok(())
    }

    fn impatient(&self, retry: Retry) -> Shape {
        Shape {
            give_up: self.shape.give_up.or(retry.timeout),
            ..self.shape.clone()
        }
    }
}

async fn pause(stage: &Stage<'_>, retry: Retry) -> Result<(), SendError> {
    tokio::select! {
        () = tokio::time::sleep(retry.backoff) => Ok(()),
        () = stage.session.cancel.cancelled() => Err(SendError::Cancelled),
    }
}
