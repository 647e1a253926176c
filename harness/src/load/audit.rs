//! The books after a load run: what was signed, moved and given, joined by authorization. Pure.
//!
//! The rules are those of `audit::invariants`, on records that are compact enough for a million payments.

mod facilitator;

use std::collections::HashSet;

use alloy_primitives::{Address, B256, U256};
use x402_assay_reports::model::{Evidence, Verdict, Violation};
use x402_mock_facilitator::LedgerRecord;

use super::Part;
use super::quote::Asked;
use super::sale::{Said, Sale, Sales};
use crate::audit::ledger::{Moved, Transfers};

/// Most violations that are told one by one.
const LISTED_MAX: usize = 20;

/// The records of one shard, and the terms they name.
#[derive(Debug, Default)]
pub(crate) struct ShardBooks {
    /// Its records.
    pub(crate) sales: Sales,
    /// Its table of terms.
    pub(crate) asked: Vec<Asked>,
}

/// What must be known to judge.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The server answers repeats from a cache on purpose, or was seen to: a repeat is no second grant.
    pub(crate) idempotent: bool,
    /// The server declares that money moves first.
    pub(crate) upfront: bool,
    /// Nothing was under way any more when the ledger was read.
    pub(crate) at_rest: bool,
    /// Answers with the paid content to requests without a payment.
    pub(crate) strays: u64,
    /// Records due before this moment, in microseconds, are warm-up and no goodput.
    pub(crate) measured_from_us: u64,
}

/// What the ledger says of one authorization.
#[derive(Debug, Clone, Copy, Default)]
struct Settled {
    transfers: u8,
    /// Something else moved than was asked for.
    differs: bool,
    transaction: B256,
    block: u64,
}

/// The join of records and ledger; the ledger is read page by page.
#[derive(Debug)]
pub(crate) struct Audit<'s> {
    shards: &'s [ShardBooks],
    payers: &'s [Address],
    known: HashSet<Address>,
    /// By nonce.
    sales: Vec<&'s Sale>,
    settled: Vec<Settled>,
    unexplained: Tellings,
}

/// Breaches of one invariant: counted, the first of each verdict told.
#[derive(Debug, Default)]
struct Tellings {
    count: u64,
    worst: Option<Verdict>,
    listed: Vec<(Verdict, Violation)>,
}

impl Tellings {
    fn tell(&mut self, verdict: Verdict, telling: impl FnOnce() -> Violation) {
        self.count += 1;
        self.worst = self.worst.max(Some(verdict));
        if self.listed.len() < LISTED_MAX {
            self.listed.push((verdict, telling()));
        } else if let Some(place) = self.listed.iter().position(|(listed, _)| *listed < verdict) {
            // What weighs more takes the place of what weighs less.
            self.listed[place] = (verdict, telling());
        }
    }
}

/// How an invariant held under load.
#[derive(Debug, PartialEq)]
pub(crate) struct Held {
    /// `I1` and so on.
    pub(crate) id: &'static str,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Authorizations on which it could have been broken.
    pub(crate) observed: usize,
    /// How often it was, whatever the verdict.
    pub(crate) count: u64,
    /// The first of them, those that weigh most before others.
    pub(crate) violations: Vec<Violation>,
}

impl Held {
    /// Adds what a later load showed of the same invariant.
    pub(super) fn add(&mut self, later: Self) {
        self.verdict = match (self.verdict, later.verdict) {
            (Verdict::Skipped, verdict) | (verdict, Verdict::Skipped) => verdict,
            (one, other) => one.max(other),
        };
        self.observed += later.observed;
        self.count += later.count;
        let room = LISTED_MAX.saturating_sub(self.violations.len());
        self.violations
            .extend(later.violations.into_iter().take(room));
    }
}

impl Totals {
    /// Adds those of a later load.
    pub(super) fn add(&mut self, later: &Self) {
        self.signed += later.signed;
        self.honest += later.honest;
        self.settled += later.settled;
        self.granted += later.granted;
        self.double_charged += later.double_charged;
        self.unpaid_grants += later.unpaid_grants;
        self.charged_without_service += later.charged_without_service;
        self.goodput += later.goodput;
        self.amount_signed += later.amount_signed;
        self.amount_settled += later.amount_settled;
        self.amount_granted += later.amount_granted;
    }
}

