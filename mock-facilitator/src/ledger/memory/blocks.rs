//! What was mined, packed: a run of a million payments keeps every one of them, and a block holds one transaction.

use std::hash::{BuildHasher as _, Hash};
use std::ops::RangeInclusive;

use alloy_primitives::{Address, B256, Keccak256, U256};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::event::{LedgerRecord, Movement};

/// Transactions in one piece of memory: growing never copies what is there.
const CHUNK: usize = 4_096;
/// The last bytes of a transaction hash are the number of its block, so that it is found without an index.
const NUMBER_BYTES: usize = size_of::<u64>();

/// What moved a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// The account itself; a mint comes from the zero address.
    Account,
    /// An EIP-3009 authorization.
    Authorization,
    /// A Permit2 permit.
    Permit,
    /// A cancellation, which moves nothing.
    Cancellation,
}

/// One transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Token contract.
    pub(super) asset: Address,
    /// What moved it.
    pub(super) by: By,
    /// Whose tokens.
    pub(super) from: Address,
    /// Of the authorization or the permit; zero where there is none.
    pub(super) nonce: B256,
    /// Recipient.
    pub(super) to: Address,
    /// Base units.
    pub(super) value: U256,
}

impl Transaction {
    /// Its logs, in order.
    pub(super) fn movements(self) -> impl Iterator<Item = Movement> {
        let (payer, nonce) = (self.from, self.nonce);
        let transfer = Movement::Transfer {
            from: self.from,
            to: self.to,
            value: self.value,
        };
        let both = match self.by {
            By::Account => [None, Some(transfer)],
            By::Authorization => [
                Some(Movement::AuthorizationUsed { payer, nonce }),
                Some(transfer),
            ],
            By::Permit => [Some(Movement::PermitUsed { payer, nonce }), Some(transfer)],
            By::Cancellation => [Some(Movement::AuthorizationCanceled { payer, nonce }), None],
        };
        both.into_iter().flatten()
    }

    /// A hash that no other transaction has: chain and block alone see to that. Short enough for one round of the hash.
    fn hash(&self, chain_id: u64, block: u64) -> B256 {
        let mut hash = Keccak256::new();
        hash.update(chain_id.to_be_bytes());
        hash.update(block.to_be_bytes());
        hash.update(self.asset);
        hash.update([self.by as u8]);
        hash.update(self.from);
        hash.update(self.nonce);
        hash.update(self.to);
        let mut hash = hash.finalize();
        hash[B256::ZERO.len() - NUMBER_BYTES..].copy_from_slice(&block.to_be_bytes());
        hash
    }
}

/// Values that come again and again, each kept once.
#[derive(Debug)]
struct Interned<T> {
    values: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Interned<T> {
    fn put(&mut self, value: T) -> u32 {
        *self.places.entry(value).or_insert_with(|| {
            self.values.push(value);
            place(self.values.len() - 1)
        })
    }

    fn find(&self, value: &T) -> Option<u32> {
        self.places.get(value).copied()
    }

    fn at(&self, place: u32) -> T {
        self.values[place as usize]
    }
}

/// A place in what fits into memory.
fn place(index: usize) -> u32 {
    u32::try_from(index).expect("four thousand million transactions do not fit into memory")
}

/// A transaction with its accounts and its amount by their places.
#[derive(Debug, Clone, Copy)]
struct Packed {
    nonce: B256,
    asset: u32,
    from: u32,
    to: u32,
    value: u32,
    by: By,
}

/// What makes an authorization unique, as packed.
type Used = (u32, u32, B256);

impl Packed {
    /// The authorization that it used up or cancelled.
    const fn used(&self) -> Option<Used> {
        match self.by {
            By::Authorization | By::Cancellation => Some((self.asset, self.from, self.nonce)),
            By::Account | By::Permit => None,
        }
    }
}

/// All blocks, the first with number 1; block 0 is the empty genesis.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    chunks: Vec<Vec<Packed>>,
    len: usize,
    accounts: Interned<Address>,
    amounts: Interned<U256>,
    /// Places of the transactions that used an authorization up or cancelled one.
    used: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Blocks {
    /// One block with one transaction: its hash and the block's number.
    pub(super) fn mine(&mut self, chain_id: u64, transaction: &Transaction) -> (B256, u64) {
        let packed = Packed {
            nonce: transaction.nonce,
            asset: self.accounts.put(transaction.asset),
            from: self.accounts.put(transaction.from),
            to: self.accounts.put(transaction.to),
            value: self.amounts.put(transaction.value),
            by: transaction.by,
        };
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(packed);
        }
        self.len += 1;
        if let Some(used) = packed.used() {
            let (chunks, hasher) = (&self.chunks, &self.hasher);
            let hash_of = |at: &u32| hasher.hash_one(packed_at(chunks, *at).used());
            let at = place(self.len - 1);
            self.used
                .insert_unique(hasher.hash_one(Some(used)), at, hash_of);
        }
        let block = self.head();
        (transaction.hash(chain_id, block), block)
    }

    /// Number of the newest block.
    pub(super) const fn head(&self) -> u64 {
        self.len as u64
    }

    /// True once the authorization was used or cancelled.
    pub(super) fn is_used(&self, asset: Address, payer: Address, nonce: B256) -> bool {
        let accounts = self.accounts.find(&asset).zip(self.accounts.find(&payer));
        let Some((asset, payer)) = accounts else {
            return false;
        };
        let used = Some((asset, payer, nonce));
        let is_it = |at: &u32| packed_at(&self.chunks, *at).used() == used;
        self.used.find(self.hasher.hash_one(used), is_it).is_some()
    }

