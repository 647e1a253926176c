//! Answers that were bought, by payment header.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::page::Page;

/// Answers that are remembered; beyond it nothing new is.
const MOST: usize = 10_000;

/// Remembered answers, for the servers that answer a repeat without a new payment.
#[derive(Debug, Default)]
pub(super) struct Replays(Mutex<HashMap<(String, Vec<u8>), Page>>);

impl Replays {
    /// The answer this header bought at this URL.
    pub(super) fn get(&self, url: &str, header: &[u8]) -> Option<Page> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&(url.to_owned(), header.to_vec())).cloned()
    }

    /// Remembers an answer.
    pub(super) fn put(&self, url: &str, header: &[u8], page: &Page) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() < MOST {
            answers.insert((url.to_owned(), header.to_vec()), page.clone());
        }
    }
}
