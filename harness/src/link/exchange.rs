//! One request and its answer.

use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::about::About;
use super::body::BodyState;
use super::cache::{CacheKey, Stored};
use super::effect::{Effect, carry_out};
use super::event::{LinkEnds, LinkEvent, Stage};
use super::head::{Framing, RequestHead, ResponseHead};
use super::open::Live;
use super::rule::{Answer, HostHeader};
use super::shared::{LinkHit, Shared};
use super::upstream::{KEPT_MAX, Upstream, WholeAnswer};
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
enum AnswerHead {
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
    async fn at(&self, stage: Stage) -> Effect {
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

    async fn pass_copy(&self, copy: &WholeAnswer, to_client: &mut Writer<'_>) -> Result<(), End> {
        self.live.answering.store(true, Ordering::Relaxed);
        to_client.write_all(&copy.head.raw).await?;
        let limit = self.live.limit.load(Ordering::Relaxed);
        let (_, all) = copy.body.write(to_client, limit).await?;
        if all && copy.body.ended && !closes(&copy.head, &self.head) {
            Ok(())
        } else {
            Err(End::Close)
        }
    }

    /// An answer to a request that is not all sent: it passes, and then both connections end.
    async fn pass_early(
        &self,
        early: AnswerHead,
        client: &mut Side<'_>,
        server: &mut Side<'_>,
    ) -> Result<End, End> {
        let AnswerHead::Head(head) = early else {
            return Err(End::Close);
        };
        self.live.answering.store(true, Ordering::Relaxed);
        client.to.write_all(&head.raw).await?;
        let mut body = BodyState::from(head.framing(&self.head.method));
        let limit = &self.live.limit;
        server
            .from
            .pump(&mut client.to, &mut body, 0, limit)
            .await?;
        client.from.linger().await;
        Ok(End::Close)
    }

    /// The answer's way back.
    async fn pass_back(
        &self,
        head: AnswerHead,
        client: &mut Side<'_>,
        server: &mut Side<'_>,
        key: Option<CacheKey>,
    ) -> Result<End, End> {
        let head = match head {
            AnswerHead::Head(head) => head,
            AnswerHead::Ended => return Err(End::Close),
            AnswerHead::Odd(bytes) => {
                client.to.write_all(&bytes).await?;
                return Ok(End::Tunnel);
            }
        };
        let mut body = BodyState::from(head.framing(&self.head.method));
        let mut kept = Collected::default();
        let storable = key.filter(|_| Stored::may(&head));
        let after = self.about.subject.map(LinkEvent::after);
        let wanted = after.is_some_and(|event| self.shared.waits_for(event));
        if wanted || storable.is_some() {
            // Cut short by the server: passed on as far as it came, and then closed.
            let _ = server.from.collect(&mut body, &mut kept, KEPT_MAX).await?;
        }
        match self.at(Stage::After).await {
            Effect::Pass => {}
            Effect::Reset => return Err(End::Reset),
            Effect::Close => return Err(End::Close),
            Effect::Truncate(bytes) => self.live.truncate(bytes),
            // The first answer is here; what the second says is of no interest, only that it was asked.
            Effect::Duplicate => drop(self.ask_once_more().await),
            Effect::Answer(answer) => {
                self.answer(&mut client.to, &answer, true).await?;
                return Ok(if kept.ended && !head.closes() {
                    End::Next
                } else {
                    End::NextElsewhere
                });
            }
        }
        if let Some(key) = storable.filter(|_| kept.ended) {
            self.store(key, &head, &kept);
        }
        self.pass_answer(&head, (body, &kept), client, server).await
    }

    async fn pass_answer(
        &self,
        head: &ResponseHead,
        (mut body, kept): (BodyState, &Collected),
        client: &mut Side<'_>,
        server: &mut Side<'_>,
    ) -> Result<End, End> {
        self.live.answering.store(true, Ordering::Relaxed);
        client.to.write_all(&head.raw).await?;
        if head.status == 101 {
            return Ok(End::Tunnel);
        }
        let limit = &self.live.limit;
        let (passed, mut all) = kept
            .write(&mut client.to, limit.load(Ordering::Relaxed))
            .await?;
        if all && !kept.ended {
            all = tokio::select! {
                biased;
                all = server.from.pump(&mut client.to, &mut body, passed, limit) => all?,
                () = client.from.gone() => false,
            };
        }
        if all && !closes(head, &self.head) {
            Ok(End::Next)
        } else {
            Err(End::Close)
        }
    }

    async fn ask_once_more(&self) -> Option<WholeAnswer> {
        let request = self.live.copy()?;
        self.upstream.ask(&request, &self.head.method).await.ok()
    }

    /// Answers instead of the server; `whole` says whether the request was read to its end.
    async fn answer(
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

    fn cache_key(&self) -> Option<CacheKey> {
        self.shared.rules.cache()?;
        CacheKey::of(&self.head)
    }

    fn cached(&self, key: &CacheKey) -> Option<Vec<u8>> {
        let found = self
            .shared
            .cache()
            .lookup(key, &self.head, Instant::now())?;
        self.note_cache("answered from the cache");
        Some(found)
    }

    fn store(&self, key: CacheKey, head: &ResponseHead, body: &Collected) {
        let stored = Stored::new(&self.head, head, body.wire(), Instant::now());
        if let Some(stored) = stored {
            self.shared.cache().insert(key, stored);
            self.note_cache("stored");
        }
    }

    fn note_cache(&self, note: &str) {
        let Some((rule, on)) = self.shared.rules.cache() else {
            return;
        };
        self.shared.hits.push(LinkHit {
            rule,
            fault: "cache".to_owned(),
            on,
            exchange: self.live.id,
            about: self.about.clone(),
            note: Some(note.to_owned()),
        });
    }
}

fn closes(answer: &ResponseHead, request: &RequestHead) -> bool {
    answer.closes() || request.closes() || answer.framing(&request.method) == Framing::UntilClose
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