    /// The block of a transaction.
    pub(super) fn block_of(&self, chain_id: u64, transaction: B256) -> Option<u64> {
        let number = transaction.last_chunk::<NUMBER_BYTES>()?;
        let block = u64::from_be_bytes(*number);
        let found = self.transaction(block)?;
        (found.hash(chain_id, block) == transaction).then_some(block)
    }

    /// The logs of some blocks, in order.
    pub(super) fn records(
        &self,
        chain_id: u64,
        blocks: RangeInclusive<u64>,
    ) -> impl Iterator<Item = LedgerRecord> + '_ {
        let first = (*blocks.start()).max(1);
        let last = (*blocks.end()).min(self.head());
        let found = (first..=last).filter_map(|block| Some((block, self.transaction(block)?)));
        found.flat_map(move |(block, found)| {
            let transaction = found.hash(chain_id, block);
            (0..)
                .zip(found.movements())
                .map(move |(log_index, what)| LedgerRecord {
                    chain_id,
                    block,
                    transaction,
                    log_index,
                    asset: found.asset,
                    what,
                })
        })
    }

    fn transaction(&self, block: u64) -> Option<Transaction> {
        let index = usize::try_from(block.checked_sub(1)?).ok()?;
        let packed = self.chunks.get(index / CHUNK)?.get(index % CHUNK)?;
        Some(Transaction {
            asset: self.accounts.at(packed.asset),
            by: packed.by,
            from: self.accounts.at(packed.from),
            nonce: packed.nonce,
            to: self.accounts.at(packed.to),
            value: self.amounts.at(packed.value),
        })
    }
}

/// A transaction that is known to be there.
fn packed_at(chunks: &[Vec<Packed>], at: u32) -> &Packed {
    let at = at as usize;
    &chunks[at / CHUNK][at % CHUNK]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: u64 = 84_532;

    fn paid(number: u64) -> Transaction {
        Transaction {
            asset: Address::repeat_byte(0xaa),
            by: By::Authorization,
            from: Address::repeat_byte(1),
            nonce: U256::from(number).into(),
            to: Address::repeat_byte(2),
            value: U256::from(10_000 + number % 3),
        }
    }

    #[test]
    fn a_transaction_stays_small() {
        assert!(size_of::<Packed>() <= 52, "{}", size_of::<Packed>());
    }

    #[test]
    fn what_was_mined_is_found_again_over_many_chunks() {
        let mut blocks = Blocks::default();
        let mined: Vec<_> = (0..10_000)
            .map(|number| blocks.mine(CHAIN, &paid(number)))
            .collect();
        assert_eq!(blocks.head(), 10_000);
        for (number, (hash, block)) in (0..).zip(&mined) {
            assert_eq!(*block, number + 1);
            assert_eq!(blocks.block_of(CHAIN, *hash), Some(*block));
            assert_eq!(blocks.transaction(*block), Some(paid(number)));
        }
        let records: Vec<LedgerRecord> = blocks.records(CHAIN, 4_096..=4_097).collect();
        let told: Vec<(u64, u64)> = records.iter().map(|r| (r.block, r.log_index)).collect();
        assert_eq!(told, [(4_096, 0), (4_096, 1), (4_097, 0), (4_097, 1)]);
        assert_eq!(records[0].transaction, mined[4_095].0);
        assert_eq!(blocks.records(CHAIN, 0..=u64::MAX).count(), 20_000);
    }

    #[test]
    fn a_hash_of_nothing_that_was_mined_is_not_found() {
        let mut blocks = Blocks::default();
        let (hash, _) = blocks.mine(CHAIN, &paid(1));
        assert_eq!(blocks.block_of(CHAIN + 1, hash), None);
        let mut other = hash;
        other[0] ^= 1;
        assert_eq!(blocks.block_of(CHAIN, other), None);
        assert_eq!(blocks.block_of(CHAIN, B256::ZERO), None);
        assert_eq!(blocks.block_of(CHAIN, B256::repeat_byte(0xff)), None);
    }

    #[test]
    fn an_authorization_is_used_by_a_payment_or_a_cancellation() {
        let mut blocks = Blocks::default();
        let used = |blocks: &Blocks, number: u64, payer: u8| {
            let (asset, nonce) = (Address::repeat_byte(0xaa), U256::from(number).into());
            blocks.is_used(asset, Address::repeat_byte(payer), nonce)
        };
        for number in 0..5_000 {
            assert!(!used(&blocks, number, 1), "{number}");
            blocks.mine(CHAIN, &paid(number));
        }
        blocks.mine(
            CHAIN,
            &Transaction {
                by: By::Cancellation,
                ..paid(5_000)
            },
        );
        blocks.mine(
            CHAIN,
            &Transaction {
                by: By::Permit,
                ..paid(5_001)
            },
        );
        assert!((0..=5_000).all(|number| used(&blocks, number, 1)));
        assert!(!used(&blocks, 5_001, 1), "a permit's nonce is another kind");
        assert!(!used(&blocks, 1, 2), "another payer's");
    }

    #[test]
    fn each_kind_logs_what_its_contract_would() {
        let logs = |by| {
            let transaction = Transaction { by, ..paid(1) };
            transaction.movements().collect::<Vec<_>>()
        };
        let (payer, nonce) = (paid(1).from, paid(1).nonce);
        let transfer = Movement::Transfer {
            from: payer,
            to: paid(1).to,
            value: paid(1).value,
        };
        assert_eq!(logs(By::Account), std::slice::from_ref(&transfer));
        assert_eq!(
            logs(By::Authorization),
            [
                Movement::AuthorizationUsed { payer, nonce },
                transfer.clone()
            ]
        );
        assert_eq!(
            logs(By::Permit),
            [Movement::PermitUsed { payer, nonce }, transfer]
        );
        assert_eq!(
            logs(By::Cancellation),
            [Movement::AuthorizationCanceled { payer, nonce }]
        );
    }
}
