//! The audit on hand-written records.

use alloy_primitives::{Address, B256, U256};
use x402_assay_reports::model::Verdict;
use x402_mock_facilitator::{LedgerRecord, Movement};

use super::Part;
use super::audit::{Audit, Held, Rules, ShardBooks, Totals};
use super::quote::Asked;
use super::sale::tests::bought;
use super::sale::{Said, Sale};

const PAYER: Address = Address::repeat_byte(1);
const PAY_TO: Address = Address::repeat_byte(2);
const ASSET: Address = Address::repeat_byte(3);
const CHAIN: u64 = 84_532;
const HASH: B256 = B256::repeat_byte(0xf0);

fn rules() -> Rules {
    Rules {
        idempotent: false,
        upfront: false,
        at_rest: true,
        strays: 0,
        measured_from_us: 0,
    }
}

/// What a settlement leaves on the ledger.
fn settlement(nonce: u8, transaction: B256, value: u64) -> [LedgerRecord; 2] {
    let record = |log_index, what| LedgerRecord {
        chain_id: CHAIN,
        block: 7,
        transaction,
        log_index,
        asset: ASSET,
        what,
    };
    let nonce = B256::repeat_byte(nonce);
    [
        record(
            0,
            Movement::AuthorizationUsed {
                payer: PAYER,
                nonce,
            },
        ),
        record(
            1,
            Movement::Transfer {
                from: PAYER,
                to: PAY_TO,
                value: U256::from(value),
            },
        ),
    ]
}

fn audited(sales: &[Sale], ledger: &[LedgerRecord], rules: &Rules) -> (Totals, Vec<Held>) {
    let mut shard = ShardBooks::default();
    shard.sales.extend(sales.iter().copied());
    shard.asked.push(Asked {
        chain_id: CHAIN,
        asset: ASSET,
        pay_to: PAY_TO,
        amount: U256::from(10),
    });
    let (shards, payers) = ([shard], [PAYER]);
    let mut audit = Audit::new(&shards, &payers);
    // Every transaction on a page of its own.
    for page in ledger.chunk_by(|one, other| one.transaction == other.transaction) {
        audit.read(page);
    }
    (audit.totals(rules), audit.judge(rules))
}

/// Verdicts of I1 to I5.
fn verdicts(held: &[Held]) -> Vec<Verdict> {
    assert_eq!(
        held.iter().map(|held| held.id).collect::<Vec<_>>(),
        ["I1", "I2", "I3", "I4", "I5"]
    );
    held.iter().map(|held| held.verdict).collect()
}

use Verdict::{Fail, Inconclusive, Info, Pass, Skipped, Warn};

#[test]
fn a_sale_is_settled_once_and_granted_once() {
    let (totals, held) = audited(&[bought(1)], &settlement(1, HASH, 10), &rules());
    assert_eq!(verdicts(&held), [Pass; 5]);
    assert!(
        held.iter()
            .all(|held| held.observed == 1 && held.count == 0)
    );
    assert_eq!((totals.goodput, totals.settled, totals.granted), (1, 1, 1));
    assert_eq!(totals.amount_settled, U256::from(10));
    assert_eq!((totals.unpaid_grants, totals.double_charged), (0, 0));
}

#[test]
fn nothing_is_judged_on_nothing() {
    let (totals, held) = audited(&[], &[], &rules());
    assert_eq!(verdicts(&held), [Skipped; 5]);
    assert_eq!(totals, Totals::default());
}

#[test]
fn a_grant_without_a_transfer_is_unpaid() {
    let (totals, held) = audited(&[bought(1)], &[], &rules());
    assert_eq!(verdicts(&held), [Fail, Skipped, Pass, Skipped, Fail]);
    assert_eq!((totals.unpaid_grants, totals.goodput), (1, 0));
    let violation = &held[0].violations[0];
    assert!(
        violation
            .authorization
            .as_ref()
            .unwrap()
            .starts_with(&PAYER.to_string())
    );
    assert_eq!(violation.text, "1 delivered, 0 transferred (buy)");
    assert!(violation.evidence[0].text.contains("due at 0.001000 s"));
    // While something may still come, nothing is said for good.
    let busy = Rules {
        at_rest: false,
        ..rules()
    };
    let (totals, held) = audited(&[bought(1)], &[], &busy);
    assert_eq!(held[0].verdict, Inconclusive);
    assert_eq!(totals.unpaid_grants, 0);
}