/// The books.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Authorizations that were signed.
    pub(crate) signed: u64,
    /// Of them, those meant to be paid.
    pub(crate) honest: u64,
    /// With a matching Transfer.
    pub(crate) settled: u64,
    /// For which the paid content came.
    pub(crate) granted: u64,
    /// Settled more than once.
    pub(crate) double_charged: u64,
    /// Grants without a Transfer.
    pub(crate) unpaid_grants: u64,
    /// Settled and never granted, though somebody was there to be served.
    pub(crate) charged_without_service: u64,
    /// Settled once and granted once, in the measured span.
    pub(crate) goodput: u64,
    /// Base units signed by honest payers.
    pub(crate) amount_signed: U256,
    /// Base units that moved.
    pub(crate) amount_settled: U256,
    /// Base units' worth that was given.
    pub(crate) amount_granted: U256,
}

impl<'s> Audit<'s> {
    /// The records of a run, of payers in the order of their numbers.
    pub(crate) fn new(shards: &'s [ShardBooks], payers: &'s [Address]) -> Self {
        let mut sales: Vec<&Sale> = Vec::with_capacity(shards.iter().map(|s| s.sales.len()).sum());
        sales.extend(shards.iter().flat_map(|shard| shard.sales.iter()));
        sales.sort_unstable_by_key(|sale| sale.nonce);
        Self {
            shards,
            payers,
            known: payers.iter().copied().collect(),
            settled: vec![Settled::default(); sales.len()],
            sales,
            unexplained: Tellings::default(),
        }
    }

    /// Reads a page of the ledger: whole transactions, in ledger order.
    pub(crate) fn read(&mut self, page: &[LedgerRecord]) {
        let records: Vec<&LedgerRecord> = page.iter().collect();
        let transfers = Transfers::of(&records, &self.known);
        for ((payer, nonce), moved) in transfers.by_authorization {
            match self.place(payer, nonce) {
                Some(place) => self.settle(place, &moved),
                None => moved.iter().for_each(|moved| self.unexplained(moved)),
            }
        }
        for moved in &transfers.unexplained {
            self.unexplained(moved);
        }
    }

    fn place(&self, payer: Address, nonce: B256) -> Option<usize> {
        let place = self
            .sales
            .binary_search_by_key(&nonce, |sale| sale.nonce)
            .ok()?;
        // Nonces are random: two payers never have the same one.
        (self.payers.get(usize::from(self.sales[place].payer)) == Some(&payer)).then_some(place)
    }

    fn settle(&mut self, place: usize, moved: &[Moved<'_>]) {
        let asked = self.asked(self.sales[place]).cloned();
        let settled = &mut self.settled[place];
        for moved in moved {
            settled.transfers = settled.transfers.saturating_add(1);
            settled.transaction = moved.record.transaction;
            settled.block = moved.record.block;
            settled.differs |= asked.as_ref().is_none_or(|asked| {
                moved.record.chain_id != asked.chain_id
                    || moved.record.asset != asked.asset
                    || moved.to != asked.pay_to
                    || moved.value != asked.amount
            });
        }
    }

    fn unexplained(&mut self, moved: &Moved<'_>) {
        let text = format!(
            "{} of {} moved to {} without an authorization signed in this run",
            moved.value, moved.record.asset, moved.to
        );
        self.unexplained.tell(Verdict::Warn, || Violation {
            authorization: None,
            text,
            evidence: vec![moved.evidence()],
        });
    }

    fn asked(&self, sale: &Sale) -> Option<&'s Asked> {
        let shard = self.shards.get(usize::from(sale.shard))?;
        shard.asked.get(usize::from(sale.terms))
    }

