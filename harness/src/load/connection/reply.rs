//! Reading an answer out of what has come, within bounds (RFC 9112 sections 4 to 7 and 9.3).

use std::mem::MaybeUninit;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use httparse::{ParserConfig, Response, Status};

use super::fields::{Fields, Place};
use super::{Answer, Broken};
use crate::link::message::{BodyState, Framing, head_end};

/// Bytes of a body that are kept; the rest is read and counted.
pub(in super::super) const BODY_KEPT: usize = 64 * 1024;
/// Longest body that is read; a target that sends more is cut off.
pub(in super::super) const BODY_MAX: u64 = 16 * 1024 * 1024;
/// Longest head of an answer, with those of interim answers before it.
const HEAD_MAX: usize = 256 * 1024;
/// Most headers of an answer.
const HEADERS_MAX: usize = 200;

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// More has to come.
    Part,
    /// The answer is whole; true when another request may follow it.
    Whole(bool),
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Reply {
    to_head: bool,
    /// Bytes of an incomplete head that were searched for its end.
    seen: usize,
    /// Bytes of interim answers.
    before: usize,
    head: Option<(Head, Instant)>,
    body: BodyState,
    is_chunked: bool,
    total: u64,
    kept: Kept,
}

#[derive(Debug)]
struct Head {
    status: u16,
    fields: Fields,
    http_1_0: bool,
}

impl Reply {
    /// The answer to a request; `to_head` where that was one with method `HEAD`.
    pub(super) fn new(to_head: bool) -> Self {
        Self {
            to_head,
            seen: 0,
            before: 0,
            head: None,
            body: BodyState::Done,
            is_chunked: false,
            total: 0,
            kept: Kept::default(),
        }
    }

    /// Takes what has come by now; what stands behind the answer stays in the buffer.
    pub(super) fn take(&mut self, buffer: &mut BytesMut, now: Instant) -> Result<Read, Broken> {
        while self.head.is_none() {
            let Some(head) = self.read_head(buffer)? else {
                return Ok(Read::Part);
            };
            // Interim answers are followed by another head; 101 is the last thing said in HTTP.
            if head.status >= 200 || head.status == 101 {
                let framing = head.framing(self.to_head)?;
                self.is_chunked = framing == Framing::Chunked;
                self.body = BodyState::from(framing);
                self.head = Some((head, now));
            }
        }
        while let Some(piece) = self.body.take(buffer, u64::MAX) {
            // A size that is none makes the rest of the connection the body.
            if self.is_chunked && self.body == BodyState::UntilClose {
                return Err(Broken::Garbage);
            }
            if piece.content {
                self.total += piece.raw.len() as u64;
                if self.total > BODY_MAX {
                    return Err(Broken::TooLarge);
                }
                self.kept.add(piece.raw);
            }
        }
        Ok(match self.body.done() {
            true => Read::Whole(self.leaves_open()),
            false => Read::Part,
        })
    }

    /// The connection has ended: only a body without any other end is whole by that.
    pub(super) fn end(&self) -> Result<Read, Broken> {
        match self.body {
            BodyState::UntilClose => Ok(Read::Whole(false)),
            _ => Err(Broken::Reset),
        }
    }

    /// The whole answer, whose last byte came at `done_at`.
    pub(super) fn answer(self, done_at: Instant) -> Answer {
        let (status, headers, head_at) = match self.head {
            Some((head, head_at)) => (head.status, head.fields, head_at),
            None => (0, Fields::default(), done_at),
        };
        Answer {
            status,
            headers,
            body: self.kept.bytes(),
            head_at,
            done_at,
        }
    }

    /// A head out of the buffer, if it is whole.
    fn read_head(&mut self, buffer: &mut BytesMut) -> Result<Option<Head>, Broken> {
        // Most heads come at once. Of the others, nonsense shows in the first bytes, and the rest is read only once.
        let is_worth_it = self.seen == 0 || head_end(buffer, self.seen).is_some();
        if is_worth_it && let Some((head, length)) = Head::parse(buffer)? {
            self.before += length;
            self.seen = 0;
            return match self.before > HEAD_MAX {
                true => Err(Broken::Garbage),
                false => Ok(Some(head)),
            };
        }
        self.seen = buffer.len();
        match self.before + self.seen > HEAD_MAX {
            true => Err(Broken::Garbage),
            false => Ok(None),
        }
    }

    fn leaves_open(&self) -> bool {
        let head = self.head.as_ref().map(|(head, _)| head);
        head.is_some_and(|head| head.status != 101 && !head.closes())
    }
}

