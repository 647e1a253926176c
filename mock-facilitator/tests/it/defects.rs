//! Every defect of the facilitator shows, and leaves the rest of it working.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use futures_util::future::join_all;
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::{
    CallStep, Defect, DefectSet, Endpoint, HoldSpec, Ledger as _, Options, SettleOutcome,
};

use crate::bench::{Bench, Draft, PAYEE, PRICE, hash, unix_s};
use crate::odd_ledger::OddLedger;

#[path = "defects_of_answers.rs"]
mod of_answers;
#[path = "defects_of_the_list.rs"]
mod of_the_list;

struct Rig {
    bench: Bench,
    ledger: Arc<OddLedger>,
    wrong: bool,
}

impl Rig {
    async fn new(defects: DefectSet) -> Self {
        let made = OnceLock::new();
        let bench = Bench::start_with(Options::default(), |ledger| {
            let odd = Arc::new(OddLedger::new(ledger));
            made.set(Arc::clone(&odd)).unwrap();
            odd
        })
        .await;
        bench.facilitator.faults().set_defects(defects);
        Self {
            bench,
            ledger: made.into_inner().unwrap(),
            wrong: !defects.is_empty(),
        }
    }

    fn draft(&self, change: impl FnOnce(&mut Draft)) -> Value {
        let mut draft = self.bench.draft(Version::V2);
        change(&mut draft);
        self.bench.sign(&draft)
    }

    fn honest(&self) -> Value {
        self.draft(|_| {})
    }

    fn to_somebody_else(&self) -> Value {
        self.draft(|draft| draft.authorization.to = Address::repeat_byte(9))
    }

    fn paying(&self, value: u64) -> Value {
        self.draft(|draft| draft.authorization.value = U256::from(value))
    }

    fn ending(&self, at: u64) -> Value {
        self.draft(|draft| draft.authorization.valid_before = U256::from(at))
    }

    async fn valid(&self, body: &Value) -> bool {
        self.bench.send("/verify", body.to_string()).await.1["isValid"] == true
    }

    async fn settle(&self, body: &Value) -> Value {
        self.bench.send("/settle", body.to_string()).await.1
    }

    async fn settled(&self, body: &Value) -> bool {
        self.settle(body).await["success"] == true
    }

    async fn moved(&self) -> usize {
        self.bench.transfers().await.len()
    }

    fn next_outcome(&self, outcome: SettleOutcome) {
        *self.ledger.outcome.lock().unwrap() = Some(outcome);
    }

    /// True when settle answers before its transaction is mined.
    async fn answers_before_mined(&self) -> bool {
        let early = self.answer_before_mined(50).await;
        early.is_some_and(|answer| answer["success"] == true)
    }

    /// What settle answers while nothing is mined. A correct facilitator never answers then, however long one waits: it
    /// is given so many milliseconds, and must settle once something is.
    async fn answer_before_mined(&self, honest_ms: u64) -> Option<Value> {
        self.ledger
            .mining
            .forget_permits(tokio::sync::Semaphore::MAX_PERMITS);
        let body = self.honest();
        let settle = self.settle(&body);
        tokio::pin!(settle);
        let wait = Duration::from_millis(if self.wrong { 30_000 } else { honest_ms });
        let early = tokio::time::timeout(wait, &mut settle).await.ok();
        self.ledger.mining.add_permits(1_000);
        if early.is_none() {
            assert_eq!(settle.await["success"], true);
        }
        early
    }

    async fn concurrent(&self, bodies: &[Value]) -> Vec<Value> {
        let hold = HoldSpec {
            or_quiet_ms: 30_000,
            ..HoldSpec::new("together", Endpoint::Settle, bodies.len())
        };
        self.bench.facilitator.faults().add_hold(hold).unwrap();
        join_all(bodies.iter().map(|body| self.settle(body))).await
    }