    /// Each record with the Transfers of its authorization and the transaction of the last, in the order of nonces.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'s Sale, u8, B256)> + '_ {
        let both = self.sales.iter().zip(&self.settled);
        both.map(|(sale, settled)| (*sale, settled.transfers, settled.transaction))
    }

    /// Each record that settled, with the block of its last Transfer.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&'s Sale, u64)> + '_ {
        let both = self.sales.iter().zip(&self.settled);
        both.filter(|(_, settled)| settled.transfers > 0)
            .map(|(sale, settled)| (*sale, settled.block))
    }

    /// The totals.
    pub(crate) fn totals(&self, rules: &Rules) -> Totals {
        let mut totals = Totals {
            unpaid_grants: rules.strays,
            ..Totals::default()
        };
        for (sale, settled) in self.sales.iter().zip(&self.settled) {
            let grants = distinct(sale, rules);
            let amount = self.asked(sale).map_or(U256::ZERO, |asked| asked.amount);
            totals.signed += 1;
            if sale.is_honest() {
                totals.honest += 1;
                totals.amount_signed = totals.amount_signed.saturating_add(amount);
            }
            if settled.transfers > 0 {
                totals.settled += 1;
                let times = U256::from(settled.transfers);
                totals.amount_settled += amount.saturating_mul(times);
                totals.charged_without_service += u64::from(grants == 0);
            }
            if grants > 0 {
                totals.granted += 1;
                totals.amount_granted += amount.saturating_mul(U256::from(grants));
            }
            totals.double_charged += u64::from(settled.transfers > 1);
            if rules.at_rest {
                totals.unpaid_grants += u64::from(grants.saturating_sub(settled.transfers));
            }
            let is_sold = settled.transfers == 1 && grants == 1 && !settled.differs;
            let is_measured = sale.due_us >= rules.measured_from_us;
            totals.goodput += u64::from(is_sold && is_measured);
        }
        totals
    }

    /// Judges I1 to I5.
    pub(crate) fn judge(mut self, rules: &Rules) -> Vec<Held> {
        let mut judged: [(&'static str, usize, Tellings); 5] =
            ["I1", "I2", "I3", "I4", "I5"].map(|id| (id, 0, Tellings::default()));
        judged[3].2 = std::mem::take(&mut self.unexplained);
        for (sale, settled) in self.sales.iter().zip(&self.settled) {
            let breaches = [
                unpaid(sale, settled, rules),
                charged(sale, settled, rules),
                repeated(sale, settled, rules),
                differs(sale, settled),
                receipt(sale, settled, rules),
            ];
            for ((_, observed, tellings), seen) in judged.iter_mut().zip(breaches) {
                *observed += usize::from(seen.observed);
                if let Some((verdict, text)) = seen.breach {
                    tellings.tell(verdict, || self.violation(sale, settled, text));
                }
            }
        }
        if rules.strays > 0 {
            let stray = &mut judged[0];
            stray.1 += usize::try_from(rules.strays).unwrap_or(usize::MAX);
            stray.2.tell(Verdict::Fail, || Violation {
                authorization: None,
                text: format!(
                    "{} answers held the paid content though nothing was paid",
                    rules.strays
                ),
                evidence: Vec::new(),
            });
            stray.2.count += rules.strays - 1;
        }
        judged
            .map(|(id, observed, tellings)| held(id, observed, tellings))
            .into()
    }

    fn violation(&self, sale: &Sale, settled: &Settled, text: String) -> Violation {
        let payer = self.payers.get(usize::from(sale.payer));
        let payer = payer.map(ToString::to_string).unwrap_or_default();
        Violation {
            authorization: Some(format!("{payer}/{}", sale.nonce)),
            text: format!("{text} ({})", sale.part.word()),
            evidence: evidence(sale, settled),
        }
    }
}

fn held(id: &'static str, observed: usize, tellings: Tellings) -> Held {
    let verdict = match (tellings.worst, observed) {
        (Some(worst), _) => worst,
        (None, 0) => Verdict::Skipped,
        (None, _) => Verdict::Pass,
    };
    let mut listed = tellings.listed;
    listed.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let mut violations: Vec<Violation> =
        listed.into_iter().map(|(_, violation)| violation).collect();
    let more = tellings.count.saturating_sub(violations.len() as u64);
    if more > 0 {
        violations.push(Violation {
            authorization: None,
            text: format!("and {more} more of the kind under load"),
            evidence: Vec::new(),
        });
    }
    Held {
        id,
        verdict,
        observed,
        count: tellings.count,
        violations,
    }
}

/// What one authorization says of one invariant.
struct Seen {
    observed: bool,
    breach: Option<(Verdict, String)>,
}

/// Grants, idempotent repeats left out.
fn distinct(sale: &Sale, rules: &Rules) -> u8 {
    match rules.idempotent {
        true => sale.grants.min(1),
        false => sale.grants,
    }
}

/// I1: nothing is given that was not paid.
fn unpaid(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let (grants, transfers) = (distinct(sale, rules), settled.transfers);
    let verdict = match rules.at_rest {
        true => Verdict::Fail,
        false => Verdict::Inconclusive,
    };
    let unread = match rules.at_rest {
        true => "",
        false => "; the ledger was not at rest",
    };
    Seen {
        observed: grants > 0 || sale.answered > 0 && rules.at_rest,
        breach: (grants > transfers).then(|| {
            let text = format!("{grants} delivered, {transfers} transferred{unread}");
            (verdict, text)
        }),
    }
}

/// I2: nobody is charged without service.
fn charged(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let breach = (settled.transfers > 0 && sale.grants == 0).then(|| {
        let (verdict, why) = if rules.upfront {
            (Verdict::Info, "; the server declares an upfront flow")
        } else if sale.said == Said::Pending {
            (Verdict::Info, "; the server reports it as pending")
        } else if (200..400).contains(&sale.status) {
            (
                Verdict::Info,
                "; it was answered below 400, which may be the service",
            )
        } else if sale.answered < sale.sent {
            (
                Verdict::Warn,
                "; no answer came in time, or the connection broke",
            )
        } else {
            (Verdict::Fail, "")
        };
        let text = format!(
            "charged {} time(s), nothing delivered{why}",
            settled.transfers
        );
        (verdict, text)
    });
    Seen {
        observed: settled.transfers > 0,
        breach,
    }
}

/// I3: one authorization buys one delivery.
fn repeated(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let grants = distinct(sale, rules);
    let breach = (grants > 1).then(|| {
        let text = format!("delivered {grants} times for one authorization");
        (Verdict::Fail, text)
    });
    Seen {
        observed: grants > 0 || sale.sent > 1 && settled.transfers > 0,
        breach,
    }
}

/// I4: what moved is what was advertised.
fn differs(sale: &Sale, settled: &Settled) -> Seen {
    let refused = !sale.is_honest() && sale.answered > 0;
    let breach = settled.differs.then(|| {
        let text = "token, recipient, chain or amount moved is not what was asked for";
        (Verdict::Fail, text.to_owned())
    });
    let expired = (sale.part == Part::Expired && settled.transfers > 0).then(|| {
        let text = "an authorization whose time was over was settled";
        (Verdict::Fail, text.to_owned())
    });
    Seen {
        observed: settled.transfers > 0 || refused,
        breach: breach.or(expired),
    }
}

/// I5: receipts are true.
fn receipt(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let breach = match sale.said {
        Said::Settled if settled.transfers == 0 => {
            let verdict = match rules.at_rest {
                true => Verdict::Fail,
                false => Verdict::Inconclusive,
            };
            let text = "the receipt says settled, and no transfer is on the ledger";
            Some((verdict, text.to_owned()))
        }
        // A batch's transactions may hold several; the receipt must name the one that moved this payment.
        Said::Settled if sale.transaction != settled.transaction && settled.transfers == 1 => {
            let named = match sale.transaction.is_zero() {
                true => "no transaction".to_owned(),
                false => format!("transaction {}", sale.transaction),
            };
            let text = format!(
                "the receipt names {named}, and {} moved it",
                settled.transaction
            );
            Some((Verdict::Fail, text))
        }
        Said::Failed if settled.transfers > 0 && sale.grants == 0 => {
            let text =
                "the receipt says that the payment failed, and its transfer is on the ledger";
            Some((Verdict::Fail, text.to_owned()))
        }
        Said::Nothing | Said::Settled | Said::Failed | Said::Pending | Said::Twice => None,
    };
    Seen {
        observed: sale.said != Said::Nothing,
        breach,
    }
}

fn evidence(sale: &Sale, settled: &Settled) -> Vec<Evidence> {
    let seconds = |us: u64| format!("{}.{:06} s", us / 1_000_000, us % 1_000_000);
    let answered = match sale.done_us {
        0 => "never answered".to_owned(),
        us => format!("last answered at {}", seconds(us)),
    };
    let mut evidence = vec![Evidence {
        kind: "timeline".to_owned(),
        id: seconds(sale.due_us),
        text: format!(
            "due at {}, sent {} time(s) from {}, answered {} time(s) (status {}), {answered}",
            seconds(sale.due_us),
            sale.sent,
            seconds(sale.sent_us),
            sale.answered,
            sale.status
        ),
    }];
    let mut transaction = |hash: &B256, text: String| {
        if !hash.is_zero() {
            evidence.push(Evidence {
                kind: "transaction".to_owned(),
                id: hash.to_string(),
                text,
            });
        }
    };
    transaction(
        &settled.transaction,
        format!("moved the payment in block {}", settled.block),
    );
    if sale.transaction != settled.transaction {
        transaction(&sale.transaction, "named by the receipt".to_owned());
    }
    evidence
}
