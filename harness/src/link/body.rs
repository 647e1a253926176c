//! Bodies on the wire: which bytes belong to a body, and which of them are content.

use bytes::{Bytes, BytesMut};

use super::head::Framing;

/// A chunk's size line or trailer line longer than this is no HTTP.
const LINE_MAX: usize = 16 * 1024;

/// Some bytes of a body as they stood on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) raw: Bytes,
    /// True for content, false for the framing of chunks.
    pub(crate) content: bool,
}

/// Where in a body we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyState {
    /// So many bytes are to come.
    Left(u64),
    /// A chunk's size line comes next.
    ChunkSize,
    /// So many bytes of a chunk, then its line end.
    Chunk(u64),
    /// The line end of a chunk.
    ChunkEnd,
    /// Trailer lines, up to an empty one.
    Trailer,
    /// Everything until the connection ends.
    UntilClose,
    /// No byte more.
    Done,
}

impl From<Framing> for BodyState {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Empty => Self::Done,
            Framing::Length(bytes) => Self::Left(bytes),
            Framing::Chunked => Self::ChunkSize,
            Framing::UntilClose => Self::UntilClose,
        }
    }
}

impl BodyState {
    pub(crate) fn done(&self) -> bool {
        *self == Self::Done
    }

    /// Takes the next piece out of what was read, at most `limit` bytes of it if it is content; `None` when more must
    /// be read, or nothing is left.
    pub(crate) fn take(&mut self, buffer: &mut BytesMut, limit: u64) -> Option<Piece> {
        if buffer.is_empty() || self.done() {
            return None;
        }
        match *self {
            Self::Left(left) => {
                let piece = content(buffer, left.min(limit))?;
                let left = left - piece.raw.len() as u64;
                *self = if left == 0 {
                    Self::Done
                } else {
                    Self::Left(left)
                };
                Some(piece)
            }
            Self::Chunk(left) => {
                let piece = content(buffer, left.min(limit))?;
                let left = left - piece.raw.len() as u64;
                *self = if left == 0 {
                    Self::ChunkEnd
                } else {
                    Self::Chunk(left)
                };
                Some(piece)
            }
            Self::UntilClose => content(buffer, limit),
            Self::ChunkSize | Self::ChunkEnd | Self::Trailer => self.take_line(buffer),
            Self::Done => None,
        }
    }

    fn take_line(&mut self, buffer: &mut BytesMut) -> Option<Piece> {
        let Some(end) = buffer.iter().position(|byte| *byte == b'\n') else {
            if buffer.len() > LINE_MAX {
                *self = Self::UntilClose;
                return self.take(buffer, u64::MAX);
            }
            return None;
        };
        let raw = buffer.split_to(end + 1).freeze();
        let line = raw.trim_ascii();
        *self = match self {
            Self::ChunkSize => match chunk_size(line) {
                Some(0) => Self::Trailer,
                Some(size) => Self::Chunk(size),
                // What makes no sense passes as it is.
                None => Self::UntilClose,
            },
            Self::Trailer if line.is_empty() => Self::Done,
            Self::Trailer => Self::Trailer,
            _ => Self::ChunkSize,
        };
        Some(Piece {
            raw,
            content: false,
        })
    }
}

fn content(buffer: &mut BytesMut, limit: u64) -> Option<Piece> {
    let take = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    (take > 0).then(|| Piece {
        raw: buffer.split_to(take).freeze(),
        content: true,
    })
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the bytes in steps of `step`; the content, everything, and what is left of the buffer.
    fn read(framing: Framing, wire: &[u8], step: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (mut state, mut buffer) = (BodyState::from(framing), BytesMut::new());
        let (mut content, mut raw) = (Vec::new(), Vec::new());
        for part in wire.chunks(step) {
            buffer.extend_from_slice(part);
            while let Some(piece) = state.take(&mut buffer, u64::MAX) {
                raw.extend_from_slice(&piece.raw);
                if piece.content {
                    content.extend_from_slice(&piece.raw);
                }
            }
        }
        (content, raw, buffer.to_vec())
    }

    #[test]
    fn chunks_are_read_however_they_arrive() {
        let wire = b"4;x=y\r\nabcd\r\n2\r\n\r\n\r\n0\r\nT: 1\r\n\r\nNEXT";
        for step in [1, 2, 3, 7, 100] {
            let (content, raw, rest) = read(Framing::Chunked, wire, step);
            assert_eq!(content, b"abcd\r\n");
            assert_eq!(raw, &wire[..wire.len() - 4]);
            assert_eq!(rest, b"NEXT");
        }
    }

    #[test]
    fn a_length_ends_a_body_and_nonsense_does_not() {
        let (content, _, rest) = read(Framing::Length(3), b"abcdef", 2);
        assert_eq!(
            (content.as_slice(), rest.as_slice()),
            (&b"abc"[..], &b"def"[..])
        );
        let (content, raw, rest) = read(Framing::Chunked, b"zz\r\nrest", 100);
        assert_eq!((content.as_slice(), rest.len()), (&b"rest"[..], 0));
        assert_eq!(raw, b"zz\r\nrest");
    }

    #[test]
    fn content_is_cut_at_the_limit_and_framing_is_not() {
        let mut buffer = BytesMut::from(&b"4\r\nabcd\r\n"[..]);
        let mut state = BodyState::from(Framing::Chunked);
        assert_eq!(&state.take(&mut buffer, 1).unwrap().raw[..], b"4\r\n");
        assert_eq!(&state.take(&mut buffer, 3).unwrap().raw[..], b"abc");
        assert_eq!(state, BodyState::Chunk(1));
        assert!(state.take(&mut buffer, 0).is_none());
    }
}