    /// True when the facilitator does what only the defective one does.
    async fn deviates(&self, defect: Defect) -> bool {
        match defect {
            Defect::RecipientNotCompared
            | Defect::AmountAtLeast
            | Defect::AmountNotCompared
            | Defect::WindowIgnored
            | Defect::ExpiryMarginMissing
            | Defect::SignatureNotChecked
            | Defect::WithoutSimulation
            | Defect::AnythingIsValid
            | Defect::V1Refused
            | Defect::UndeployedIsValid
            | Defect::CodelessAsset => self.verifies_wrongly(defect).await,
            Defect::VerifyCached | Defect::VerifySettles | Defect::VerifyBurnsNonce => {
                self.verify_does_more(defect).await
            }
            Defect::TroubleIsBadSignature | Defect::MalformedIs500 | Defect::ReplayIs500 => {
                self.reports_wrongly(defect).await
            }
            Defect::DuplicateSuccess
            | Defect::SuccessOnBroadcast
            | Defect::SuccessOnRevert
            | Defect::SuccessOnPending
            | Defect::SuccessWithoutSettling
            | Defect::PendingIsFailure
            | Defect::SettlesWithoutSimulation
            | Defect::SettleWithoutVerify => self.settles_wrongly(defect).await,
            Defect::ReceiptWaitTooShort
            | Defect::ReceiptWaitEndsEarly
            | Defect::SlowNodeAskedAgain => self.waits_wrongly(defect).await,
            Defect::BazaarListsAnything | Defect::BazaarFetchesSchemas => {
                self.catalogues_wrongly(defect).await
            }
            Defect::CollidingNonces | Defect::FailureBlocksAccount => {
                self.loses_settlements(defect).await
            }
            Defect::ReceiptInventedTransaction
            | Defect::ReceiptWrongPayer
            | Defect::ReceiptWrongNetwork
            | Defect::FailureWithoutShape => self.receipt_is_wrong(defect).await,
            Defect::UptoCeilingIgnored | Defect::UptoPermitsReused | Defect::UptoSettlesCeiling => {
                crate::upto::deviates(self.wrong, defect).await
            }
            other => self.reads_or_answers_wrongly(other).await,
        }
    }

    async fn verifies_wrongly(&self, defect: Defect) -> bool {
        match defect {
            Defect::RecipientNotCompared => self.valid(&self.to_somebody_else()).await,
            Defect::AmountAtLeast => {
                assert!(!self.valid(&self.paying(PRICE - 1)).await);
                self.valid(&self.paying(PRICE + 1)).await
            }
            Defect::AmountNotCompared => self.valid(&self.paying(PRICE - 1)).await,
            Defect::WindowIgnored => {
                let early = |draft: &mut Draft| {
                    draft.authorization.valid_after = U256::from(unix_s() + 1_000);
                    draft.authorization.valid_before = U256::from(unix_s() + 2_000);
                };
                let late = self.valid(&self.ending(unix_s() - 10)).await;
                assert_eq!(self.valid(&self.draft(early)).await, late);
                late
            }
            Defect::ExpiryMarginMissing => {
                assert!(!self.valid(&self.ending(unix_s() - 1)).await);
                self.valid(&self.ending(unix_s() + 4)).await
            }
            Defect::SignatureNotChecked => {
                let mut body = self.honest();
                let zeros = format!("0x{}1b", "11".repeat(64));
                body["paymentPayload"]["payload"]["signature"] = json!(zeros);
                self.valid(&body).await
            }
            Defect::WithoutSimulation => {
                let body = self.honest();
                assert!(self.settled(&body).await);
                self.valid(&body).await
            }
            Defect::AnythingIsValid => self.valid(&self.to_somebody_else()).await,
            Defect::V1Refused => {
                let body = self.bench.honest(Version::V1);
                let valid = self.valid(&body).await;
                assert_eq!(self.settled(&body).await, valid);
                !valid
            }
            Defect::UndeployedIsValid => {
                let mut body = self.honest();
                let wrapped = format!("0x{}{}", "00".repeat(65), "6492".repeat(16));
                body["paymentPayload"]["payload"]["signature"] = json!(wrapped);
                assert!(!self.settled(&body).await);
                self.valid(&body).await
            }
            _ => {
                let asset = Address::repeat_byte(8).to_checksum(None);
                let body = self.draft(|draft| draft.requirement["asset"] = json!(asset));
                let valid = self.valid(&body).await;
                assert_eq!(self.settled(&body).await, valid);
                assert_eq!(self.moved().await, 0);
                valid
            }
        }
    }

