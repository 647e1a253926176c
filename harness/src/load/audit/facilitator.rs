//! The books of a load on a facilitator alone: what it was asked, what it answered, and what the ledger shows. Pure.

use x402_assay_reports::model::Verdict;
use x402_assay_reports::model::load::LoadKind;

use super::{Audit, Held, Rules, Seen, Settled, Tellings, differs, held};
use crate::load::Part;
use crate::load::sale::{Said, Sale};

/// What can be broken by a facilitator alone.
const IDS: [&str; 5] = ["I2", "I3", "I4", "I5", "I6"];

impl Audit<'_> {
    /// Judges what a facilitator answered, by the ledger.
    pub(crate) fn judge_facilitator(mut self, kind: LoadKind, rules: &Rules) -> Vec<Held> {
        let mut judged: [(&'static str, usize, Tellings); 5] =
            IDS.map(|id| (id, 0, Tellings::default()));
        // What moved without an authorization of this run is nobody's answer: to look at.
        judged[2].2 = std::mem::take(&mut self.unexplained);
        for (sale, settled) in self.sales.iter().zip(&self.settled) {
            let seen = match kind {
                LoadKind::Verify => [none(), none(), none(), none(), moved(sale, settled, rules)],
                LoadKind::Settle | LoadKind::Paid | LoadKind::Unpaid => [
                    untold(sale, settled),
                    told_often(sale, settled),
                    terms(sale, settled),
                    told(sale, settled, rules),
                    none(),
                ],
            };
            for ((_, observed, tellings), seen) in judged.iter_mut().zip(seen) {
                *observed += usize::from(seen.observed);
                if let Some((verdict, text)) = seen.breach {
                    tellings.tell(verdict, || self.violation(sale, settled, text));
                }
            }
        }
        if rules.strays > 0 {
            let said = &mut judged[3];
            said.1 += usize::try_from(rules.strays).unwrap_or(usize::MAX);
            said.2.tell(Verdict::Fail, || super::Violation {
                authorization: None,
                text: format!(
                    "{} answers said yes to what is no payment at all",
                    rules.strays
                ),
                evidence: Vec::new(),
            });
            said.2.count += rules.strays - 1;
        }
        judged
            .map(|(id, observed, tellings)| held(id, observed, tellings))
            .into()
    }
}

const fn none() -> Seen {
    Seen {
        observed: false,
        breach: None,
    }
}

/// I2: whoever is charged is told of it. A settlement whose answer never came leaves the server without its money's worth
/// of knowledge; whether the facilitator or the wire lost it is not known.
fn untold(sale: &Sale, settled: &Settled) -> Seen {
    let was_told = matches!(
        sale.said,
        Said::Settled | Said::Twice | Said::Pending | Said::Failed
    );
    let breach = (settled.transfers > 0 && !was_told).then(|| {
        let why = match sale.answered < sale.sent {
            true => "no answer came in time, or the connection broke",
            false => "no answer said so",
        };
        (
            Verdict::Warn,
            format!("its transfer is on the ledger; {why}"),
        )
    });
    Seen {
        observed: settled.transfers > 0,
        breach,
    }
}

/// I3: one settlement is one success. A server that takes each of several for its own delivers for each.
fn told_often(sale: &Sale, settled: &Settled) -> Seen {
    let at_once = sale.part == Part::Duplicate;
    let breach =
        (sale.said == Said::Settled && sale.grants > 1 && settled.transfers > 0).then(|| {
            let text = format!(
                "{} settle calls of it were answered success, with the same transaction",
                sale.grants
            );
            let verdict = match at_once {
                true => Verdict::Warn,
                false => Verdict::Info,
            };
            (verdict, text)
        });
    Seen {
        observed: sale.sent > 1 && settled.transfers > 0,
        breach,
    }
}

/// I4: what moved is what was asked for, and once.
fn terms(sale: &Sale, settled: &Settled) -> Seen {
    let seen = differs(sale, settled);
    let often = (settled.transfers > 1).then(|| {
        let text = format!("moved {} times for one authorization", settled.transfers);
        (Verdict::Fail, text)
    });
    Seen {
        breach: often.or(seen.breach),
        ..seen
    }
}

/// I5: an answer is true. Success is one Transfer in the transaction it names; a failure is final.
fn told(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let breach = match sale.said {
        Said::Settled if settled.transfers == 0 => {
            let (verdict, unread) = match rules.at_rest {
                true => (Verdict::Fail, ""),
                false => (Verdict::Inconclusive, "; the ledger was not at rest"),
            };
            let text = format!("settle answered success, and no transfer is on the ledger{unread}");
            Some((verdict, text))
        }
        Said::Settled if settled.transfers == 1 && sale.transaction != settled.transaction => {
            let named = match sale.transaction.is_zero() {
                true => "no transaction".to_owned(),
                false => format!("transaction {}", sale.transaction),
            };
            let text = format!("settle names {named}, and {} moved it", settled.transaction);
            Some((Verdict::Fail, text))
        }
        Said::Twice => {
            let text = format!(
                "settle answered success {} times with different transactions, and {} transfer(s) are on the ledger",
                sale.grants, settled.transfers
            );
            Some((Verdict::Fail, text))
        }
        Said::Failed if settled.transfers > 0 => {
            let text = "settle answered failure, and its transfer is on the ledger";
            // The call without an answer may be the one that moved it.
            match sale.answered < sale.sent {
                true => {
                    let text = format!("{text}; another call of it got no answer");
                    Some((Verdict::Warn, text))
                }
                false => Some((Verdict::Fail, text.to_owned())),
            }
        }
        Said::Nothing | Said::Settled | Said::Failed | Said::Pending => None,
    };
    Seen {
        observed: sale.said != Said::Nothing,
        breach,
    }
}

/// I6: verify changes nothing.
fn moved(sale: &Sale, settled: &Settled, rules: &Rules) -> Seen {
    let breach = (settled.transfers > 0).then(|| {
        let text = "verified and never settled, and its transfer is on the ledger";
        (Verdict::Fail, text.to_owned())
    });
    Seen {
        observed: sale.answered > 0 && rules.at_rest,
        breach,
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::load::sale::tests::bought;

    const HASH: B256 = B256::repeat_byte(0xf0);

    fn rules() -> Rules {
        Rules {
            idempotent: true,
            upfront: false,
            at_rest: true,
            strays: 0,
            measured_from_us: 0,
        }
    }

    fn moved_once(transaction: B256) -> Settled {
        Settled {
            transfers: 1,
            transaction,
            ..Settled::default()
        }
    }

    fn verdict(seen: Seen) -> Option<Verdict> {
        seen.breach.map(|(verdict, _)| verdict)
    }

    #[test]
    fn a_true_success_and_a_final_failure_are_no_breach() {
        let good = told(&bought(1), &moved_once(HASH), &rules());
        assert!(good.observed && good.breach.is_none());
        let failed = Sale {
            said: Said::Failed,
            grants: 0,
            ..bought(1)
        };
        let seen = told(&failed, &Settled::default(), &rules());
        assert!(seen.observed && seen.breach.is_none());
    }

    #[test]
    fn success_without_transfer_fails_once_the_ledger_is_at_rest() {
        let seen = told(&bought(1), &Settled::default(), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Fail));
        let unread = Rules {
            at_rest: false,
            ..rules()
        };
        let seen = told(&bought(1), &Settled::default(), &unread);
        assert_eq!(verdict(seen), Some(Verdict::Inconclusive));
    }

    #[test]
    fn a_failure_that_moved_money_was_not_final() {
        let failed = Sale {
            said: Said::Failed,
            grants: 0,
            ..bought(1)
        };
        let seen = told(&failed, &moved_once(HASH), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Fail));
        let half_answered = Sale { sent: 2, ..failed };
        let seen = told(&half_answered, &moved_once(HASH), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Warn));
        let pending = Sale {
            said: Said::Pending,
            ..failed
        };
        assert_eq!(verdict(told(&pending, &moved_once(HASH), &rules())), None);
    }

    #[test]
    fn another_transaction_is_named() {
        let seen = told(&bought(1), &moved_once(B256::repeat_byte(2)), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Fail));
        let twice = Sale {
            said: Said::Twice,
            grants: 2,
            ..bought(1)
        };
        let seen = told(&twice, &moved_once(HASH), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Fail));
    }

    #[test]
    fn copies_may_both_succeed_but_move_once() {
        let both = Sale {
            part: Part::Duplicate,
            sent: 2,
            answered: 2,
            grants: 2,
            ..bought(1)
        };
        let seen = told_often(&both, &moved_once(HASH));
        assert!(seen.observed);
        assert_eq!(verdict(seen), Some(Verdict::Warn));
        let again = Sale {
            part: Part::RetrySame,
            ..both
        };
        let seen = told_often(&again, &moved_once(HASH));
        assert_eq!(verdict(seen), Some(Verdict::Info));
        let doubled = Settled {
            transfers: 2,
            ..moved_once(HASH)
        };
        assert_eq!(verdict(terms(&both, &doubled)), Some(Verdict::Fail));
        assert_eq!(verdict(terms(&both, &moved_once(HASH))), None);
    }

    #[test]
    fn a_charge_that_nobody_was_told_of_is_to_look_at() {
        let silent = Sale {
            said: Said::Nothing,
            answered: 0,
            grants: 0,
            ..bought(1)
        };
        let seen = untold(&silent, &moved_once(HASH));
        assert_eq!(verdict(seen), Some(Verdict::Warn));
        assert_eq!(verdict(untold(&bought(1), &moved_once(HASH))), None);
        assert!(!untold(&silent, &Settled::default()).observed);
    }

    #[test]
    fn a_verification_that_moved_money_fails() {
        let seen = moved(&bought(1), &moved_once(HASH), &rules());
        assert_eq!(verdict(seen), Some(Verdict::Fail));
        let seen = moved(&bought(1), &Settled::default(), &rules());
        assert!(seen.observed && seen.breach.is_none());
    }
}
