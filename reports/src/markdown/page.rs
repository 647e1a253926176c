//! A page with a budget: whole blocks go in or stay out, and room is kept for the end.

/// Bytes kept free for the tail: how to reproduce, and what was left out.
const TAIL: usize = 6_000;

#[derive(Debug)]
pub(super) struct Page {
    out: String,
    bytes_max: usize,
}

impl Page {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self {
            out: String::new(),
            bytes_max,
        }
    }

    /// Adds a block if it fits; false when it does not.
    pub(super) fn block(&mut self, block: &str) -> bool {
        let fits = self.out.len() + block.len() + TAIL <= self.bytes_max;
        if fits {
            self.out.push_str(block);
        }
        fits
    }

    /// Adds as many blocks as fit and says how many stayed out.
    pub(super) fn blocks(&mut self, blocks: impl IntoIterator<Item = String>) -> usize {
        let mut left_out = 0;
        for block in blocks {
            if left_out > 0 || !self.block(&block) {
                left_out += 1;
            }
        }
        left_out
    }

    /// Adds a block of the tail, into the room kept for it.
    pub(super) fn tail(&mut self, block: &str) {
        if self.out.len() + block.len() <= self.bytes_max {
            self.out.push_str(block);
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}