    async fn verify_does_more(&self, defect: Defect) -> bool {
        let body = self.honest();
        assert!(self.valid(&body).await);
        match defect {
            Defect::VerifyCached => {
                assert!(self.settled(&body).await);
                self.valid(&body).await
            }
            Defect::VerifySettles => self.moved().await == 1,
            _ => !self.valid(&body).await,
        }
    }

    async fn reports_wrongly(&self, defect: Defect) -> bool {
        match defect {
            Defect::TroubleIsBadSignature => {
                self.ledger.silent.store(true, Ordering::Relaxed);
                let body = self.honest().to_string();
                let (status, answer) = self.bench.send("/verify", body).await;
                assert_eq!(answer["isValid"], false);
                (status, &answer["invalidReason"]) == (200, &json!("invalid_exact_evm_signature"))
            }
            Defect::MalformedIs500 => self.bench.send("/verify", "{").await.0 == 500,
            _ => {
                let body = self.honest();
                assert!(self.settled(&body).await);
                let (status, answer) = self.bench.send("/settle", body.to_string()).await;
                assert_eq!(answer["success"], false);
                (status, &answer["errorReason"]) == (500, &json!("unexpected_settle_error"))
            }
        }
    }

    async fn settles_wrongly(&self, defect: Defect) -> bool {
        let transaction = B256::repeat_byte(3);
        let reason = "reverted".to_owned();
        match defect {
            Defect::DuplicateSuccess => {
                let bodies = vec![self.honest(); 5];
                let mut answers = self.concurrent(&bodies).await;
                answers.push(self.settle(&bodies[0]).await);
                assert_eq!(self.moved().await, 1);
                let transaction = self.bench.transfers().await[0].transaction.to_string();
                answers
                    .iter()
                    .all(|a| a["success"] == true && a["transaction"] == transaction)
            }
            Defect::SuccessOnBroadcast => self.answers_before_mined().await,
            Defect::SuccessOnRevert => {
                self.next_outcome(SettleOutcome::Reverted {
                    transaction,
                    reason,
                });
                self.settled(&self.honest()).await
            }
            Defect::SuccessOnPending => {
                self.next_outcome(SettleOutcome::Pending { transaction });
                self.settled(&self.honest()).await
            }
            Defect::PendingIsFailure => {
                self.next_outcome(SettleOutcome::Pending { transaction });
                let answer = self.settle(&self.honest()).await;
                answer["errorReason"] != "settlement_pending" && answer["transaction"] == ""
            }
            Defect::SettlesWithoutSimulation => {
                let body = self.honest();
                assert!(self.settled(&body).await);
                let again = self.settle(&body).await;
                assert_eq!((self.moved().await, &again["success"]), (1, &json!(false)));
                // The ledger itself is the first to notice.
                again["errorReason"] == "invalid_exact_evm_transaction_failed"
            }
            Defect::SuccessWithoutSettling => {
                assert!(self.settled(&self.honest()).await);
                assert!(!self.settled(&self.to_somebody_else()).await);
                self.moved().await == 0
            }
            _ => {
                let settled = self.settled(&self.to_somebody_else()).await;
                let got = self.bench.balance(PAYEE).await;
                assert_eq!(got, U256::ZERO);
                settled
            }
        }
    }

