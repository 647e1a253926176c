//! One request and its answer.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::io::AsyncWriteExt as _;

use super::about::About;
use super::body::BodyState;
use super::effect::{Effect, carry_out};
use super::event::{LinkEnds, LinkEvent, Stage};
use super::head::{RequestHead, ResponseHead};
use super::open::Live;
use super::rule::{Answer, HostHeader};
use super::shared::Shared;
use super::upstream::{Upstream, WholeAnswer};
use super::wire::{Collected, HeadRead, Reader, Side, Wire, Writer};

/// Largest request that is read whole: to know whose it is, or to send it twice.
const REQUEST_KEPT_MAX: usize = 1024 * 1024;

/// What becomes of the two connections after an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The next request may come.
    Next,
    /// The next request may come, on another connection to the server: this one has not answered yet.
    NextElsewhere,
    /// Both end in good order.
    Close,
    /// Both are reset.
    Reset,
    /// Whatever comes passes both ways.
    Tunnel,
}

/// A connection broke: it ends on the other side as well.
impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Close,
            _ => Self::Reset,
        }
    }
}

/// One exchange under way.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) shared: &'a Shared,
    pub(super) live: &'a Live,
    pub(super) upstream: Upstream,
    pub(super) about: About,
    pub(super) head: RequestHead,
}

/// The answer's head, or what stood there instead.
#[derive(Debug)]
pub(super) enum AnswerHead {
    Head(ResponseHead),
    Ended,
    Odd(Bytes),
}

/// What came first.
#[derive(Debug)]
enum First {
    /// The answer to the request.
    Head(AnswerHead),
    /// An answer before the request was all sent.
    Early(AnswerHead),
    /// The answer to the request's copy.
    Copy(WholeAnswer),
    /// The link answered, after the request was sent.
    Answered,
}

/// The request as far as it was read, and how it is to be sent.
#[derive(Debug)]
struct Outgoing {
    body: BodyState,
    kept: Collected,
    limit: AtomicU64,
    twice: bool,
}