impl Head {
    /// The head at the beginning of the buffer, taken out of it, and its length.
    fn parse(buffer: &mut BytesMut) -> Result<Option<(Self, usize)>, Broken> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut read = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(
            &mut read,
            buffer,
            &mut headers,
        );
        let Status::Complete(length) = parsed.map_err(|_| Broken::Garbage)? else {
            return Ok(None);
        };
        let (Some(status), Some(minor)) = (read.code, read.version) else {
            return Ok(None);
        };
        let start = buffer.as_ptr().addr();
        let place = |part: &[u8]| {
            let from = part.as_ptr().addr().saturating_sub(start);
            from..from + part.len()
        };
        let places = read.headers.iter().map(|header| Place {
            name: place(header.name.as_bytes()),
            value: place(header.value),
        });
        let places = places.collect();
        let raw = buffer.split_to(length).freeze();
        let head = Self {
            status,
            fields: Fields::new(raw, places),
            http_1_0: minor == 0,
        };
        Ok(Some((head, length)))
    }

    /// How long the body is (RFC 9112 section 6.3).
    fn framing(&self, to_head: bool) -> Result<Framing, Broken> {
        if to_head || self.status < 200 || matches!(self.status, 204 | 304) {
            return Ok(Framing::Empty);
        }
        if let Some(coding) = self.fields.all(TRANSFER_ENCODING.as_str()).last() {
            let last = coding.rsplit(|byte| *byte == b',').next();
            let is_chunked = last.is_some_and(|last| is_word(last, b"chunked"));
            return Ok(match is_chunked {
                true => Framing::Chunked,
                false => Framing::UntilClose,
            });
        }
        let mut told = None;
        for value in self.fields.all(CONTENT_LENGTH.as_str()) {
            for length in value.split(|byte| *byte == b',') {
                let length = parse_length(length.trim_ascii()).ok_or(Broken::Garbage)?;
                // Two lengths are none: nobody can tell where the next answer begins.
                if told.is_some_and(|told| told != length) {
                    return Err(Broken::Garbage);
                }
                told = Some(length);
            }
        }
        Ok(match told {
            Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        })
    }

    /// True when the target ends the connection after this answer.
    fn closes(&self) -> bool {
        let mut keeps = false;
        for value in self.fields.all(CONNECTION.as_str()) {
            for word in value.split(|byte| *byte == b',') {
                if is_word(word, b"close") {
                    return true;
                }
                keeps |= is_word(word, b"keep-alive");
            }
        }
        self.http_1_0 && !keeps
    }
}

fn is_word(text: &[u8], word: &[u8]) -> bool {
    text.trim_ascii().eq_ignore_ascii_case(word)
}

/// Digits and nothing else.
fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The beginning of a body; the usual one arrives in one piece and is not copied.
#[derive(Debug, Default)]
struct Kept {
    first: Bytes,
    more: BytesMut,
}

impl Kept {
    fn add(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        let room = BODY_KEPT.saturating_sub(self.more.len());
        self.more.extend_from_slice(&data[..data.len().min(room)]);
    }