    async fn waits_wrongly(&self, defect: Defect) -> bool {
        match defect {
            Defect::ReceiptWaitTooShort => {
                let Some(answer) = self.answer_before_mined(500).await else {
                    return false;
                };
                assert_eq!(answer["success"], false);
                // The money moves all the same.
                self.moved().await == 1
            }
            Defect::ReceiptWaitEndsEarly => {
                let answer = self.settle(&self.ending(unix_s() + 5)).await;
                let expired = "invalid_exact_evm_payload_authorization_valid_before";
                self.moved().await == 1 && answer["errorReason"] == expired
            }
            _ => {
                self.ledger.late.store(1, Ordering::Relaxed);
                assert!(self.valid(&self.honest()).await);
                self.ledger.asked.load(Ordering::Relaxed) > 1
            }
        }
    }

    async fn loses_settlements(&self, defect: Defect) -> bool {
        if defect == Defect::CollidingNonces {
            let bodies: Vec<_> = (0..5).map(|_| self.honest()).collect();
            let answers = self.concurrent(&bodies).await;
            let good = answers.iter().filter(|a| a["success"] == true).count();
            assert_eq!(self.moved().await, good);
            assert!(self.settled(&self.honest()).await, "alone it works");
            return good < 5;
        }
        assert!(self.settled(&self.honest()).await);
        assert!(!self.settled(&self.to_somebody_else()).await);
        !self.settled(&self.honest()).await
    }

    async fn receipt_is_wrong(&self, defect: Defect) -> bool {
        if defect == Defect::FailureWithoutShape {
            let answer = self.settle(&self.to_somebody_else()).await;
            assert!(answer["errorReason"].is_string());
            return answer.get("network").is_none();
        }
        let answer = self.settle(&self.honest()).await;
        assert_eq!((self.moved().await, &answer["success"]), (1, &json!(true)));
        match defect {
            Defect::ReceiptInventedTransaction => {
                let found = self.ledger.transaction(hash(&answer)).await.unwrap();
                found.is_none()
            }
            Defect::ReceiptWrongPayer => answer["payer"] == PAYEE.to_checksum(None),
            _ => answer["network"] != "eip155:84532",
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_defect_shows_and_the_correct_facilitator_has_none() {
    for defect in Defect::ALL {
        let right = Rig::new(DefectSet::NONE).await;
        assert!(!right.deviates(*defect).await, "{defect} without it");
        let wrong = Rig::new((*defect).into()).await;
        assert!(wrong.deviates(*defect).await, "{defect} with it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_any_defect_an_honest_purchase_still_works() {
    // These stop every purchase.
    let fatal = [
        Defect::SettleNotFound,
        Defect::SettleShapeDiffers,
        Defect::VerdictAsText,
    ];
    for defect in Defect::ALL.iter().filter(|defect| !fatal.contains(defect)) {
        let rig = Rig::new((*defect).into()).await;
        for version in [Version::V1, Version::V2] {
            if (*defect, version) == (Defect::V1Refused, Version::V1) {
                continue;
            }
            let body = rig.bench.honest(version);
            assert!(rig.valid(&body).await, "{defect}");
            assert!(rig.settled(&body).await, "{defect}");
        }
        let moved = match defect {
            Defect::SuccessWithoutSettling => 0,
            Defect::V1Refused => 1,
            _ => 2,
        };
        assert_eq!(rig.moved().await, moved, "{defect}");
        assert!(
            rig.bench
                .events()
                .iter()
                .all(|event| !matches!(event.what, CallStep::Answered { lied: true, .. })),
            "a defect does not confess: {defect}"
        );
    }
}

#[tokio::test]
async fn switching_defects_forgets_what_they_remembered() {
    let rig = Rig::new(Defect::VerifyBurnsNonce.into()).await;
    let body = rig.honest();
    assert!(rig.valid(&body).await && !rig.valid(&body).await);
    let faults = rig.bench.facilitator.faults();
    faults.set_defects(Defect::VerifyBurnsNonce.into());
    assert!(rig.valid(&body).await);
    faults.set_defects(DefectSet::NONE);
    assert!(rig.valid(&body).await && rig.valid(&body).await);
}