impl Exchange<'_> {
    /// Carries it through; an error is how both connections end.
    pub(super) async fn run(
        mut self,
        client: &mut Wire,
        server: &mut Option<Wire>,
    ) -> Result<End, End> {
        let mut client = client.split();
        let mut request = Outgoing {
            body: BodyState::from(self.head.framing()),
            kept: Collected::default(),
            limit: AtomicU64::new(u64::MAX),
            twice: false,
        };
        self.keep_request(&mut client, &mut request).await?;
        if let Some(end) = self.before(&mut client, &mut request).await? {
            return Ok(end);
        }
        let key = self.cache_key();
        if let Some(stored) = key.as_ref().and_then(|key| self.cached(key)) {
            self.live.answering.store(true, Ordering::Relaxed);
            client.to.write_all(&stored).await?;
            let whole = request.body.done() && !self.head.closes();
            return if whole {
                Ok(End::Next)
            } else {
                Err(End::Close)
            };
        }
        if server.is_none() {
            // Nobody there: for the caller that is a connection which breaks.
            *server = Some(self.upstream.connect().await.map_err(|_| End::Reset)?);
        }
        let mut server = server.as_mut().ok_or(End::Reset)?.split();
        match self.forward(&mut client, &mut server, &mut request).await? {
            First::Head(head) => self.pass_back(head, &mut client, &mut server, key).await,
            First::Early(head) => self.pass_early(head, &mut client, &mut server).await,
            First::Copy(copy) => {
                self.pass_copy(&copy, &mut client.to).await?;
                Ok(End::NextElsewhere)
            }
            First::Answered => Ok(End::NextElsewhere),
        }
    }

    /// Reads the body ahead where somebody must know it.
    async fn keep_request(
        &mut self,
        client: &mut Side<'_>,
        request: &mut Outgoing,
    ) -> Result<(), End> {
        let repeat = self.shared.may_repeat();
        let call = self.shared.ends == LinkEnds::ServerFacilitator && self.about.subject.is_some();
        if !repeat && !call {
            return Ok(());
        }
        let Outgoing { body, kept, .. } = request;
        if self.head.fields.has("expect", "100-continue") && !body.done() {
            client
                .to
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        if !client.from.collect(body, kept, REQUEST_KEPT_MAX).await? {
            return Err(End::Close);
        }
        if call {
            self.about.read_call(&kept.content());
        }
        if repeat && body.done() {
            let mut whole = self.head_bytes().to_vec();
            whole.extend(kept.wire());
            self.live.set_copy(whole.into());
        }
        Ok(())
    }

    /// The request arrived; an end when it is not to be passed on.
    async fn before(
        &self,
        client: &mut Side<'_>,
        request: &mut Outgoing,
    ) -> Result<Option<End>, End> {
        match self.at(Stage::Before).await {
            Effect::Pass => {}
            Effect::Reset => return Err(End::Reset),
            Effect::Close => return Err(End::Close),
            Effect::Duplicate => request.twice = true,
            Effect::Truncate(bytes) => request.limit.store(bytes, Ordering::Relaxed),
            Effect::Answer(answer) => {
                let whole = request.body.done();
                return self.answer(&mut client.to, &answer, whole).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Passes the request on and waits for the answer's head.
    async fn forward(
        &self,
        client: &mut Side<'_>,
        server: &mut Side<'_>,
        request: &mut Outgoing,
    ) -> Result<First, End> {
        {
            let mut sending = pin!(self.send(&mut client.from, &mut server.to, request));
            loop {
                tokio::select! {
                    biased;
                    // A server that hangs up while it is sent to may have answered before: that is read below.
                    sent = &mut sending => if let Ok(false) = sent {
                        return Err(End::Close);
                    } else {
                        break;
                    },
                    head = server.from.head() => {
                        if let Some(head) = pass_interim(head?, &mut server.from, &mut client.to).await? {
                            return Ok(First::Early(head));
                        }
                    }
                }
            }
        }
        let mut twice = request.twice;
        match self.at(Stage::Forwarded).await {
            Effect::Pass => {}
            Effect::Reset => return Err(End::Reset),
            Effect::Close => return Err(End::Close),
            Effect::Duplicate => twice = true,
            Effect::Truncate(bytes) => self.live.truncate(bytes),
            Effect::Answer(answer) => {
                self.answer(&mut client.to, &answer, true).await?;
                return Ok(First::Answered);
            }
        }
        let mut copied = pin!(self.ask_again(twice));
        // Polled once, so that it is on its way whoever answers first.
        if let Some(copy) = copied.as_mut().now_or_never() {
            return Ok(First::Copy(copy));
        }
        loop {
            tokio::select! {
                biased;
                head = server.from.head() => {
                    if let Some(head) = pass_interim(head?, &mut server.from, &mut client.to).await? {
                        return Ok(First::Head(head));
                    }
                }
                copy = &mut copied => return Ok(First::Copy(copy)),
                () = client.from.gone() => return Err(End::Close),
            }
        }
    }

    /// Everything that is armed for this stage, carried out.
    pub(super) async fn at(&self, stage: Stage) -> Effect {
        let Some(subject) = self.about.subject else {
            return Effect::Pass;
        };
        let event = LinkEvent { stage, subject };
        carry_out(self.shared.event(event, self.live.id, &self.about).await).await
    }

    fn head_bytes(&self) -> Bytes {
        match self.shared.host {
            HostHeader::Keep => self.head.raw.clone(),
            HostHeader::Upstream => self.head.with_host(&self.upstream.authority),
        }
    }

    /// Passes the request on; false when its caller ended it, or a fault did.
    async fn send(
        &self,
        client: &mut Reader<'_>,
        server: &mut Writer<'_>,
        request: &mut Outgoing,
    ) -> io::Result<bool> {
        let Outgoing {
            body, kept, limit, ..
        } = request;
        server.write_all(&self.head_bytes()).await?;
        let (passed, all) = kept.write(server, limit.load(Ordering::Relaxed)).await?;
        Ok(all && client.pump(server, body, passed, limit).await?)
    }

    /// The request once more, on a connection of its own; never ends when there is nothing to send. It is asked even if
    /// nobody waits for the answer any more.
    async fn ask_again(&self, twice: bool) -> WholeAnswer {
        let Some(request) = self.live.copy().filter(|_| twice) else {
            return std::future::pending().await;
        };
        let (upstream, method) = (self.upstream.clone(), self.head.method.clone());
        let asked = self
            .shared
            .tasks
            .spawn(async move { upstream.ask(&request, &method).await });
        // A copy that fails is no reason to give up the first request.
        match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => std::future::pending().await,
        }
    }

    /// Answers instead of the server; `whole` says whether the request was read to its end.
    pub(super) async fn answer(
        &self,
        to_client: &mut Writer<'_>,
        answer: &Answer,
        whole: bool,
    ) -> Result<End, End> {
        let close = !whole || self.head.closes();
        self.live.answering.store(true, Ordering::Relaxed);
        to_client.write_all(&answer.to_bytes(close)).await?;
        if close {
            Err(End::Close)
        } else {
            Ok(End::Next)
        }
    }
}

/// The final head; an interim one is passed on, and another follows.
async fn pass_interim(
    read: HeadRead,
    from_server: &mut Reader<'_>,
    to_client: &mut Writer<'_>,
) -> io::Result<Option<AnswerHead>> {
    let raw = match read {
        HeadRead::Head(raw) => raw,
        HeadRead::Ended => return Ok(Some(AnswerHead::Ended)),
        HeadRead::Endless => return Ok(Some(AnswerHead::Odd(from_server.rest()))),
    };
    match ResponseHead::parse(raw.clone()) {
        Some(head) if head.interim() => {
            to_client.write_all(&head.raw).await?;
            Ok(None)
        }
        Some(head) => Ok(Some(AnswerHead::Head(head))),
        None => Ok(Some(AnswerHead::Odd(raw))),
    }
}
