//! Section R: `exact` on Solana, judged from the transactions that somebody sent.

use std::collections::BTreeMap;

use x402_assay_protocol::Version;

use super::asked::ROW;
use super::bytes::{Seen, refused, seen, units};
use super::svm_transaction::{Instruction, Key, Transaction, key};
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

const COMPUTE: &str = "ComputeBudget111111111111111111111111111111";
const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";
const LIGHTHOUSE: &str = "L2TExMFKdjpN9kozasaurPirfHy9P8sbXoAN1qA3S95";
const MEMO: &str = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr";
const SYSTEM: &str = "11111111111111111111111111111111";
/// Greatest price of a compute unit, in microlamports.
const PRICE_MAX: u64 = 5_000_000;
/// Most instructions; newer texts allow one more.
const INSTRUCTIONS_MAX: usize = 7;
/// Microseconds for which a transaction is not to be settled again.
const DUPLICATE_US: u64 = 120_000_000;

pub(super) const FEE_PAYER: Check = Check {
    id: "FAC-SVM-001",
    title: "Solana: the fee payer is in no instruction",
    requirement: "A transaction with the fee payer among an instruction's accounts gets a negative verdict.",
    observe: "Every call with a Solana transaction, judged from its bytes: the bench signs none.",
    good: "...fee_payer_transferring_funds",
    bad: "valid: the payer of the fees pays the goods as well",
    source: "scheme_exact_svm, rule 2",
    level: Level::Must,
    judge: |judged, version| rule(judged, version, fee_payer),
    cause: "only the transfer is looked at",
    fix: "refuse the fee payer's key in every instruction",
    tags: &["facilitator", "svm"],
    ..ROW
};

pub(super) const LAYOUT: Check = Check {
    id: "FAC-SVM-002",
    title: "Solana: limit, price, transfer",
    requirement: "The first two instructions set the compute limit and price, the third is TransferChecked.",
    good: "...instructions_compute_limit_instruction",
    bad: "valid for another layout",
    source: "scheme_exact_svm, rules 1 and 4",
    judge: |judged, version| rule(judged, version, layout),
    cause: "instructions are searched for instead of counted",
    fix: "check program and discriminator of each by its place",
    ..FEE_PAYER
};

pub(super) const PROGRAMS: Check = Check {
    id: "FAC-SVM-003",
    title: "Solana: no unknown programs",
    requirement: "Unknown programs, or more instructions than allowed, get a negative verdict.",
    good: "...unknown_fourth_instruction",
    bad: "valid: whatever the stranger's program does, the facilitator signs it",
    source: "scheme_exact_svm, rule 1",
    judge: |judged, version| rule(judged, version, programs),
    cause: "only the first three instructions are looked at",
    fix: "allow Lighthouse and Memo after the transfer, and nothing else",
    ..FEE_PAYER
};

pub(super) const LIGHTHOUSES: Check = Check {
    id: "FAC-SVM-004",
    title: "Solana: Lighthouse is tolerated",
    requirement: "Lighthouse instructions after the transfer do not make a payment invalid.",
    observe: "Calls whose transaction holds Lighthouse and keeps every other rule, judged from their bytes.",
    good: "isValid true",
    bad: "refused as unknown: wallets that add assertions cannot pay",
    source: "scheme_exact_svm, rule 1",
    judge: lighthouse,
    cause: "the list of programs lacks it",
    fix: "allow the Lighthouse program",
    ..FEE_PAYER
};

pub(super) const PRICE: Check = Check {
    id: "FAC-SVM-005",
    title: "Solana: the compute price is bounded",
    requirement: "A compute price above 5 lamports a unit gets a negative verdict.",
    good: "...compute_price_instruction_too_high",
    bad: "valid: the facilitator's lamports are burned",
    source: "scheme_exact_svm, rule 3",
    judge: |judged, version| rule(judged, version, price),
    cause: "the price is not compared, or compared with nothing",
    fix: "compare it with the bound, and refuse what is missing",
    ..FEE_PAYER
};

pub(super) const DESTINATION: Check = Check {
    id: "FAC-SVM-006",
    title: "Solana: the mint is the asset",
    requirement: "The transfer's mint is the asset, and its destination the associated account of payTo.",
    observe: "Every call with a Solana transaction, judged from its bytes; the associated account itself is not derived.",
    good: "...mint_mismatch",
    bad: "valid for a worthless mint",
    source: "scheme_exact_svm, rule 4",
    judge: |judged, version| rule(judged, version, destination),
    cause: "the mint is not compared",
    fix: "compare the mint, and derive the destination from payTo",
    ..FEE_PAYER
};