#[test]
fn two_deliveries_for_one_payment_break_two_rules_unless_they_are_meant() {
    let twice = Sale {
        grants: 2,
        sent: 2,
        answered: 2,
        part: Part::Duplicate,
        ..bought(1)
    };
    let ledger = settlement(1, HASH, 10);
    let (totals, held) = audited(&[twice], &ledger, &rules());
    assert_eq!(verdicts(&held), [Fail, Pass, Fail, Pass, Pass]);
    assert_eq!((totals.unpaid_grants, totals.goodput), (1, 0));
    let idempotent = Rules {
        idempotent: true,
        ..rules()
    };
    let (totals, held) = audited(&[twice], &ledger, &idempotent);
    assert_eq!(verdicts(&held), [Pass; 5]);
    assert_eq!((totals.unpaid_grants, totals.goodput), (0, 1));
}

#[test]
fn being_charged_for_nothing_weighs_by_what_was_answered() {
    let charged = Sale {
        grants: 0,
        status: 500,
        said: Said::Nothing,
        ..bought(1)
    };
    let verdict =
        |sale: Sale, rules: &Rules| audited(&[sale], &settlement(1, HASH, 10), rules).1[1].verdict;
    assert_eq!(verdict(charged, &rules()), Fail);
    let lost = Sale {
        answered: 0,
        status: 0,
        ..charged
    };
    assert_eq!(verdict(lost, &rules()), Warn);
    let pending = Sale {
        said: Said::Pending,
        ..charged
    };
    assert_eq!(verdict(pending, &rules()), Info);
    let other = Sale {
        status: 303,
        ..charged
    };
    assert_eq!(verdict(other, &rules()), Info);
    let upfront = Rules {
        upfront: true,
        ..rules()
    };
    assert_eq!(verdict(charged, &upfront), Info);
    let (totals, _) = audited(&[charged], &settlement(1, HASH, 10), &rules());
    assert_eq!((totals.charged_without_service, totals.goodput), (1, 0));
}

#[test]
fn receipts_and_terms_must_be_true() {
    let ledger = settlement(1, HASH, 10);
    let told = |sale: Sale, ledger: &[LedgerRecord]| {
        let (_, held) = audited(&[sale], ledger, &rules());
        (held[3].verdict, held[4].verdict)
    };
    let elsewhere = Sale {
        transaction: B256::repeat_byte(9),
        ..bought(1)
    };
    assert_eq!(told(elsewhere, &ledger), (Pass, Fail));
    let failed = Sale {
        said: Said::Failed,
        grants: 0,
        status: 402,
        ..bought(1)
    };
    assert_eq!(told(failed, &ledger), (Pass, Fail));
    assert_eq!(told(failed, &[]), (Skipped, Pass));
    assert_eq!(told(bought(1), &settlement(1, HASH, 11)), (Fail, Pass));
    let expired = Sale {
        part: Part::Expired,
        ..bought(1)
    };
    assert_eq!(told(expired, &ledger), (Fail, Pass));
}

#[test]
fn a_settlement_of_nobodys_authorization_is_told_and_strays_count() {
    let mut ledger = settlement(1, HASH, 10).to_vec();
    ledger.extend(settlement(9, B256::repeat_byte(0xee), 10));
    let strays = Rules {
        strays: 3,
        ..rules()
    };
    let (totals, held) = audited(&[bought(1)], &ledger, &strays);
    assert_eq!(verdicts(&held), [Fail, Pass, Pass, Warn, Pass]);
    assert_eq!((totals.unpaid_grants, held[0].count), (3, 3));
}

#[test]
fn counts_are_exact_where_lists_are_capped() {
    let sales: Vec<Sale> = (0..100).map(bought).collect();
    let (totals, held) = audited(&sales, &[], &rules());
    assert_eq!((totals.unpaid_grants, held[0].count), (100, 100));
    assert_eq!(held[0].violations.len(), 21);
    assert_eq!(
        held[0].violations[20].text,
        "and 80 more of the kind under load"
    );
}

#[test]
fn warm_up_is_audited_and_is_no_goodput() {
    let warm = Rules {
        measured_from_us: 2_000,
        ..rules()
    };
    let (totals, held) = audited(&[bought(1)], &settlement(1, HASH, 10), &warm);
    assert_eq!(verdicts(&held), [Pass; 5]);
    assert_eq!((totals.goodput, totals.settled), (0, 1));
}
