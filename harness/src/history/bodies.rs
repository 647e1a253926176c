//! Bodies by hash: each is stored once, before its first use.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::event::{Event, What};

/// Bytes of a body that are kept; the rest is counted only.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Header values longer than this are stored as bodies.
pub const MAX_HEADER_VALUE_BYTES: usize = 200;
/// What stands in a header list in place of a value that is stored as a body.
pub const BODY_REFERENCE: &str = "body:";

/// The name of a body: the first 16 hex digits of its SHA-256.
pub fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    alloy_primitives::hex::encode(&digest[..8])
}

/// One stored body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body<'h> {
    /// Its text (lossy UTF-8).
    pub text: &'h str,
    /// Bytes the whole body had, when `text` holds only its beginning.
    pub truncated_from: Option<u64>,
}

/// Every body of a history, by hash.
#[derive(Debug, Default)]
pub struct Bodies<'h> {
    by_hash: HashMap<&'h str, Body<'h>>,
}

impl<'h> Bodies<'h> {
    /// Indexes the bodies of a history.
    pub fn index(events: &'h [Event]) -> Self {
        let by_hash = events
            .iter()
            .filter_map(|event| match &event.what {
                What::Body {
                    hash,
                    text,
                    truncated_from,
                } => {
                    let body = Body {
                        text,
                        truncated_from: *truncated_from,
                    };
                    Some((hash.as_str(), body))
                }
                _ => None,
            })
            .collect();
        Self { by_hash }
    }

    /// The body with this hash.
    pub fn get(&self, hash: &str) -> Option<Body<'h>> {
        self.by_hash.get(hash).copied()
    }

    /// The value a header list stands for: itself, or the body it refers to.
    pub fn resolve<'v>(&self, value: &'v str) -> &'v str
    where
        'h: 'v,
    {
        value
            .strip_prefix(BODY_REFERENCE)
            .and_then(|hash| self.get(hash))
            .map_or(value, |body| body.text)
    }
}
