//! Which faults are on, and for which calls.

use super::registry::{AddError, FAULTS_MAX, Faults};
use super::{FaultSpec, Latency, Match, Nth, Outage};
use crate::defects::DefectSet;
use crate::event::{AuthorizationKey, Endpoint};
use alloy_primitives::{Address, B256};

fn key(payer: u8) -> AuthorizationKey {
    AuthorizationKey {
        payer: Address::repeat_byte(payer),
        nonce: B256::ZERO,
        asset: Address::ZERO,
        chain_id: 1,
    }
}

fn latency(name: &str, matching: Match) -> FaultSpec {
    FaultSpec::new(name, Latency::default().into()).for_calls(matching)
}

fn hits(faults: &Faults, calls: u64) -> Vec<u64> {
    (0..calls)
        .flat_map(|_| faults.choose(Endpoint::Verify, None).faults)
        .map(|(_, position)| position)
        .collect()
}

#[test]
fn it_is_armed_exactly_while_something_is_on() {
    let faults = Faults::new(1);
    assert!(!faults.is_armed());
    faults.add(latency("a", Match::default())).unwrap();
    faults.add(latency("b", Match::default())).unwrap();
    assert!(faults.is_armed());
    assert!(faults.remove("a").is_some() && faults.is_armed());
    assert!(faults.remove("b").is_some() && !faults.is_armed());
    assert!(faults.remove("b").is_none());
    faults.set_defects(crate::defects::Defect::ALL.iter().copied().collect());
    assert!(faults.is_armed());
    faults.set_defects(DefectSet::default());
    assert!(!faults.is_armed());
}

#[test]
fn names_are_unique_given_when_missing_and_kept_in_order() {
    let faults = Faults::new(1);
    faults.add(latency("fault-1", Match::default())).unwrap();
    assert_eq!(
        faults.add(latency("", Match::default())).unwrap().name,
        "fault-2"
    );
    let error = faults
        .add(latency("fault-2", Match::default()))
        .unwrap_err();
    assert!(error.to_string().contains("`fault-2` already"), "{error}");
    let names: Vec<String> = faults.list().into_iter().map(|fault| fault.name).collect();
    assert_eq!(names, ["fault-1", "fault-2"]);
    assert!(faults.hint("fault1").contains("`fault-1`"));
    faults.add(latency("other", Match::default())).unwrap();
    assert_eq!(faults.remove_all("fault-").len(), 2);
    assert_eq!(faults.list().len(), 1);
    assert_eq!(faults.remove_all("").len(), 1);
    assert!(!faults.is_armed());
}

#[test]
fn their_number_is_bounded() {
    let faults = Faults::new(1);
    for _ in 0..FAULTS_MAX {
        faults.add(latency("", Match::default())).unwrap();
    }
    let error = faults.add(latency("", Match::default())).unwrap_err();
    assert!(matches!(error, AddError::TooMany { .. }), "{error}");
}

#[test]
fn equal_seeds_give_equal_faults_and_other_seeds_others() {
    let run = |seed| {
        let faults = Faults::new(seed);
        let half = Match {
            probability: Some(0.5),
            ..Match::default()
        };
        faults.add(latency("half", half)).unwrap();
        hits(&faults, 200)
    };
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
    assert!((60..140).contains(&run(42).len()));
}

#[test]
fn a_seed_of_its_own_makes_a_fault_independent_of_the_facilitators() {
    let run = |process, own| {
        let faults = Faults::new(process);
        let half = Match {
            probability: Some(0.5),
            ..Match::default()
        };
        let spec = FaultSpec {
            seed: Some(own),
            ..latency("half", half)
        };
        assert_eq!(faults.add(spec).unwrap().seed, own);
        hits(&faults, 200)
    };
    assert_eq!(run(1, 7), run(2, 7));
    assert_ne!(run(1, 7), run(1, 8));
}

#[test]
fn positions_count_only_the_calls_the_rule_meets() {
    let faults = Faults::new(1);
    let second = Match {
        endpoint: Some(Endpoint::Settle),
        payer: Some(Address::repeat_byte(1).into()),
        nth: Some(Nth::only(2)),
        ..Match::default()
    };
    faults.add(latency("second", second)).unwrap();
    let chosen = |endpoint, payer| faults.choose(endpoint, Some(&key(payer))).faults.len();
    assert_eq!(chosen(Endpoint::Settle, 1), 0);
    assert_eq!(chosen(Endpoint::Verify, 1), 0, "another endpoint");
    assert_eq!(chosen(Endpoint::Settle, 2), 0, "another run's payer");
    assert_eq!(chosen(Endpoint::Settle, 1), 1);
    assert_eq!(chosen(Endpoint::Settle, 1), 0);
    assert_eq!(faults.get("second").unwrap().seen, 3);
}

#[test]
fn an_outage_closes_the_gate_until_it_is_removed() {
    let faults = Faults::new(1);
    faults.add(FaultSpec::new("out", Outage {}.into())).unwrap();
    faults.add(latency("slow", Match::default())).unwrap();
    assert!(faults.gate().is_closed());
    faults.remove("out").unwrap();
    assert!(!faults.gate().is_closed());
}