pub(super) const AMOUNT: Check = Check {
    id: "FAC-SVM-007",
    title: "Solana: the amount is exact",
    requirement: "The transferred amount equals the requirement; newer texts tolerate more for smart wallets.",
    good: "...amount_mismatch",
    bad: "valid for less",
    source: "scheme_exact_svm, rule 6",
    judge: amount,
    cause: "the amount is not compared",
    fix: "require equality",
    ..FEE_PAYER
};

pub(super) const MEMOS: Check = Check {
    id: "FAC-SVM-008",
    title: "Solana: the memo is the required one",
    requirement: "With `extra.memo` there is exactly one Memo, and it is that text.",
    good: "...memo_mismatch",
    bad: "valid with another memo",
    source: "scheme_exact_svm, rule 1",
    judge: |judged, version| rule(judged, version, memo),
    cause: "the memo is not looked at",
    fix: "count the Memo instructions and compare their data",
    ..FEE_PAYER
};

pub(super) const TWICE: Check = Check {
    id: "FAC-SVM-009",
    title: "Solana: one transaction settles once within two minutes",
    requirement: "A second settle of the same transaction within 120 s is refused as duplicate_settlement.",
    observe: "Settle calls that carry the same base64 transaction.",
    good: "duplicate_settlement",
    bad: "success again: the network takes the same transaction twice",
    source: "scheme_exact_svm, \"Duplicate Settlement Mitigation\"",
    level: Level::Should,
    grade: Grade::Warn,
    judge: twice,
    cause: "nothing remembers what is being confirmed",
    fix: "keep transactions for 120 s",
    tags: &["facilitator", "svm", "CWE-294"],
    ..FEE_PAYER
};

pub(super) const MANAGED: Check = Check {
    id: "FAC-SVM-010",
    title: "Solana: the fee payer is the facilitator's own",
    requirement: "A requirement whose feePayer the facilitator does not manage gets a negative verdict.",
    observe: "Every call with a Solana transaction, against the signers of /supported.",
    good: "fee_payer_not_managed_by_facilitator",
    bad: "valid: it cannot sign the transaction",
    source: "SDK facilitators",
    level: Level::MustDerived,
    grade: Grade::Warn,
    judge: managed,
    cause: "feePayer is taken as it came",
    fix: "compare it with the keys in use",
    ..FEE_PAYER
};

const WHAT: &str = "solana";

fn is_solana(seen: &Seen<'_>) -> bool {
    seen.term("network").starts_with("solana") && seen.payload("/transaction").is_some()
}

fn transaction(one: &Seen<'_>) -> Option<Transaction> {
    Transaction::read(one.payload_text("/transaction"))
}

type Broken = fn(&Seen<'_>, &Transaction) -> Option<&'static str>;

fn rule(judged: &Judged<'_, '_>, version: Version, breaks: Broken) -> Outcome {
    refused(&seen(judged, version, is_solana), WHAT, |one| {
        breaks(one, &transaction(one)?).map(str::to_owned)
    })
}

fn is(instruction: &Instruction, program: &str) -> bool {
    instruction.program.is_some() && instruction.program == key(program)
}

fn is_transfer(instruction: &Instruction) -> bool {
    let token = is(instruction, TOKEN) || is(instruction, TOKEN_2022);
    token && instruction.data.first() == Some(&12)
}

/// Source, mint, destination and authority of the transfer, and its amount.
fn transfer(transaction: &Transaction) -> Option<(&[Option<Key>], u64)> {
    let found = transaction
        .instructions
        .iter()
        .find(|one| is_transfer(one))?;
    let amount = found.data.get(1..9)?.try_into().ok()?;
    Some((&found.accounts, u64::from_le_bytes(amount)))
}

fn fee_payer(_: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    let payer = transaction.accounts.first()?;
    let mut all = transaction
        .instructions
        .iter()
        .flat_map(|one| &one.accounts);
    all.any(|account| account.as_ref() == Some(payer))
        .then_some("the fee payer is among an instruction's accounts")
}

fn layout(_: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    let at = |place: usize| transaction.instructions.get(place);
    let sets = |place, what| {
        at(place).is_some_and(|one| is(one, COMPUTE) && one.data.first() == Some(&what))
    };
    let whole = sets(0, 2) && sets(1, 3) && at(2).is_some_and(is_transfer);
    (!whole).then_some("it is not limit, price, transfer")
}

fn programs(_: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    if transaction.instructions.len() > INSTRUCTIONS_MAX {
        return Some("there are too many instructions");
    }
    let mut more = transaction.instructions.iter().skip(3);
    more.any(|one| !is(one, LIGHTHOUSE) && !is(one, MEMO))
        .then_some("an unknown program follows the transfer")
}

fn price(_: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    let mut prices = transaction
        .instructions
        .iter()
        .filter(|one| is(one, COMPUTE) && one.data.first() == Some(&3))
        .filter_map(|one| Some(u64::from_le_bytes(one.data.get(1..9)?.try_into().ok()?)));
    prices
        .any(|price| price > PRICE_MAX)
        .then_some("the compute price is above 5 lamports a unit")
}

fn destination(one: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    let (accounts, _) = transfer(transaction)?;
    let mint = accounts.get(1).copied().flatten()?;
    (key(one.term("asset"))? != mint).then_some("the mint is not the asset")
}

fn memo(one: &Seen<'_>, transaction: &Transaction) -> Option<&'static str> {
    let wanted = one.extra("memo")?;
    let memos: Vec<&Instruction> = transaction
        .instructions
        .iter()
        .filter(|one| is(one, MEMO))
        .collect();
    let right = matches!(memos.as_slice(), [memo] if memo.data == wanted.as_bytes());
    (!right).then_some("the memo is not the required one, alone")
}

fn required(one: &Seen<'_>) -> Option<u64> {
    let text = match one.term("amount") {
        "" => one.term("maxAmountRequired"),
        text => text,
    };
    units(text)?.try_into().ok()
}

fn amount(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_solana);
    let compared = |one: &Seen<'_>| {
        let (_, moved) = transfer(&transaction(one)?).map(|(_, moved)| ((), moved))?;
        Some(moved.cmp(&required(one)?))
    };
    let more: Outcome = all
        .iter()
        .filter(|one| compared(one) == Some(std::cmp::Ordering::Greater))
        .map(|one| match one.call.says_yes() {
            true => Outcome::warn("yes for more than required", one.evidence()),
            false => Outcome::pass("refused: more than required", one.evidence()),
        })
        .collect();
    let less = refused(&all, WHAT, |one| {
        (compared(one) == Some(std::cmp::Ordering::Less))
            .then(|| "it moves less than required".to_owned())
    });
    match more.is_empty() {
        true => less,
        false if less.verdict() == x402_assay_reports::model::Verdict::Skipped => more,
        false => more.merge(less),
    }
}

