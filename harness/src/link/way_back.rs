//! The answer's way back to the caller, and what a shared cache keeps of it.

use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::body::BodyState;
use super::cache::{CacheKey, Stored};
use super::effect::Effect;
use super::event::{LinkEvent, Stage};
use super::exchange::{AnswerHead, End, Exchange};
use super::head::{Framing, RequestHead, ResponseHead};
use super::shared::LinkHit;
use super::upstream::{KEPT_MAX, WholeAnswer};
use super::wire::{Collected, Side, Writer};

impl Exchange<'_> {
    pub(super) async fn pass_copy(
        &self,
        copy: &WholeAnswer,
        to_client: &mut Writer<'_>,
    ) -> Result<(), End> {
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
    pub(super) async fn pass_early(
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
    pub(super) async fn pass_back(
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

    pub(super) fn cache_key(&self) -> Option<CacheKey> {
        self.shared.rules.cache()?;
        CacheKey::of(&self.head)
    }

    pub(super) fn cached(&self, key: &CacheKey) -> Option<Vec<u8>> {
        let found = self.shared.cache().lookup(key, &self.head, Instant::now());
        self.note_cache(match found {
            Some(_) => "answered from the cache",
            None => "not in the cache",
        });
        found
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
