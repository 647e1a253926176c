//! One compact record for each authorization that was signed under load.

use alloy_primitives::B256;

use super::Part;

/// Records in one piece of memory: growing never copies what is there.
const CHUNK: usize = 4_096;

/// What a receipt said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// Settled.
    Settled,
    /// Not settled, for good.
    Failed,
    /// Not settled yet.
    Pending,
    /// Settled, in different transactions: an answer to a copy named another one.
    Twice,
}

/// One authorization: a little over 100 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sale {
    /// Its nonce.
    pub(crate) nonce: B256,
    /// Transaction that a receipt named; zero for none.
    pub(crate) transaction: B256,
    /// Microseconds from the origin of the load to the moment its arrival was due.
    pub(crate) due_us: u64,
    /// To the moment its first payment was sent.
    pub(crate) sent_us: u64,
    /// To the moment the last answer was there; zero while there is none.
    pub(crate) done_us: u64,
    /// Number of its payer in the run.
    pub(crate) payer: u16,
    /// Number of the terms it was signed for, in the table of its shard.
    pub(crate) terms: u16,
    /// Shard that signed it.
    pub(crate) shard: u16,
    /// Status of the first answer to it, or of one that delivered; zero for none.
    pub(crate) status: u16,
    /// Requests that carried it.
    pub(crate) sent: u8,
    /// Answers to them.
    pub(crate) answered: u8,
    /// Answers that held the paid content.
    pub(crate) grants: u8,
    /// What it was signed for.
    pub(crate) part: Part,
    /// What its last receipt said.
    pub(crate) said: Said,
}

impl Sale {
    /// True for a payment that is good and meant to be taken.
    pub(crate) const fn is_honest(&self) -> bool {
        !matches!(self.part, Part::Expired | Part::Malformed)
    }
}

/// The records of a shard, in the order in which they were signed.
#[derive(Debug, Default)]
pub(crate) struct Sales {
    chunks: Vec<Vec<Sale>>,
    len: usize,
}

impl Sales {
    /// Adds a record and gives its place.
    pub(crate) fn push(&mut self, sale: Sale) -> usize {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(sale);
        }
        self.len += 1;
        self.len - 1
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The record at a place.
    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut Sale> {
        self.chunks.get_mut(place / CHUNK)?.get_mut(place % CHUNK)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sale> {
        self.chunks.iter().flatten()
    }
}

impl Extend<Sale> for Sales {
    fn extend<I: IntoIterator<Item = Sale>>(&mut self, sales: I) {
        for sale in sales {
            self.push(sale);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A purchase that went well, but for what the test changes.
    pub(in crate::load) fn bought(nonce: u8) -> Sale {
        Sale {
            nonce: B256::repeat_byte(nonce),
            transaction: B256::repeat_byte(0xf0),
            due_us: 1_000,
            sent_us: 2_000,
            done_us: 3_000,
            payer: 0,
            terms: 0,
            shard: 0,
            status: 200,
            sent: 1,
            answered: 1,
            grants: 1,
            part: Part::Buy,
            said: Said::Settled,
        }
    }

    #[test]
    fn a_record_stays_compact() {
        assert!(size_of::<Sale>() <= 112, "{}", size_of::<Sale>());
    }

    #[test]
    fn records_keep_their_place_over_many_chunks() {
        let mut sales = Sales::default();
        for number in 0..10_000u64 {
            let place = sales.push(Sale {
                due_us: number,
                ..bought(1)
            });
            assert_eq!(place as u64, number);
        }
        sales.get_mut(5_000).unwrap().grants = 9;
        assert_eq!(sales.len(), 10_000);
        let odd: Vec<u64> = sales
            .iter()
            .filter(|sale| sale.grants == 9)
            .map(|sale| sale.due_us)
            .collect();
        assert_eq!(odd, [5_000]);
        assert!(sales.get_mut(10_000).is_none());
    }
}