fn lighthouse(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let rules: [Broken; 6] = [fee_payer, layout, programs, price, destination, memo];
    let all = seen(judged, version, is_solana);
    let outcome: Outcome = all
        .iter()
        .filter(|one| !one.is_settle() && one.call.answer.is_some())
        .filter_map(|one| {
            let transaction = transaction(one)?;
            let has = transaction
                .instructions
                .iter()
                .any(|one| is(one, LIGHTHOUSE));
            let keeps = rules.iter().all(|rule| rule(one, &transaction).is_none());
            let moved = transfer(&transaction)?.1;
            if !has || !keeps || Some(moved) != required(one) {
                return None;
            }
            // Refused for want of money or time, it says nothing about Lighthouse.
            let reason = one.call.reason().unwrap_or_default();
            let blames = reason.contains("instruction");
            Some(match (one.call.says_yes(), blames) {
                (true, _) => Outcome::pass("Lighthouse is tolerated", one.evidence()),
                (false, true) => Outcome::fail(format!("refused: {reason}"), one.evidence()),
                (false, false) => Outcome::skipped("refused for another reason than Lighthouse"),
            })
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no transaction with Lighthouse was seen"
    ))
}

fn twice(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_solana);
    let mut settled: BTreeMap<&str, u64> = BTreeMap::new();
    let mut outcome = Outcome::new();
    for one in all.iter().filter(|one| one.is_settle()) {
        let text = one.payload_text("/transaction");
        let earlier = settled.get(text).copied();
        let within =
            earlier.is_some_and(|at| one.call.received_at_us.saturating_sub(at) < DUPLICATE_US);
        match (within, one.call.says_yes()) {
            (true, true) => outcome.add(Outcome::warn(
                "one transaction was settled twice",
                one.evidence(),
            )),
            (true, false) => outcome.add(Outcome::pass("the repeat was refused", one.evidence())),
            (false, true) => {
                settled.insert(text, one.call.received_at_us);
            }
            (false, false) => {}
        }
    }
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no transaction was settled twice"
    ))
}

fn managed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let exchanges = judged.facts.exchanges.iter();
    let own: Vec<String> = exchanges
        .filter_map(DirectCall::of)
        .filter(|call| call.exchange.sent.path.ends_with("/supported"))
        .filter_map(|call| Some(call.exchange.body_json()?.to_string()))
        .collect();
    if own.is_empty() {
        return Outcome::skipped("/supported was not read");
    }
    refused(&seen(judged, version, is_solana), WHAT, |one| {
        let named = one.extra("feePayer")?;
        let known = own.iter().any(|own| own.contains(named));
        (!known && named != SYSTEM).then(|| "feePayer is none of the facilitator's keys".to_owned())
    })
}