    fn bytes(self) -> Bytes {
        let mut bytes = match self.more.is_empty() {
            true => self.first,
            false => self.more.freeze(),
        };
        bytes.truncate(BODY_KEPT);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What came of an answer that arrived in steps of so many bytes: itself, whether the connection stays, the rest.
    fn read(wire: &[u8], to_head: bool, step: usize) -> Result<(Answer, bool, Vec<u8>), Broken> {
        let (mut reply, mut buffer) = (Reply::new(to_head), BytesMut::new());
        let now = Instant::now();
        let mut steps = wire.chunks(step.max(1));
        loop {
            let read = match steps.next() {
                Some(part) => {
                    buffer.extend_from_slice(part);
                    reply.take(&mut buffer, now)?
                }
                None => reply.end()?,
            };
            if let Read::Whole(stays) = read {
                let rest: Vec<u8> = buffer.iter().chain(steps.flatten()).copied().collect();
                return Ok((reply.answer(now), stays, rest));
            }
        }
    }

    fn whole(wire: &str) -> Result<(u16, String, bool), Broken> {
        let (answer, stays, rest) = read(wire.as_bytes(), false, usize::MAX)?;
        assert!(rest.is_empty());
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        Ok((answer.status, body, stays))
    }

    fn good(status: u16, body: &str, stays: bool) -> Result<(u16, String, bool), Broken> {
        Ok((status, body.to_owned(), stays))
    }

    #[test]
    fn a_body_ends_as_its_framing_says() {
        for (wire, told) in [
            (
                "HTTP/1.1 402 P\r\ncontent-length: 2\r\n\r\n{}",
                good(402, "{}", true),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
                good(200, "ab", true),
            ),
            (
                "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
                good(200, "", true),
            ),
            ("HTTP/1.1 204 No\r\n\r\n", good(204, "", true)),
            (
                "HTTP/1.1 304 No\r\ncontent-length: 9\r\n\r\n",
                good(304, "", true),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nup to the end",
                good(200, "up to the end", false),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: 1\r\n\r\n",
                good(200, "abcde", true),
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                good(200, "a", true),
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nzzz",
                good(200, "zzz", false),
            ),
            (
                "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
                good(204, "", true),
            ),
            ("HTTP/1.1 101 S\r\nupgrade: x\r\n\r\n", good(101, "", false)),
        ] {
            assert_eq!(whole(wire), told, "{wire}");
        }
    }

    #[test]
    fn who_closes_says_so() {
        for (fields, stays) in [
            ("HTTP/1.1 204 N\r\nconnection: keep-alive, Close\r\n", false),
            ("HTTP/1.1 204 N\r\nconnection: upgrade\r\n", true),
            ("HTTP/1.0 204 N\r\n", false),
            ("HTTP/1.0 204 N\r\nConnection: Keep-Alive\r\n", true),
        ] {
            let wire = format!("{fields}\r\n");
            assert_eq!(whole(&wire), good(204, "", stays), "{fields}");
        }
    }

    #[test]
    fn what_is_no_answer_is_garbage_and_what_ends_early_a_reset() {
        for wire in [
            "220 mail.example.org ESMTP\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\na",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert_eq!(whole(wire), Err(Broken::Garbage), "{wire}");
        }
        for wire in [
            "HTTP/1.1 200 OK\r\ncontent-le",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            "",
        ] {
            assert_eq!(whole(wire), Err(Broken::Reset), "{wire}");
        }
    }

    #[test]
    fn heads_and_bodies_are_bounded() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_MAX));
        assert_eq!(whole(&endless), Err(Broken::Garbage));
        let many = format!(
            "HTTP/1.1 200 OK\r\n{}\r\n",
            "x: y\r\n".repeat(HEADERS_MAX + 1)
        );
        assert_eq!(whole(&many), Err(Broken::Garbage));
        let interim = "HTTP/1.1 103 E\r\nlink: x\r\n\r\n".repeat(HEAD_MAX / 27 + 1);
        assert_eq!(whole(&interim), Err(Broken::Garbage));
        let length = BODY_KEPT + 10;
        let long = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}",
            "z".repeat(length)
        );
        for step in [1_000, usize::MAX] {
            let (answer, stays, _) = read(long.as_bytes(), false, step).unwrap();
            assert_eq!(answer.body.len(), BODY_KEPT);
            assert!(answer.is_cut() && stays);
        }
        let mut huge = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        huge.resize(usize::try_from(BODY_MAX).unwrap() + 100, b'z');
        assert_eq!(read(&huge, false, 1 << 20).unwrap_err(), Broken::TooLarge);
    }

    #[test]
    fn an_answer_to_head_has_no_body_and_what_follows_stays() {
        let wire = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nmore";
        let (answer, stays, rest) = read(wire, true, usize::MAX).unwrap();
        assert!(stays && answer.body.is_empty());
        assert_eq!(rest, b"more");
    }

    #[test]
    fn fields_are_what_came() {
        let wire = b"HTTP/1.1 204 N\r\nX-A:  1 \r\nx-a: \xff\r\nx-b:\r\n\r\n";
        let (answer, ..) = read(wire, false, usize::MAX).unwrap();
        let all: Vec<&[u8]> = answer.headers.all("x-a").collect();
        assert_eq!(all, [&b"1"[..], b"\xff"]);
        assert_eq!(answer.headers.get("x-b"), Some(&b""[..]));
    }

    proptest! {
        #[test]
        fn it_is_the_same_however_it_arrives(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            rest in prop::collection::vec(any::<u8>(), 0..5),
            step in 1usize..50,
        ) {
            let mut wire = b"HTTP/1.1 103 Wait\r\na: b\r\n\r\nHTTP/1.1 402 Pay\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            wire.extend_from_slice(&rest);
            let (answer, stays, left) = read(&wire, false, step).unwrap();
            prop_assert_eq!(answer.status, 402);
            prop_assert_eq!(&answer.body[..], chunks.concat());
            prop_assert!(stays);
            prop_assert_eq!(left, rest);
        }

        #[test]
        fn nothing_makes_it_panic_or_take_for_ever(
            wire in prop::collection::vec(any::<u8>(), 0..300), step in 1usize..50,
        ) {
            let mut odd = b"HTTP/1.1 200 OK\r\n".to_vec();
            odd.extend_from_slice(&wire);
            for wire in [wire, odd] {
                // Whatever it is taken for, nothing is kept beyond what came.
                if let Ok((answer, _, rest)) = read(&wire, false, step) {
                    prop_assert!(answer.body.len() + rest.len() <= wire.len());
                }
            }
        }
    }
}
