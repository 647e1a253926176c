//! The faults, holds and defects that are on, under their names.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::draw::Draw;
use super::pending::Book;
use super::{Fault, FaultSpec, FaultView};
use crate::connection::Gate;
use crate::defects::{DefectMemory, DefectSet};
use crate::event::{AuthorizationKey, Endpoint};
use crate::holds::{Hold, HoldSpec, HoldView};
use crate::nearest::hint;

/// Most faults at a time.
const FAULTS_MAX: usize = 256;
/// Most holds at a time.
const HOLDS_MAX: usize = 64;

/// Everything that makes a facilitator differ from a correct, prompt one.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    /// False while nothing below is on: then a call pays for this one load and nothing else.
    armed: AtomicBool,
    on: RwLock<On>,
    gate: Gate,
}

#[derive(Debug, Default)]
struct On {
    faults: Vec<Arc<Armed>>,
    holds: Vec<Arc<Hold>>,
    defects: DefectSet,
    memory: Arc<DefectMemory>,
    named: u64,
}

/// What is on for one call.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Faults, in listed order, each with the call's position among those its rule met.
    pub(crate) faults: Vec<(Arc<Armed>, u64)>,
    /// Holds the call belongs to.
    pub(crate) holds: Vec<Arc<Hold>>,
    /// Defects of the facilitator.
    pub(crate) defects: DefectSet,
    /// What the defects remember.
    pub(crate) memory: Arc<DefectMemory>,
}

/// Why a fault or hold was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Its name is taken.
    #[error("there is a {noun} `{name}` already: remove it first, or choose another name")]
    Taken {
        /// `fault` or `hold`.
        noun: &'static str,
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("there are {max} {noun}s already: remove some first")]
    TooMany {
        /// `fault` or `hold`.
        noun: &'static str,
        /// The limit.
        max: usize,
    },
}

/// A fault that is on.
#[derive(Debug)]
pub(crate) struct Armed {
    spec: FaultSpec,
    seed: u64,
    seen: AtomicU64,
    fired: AtomicU64,
    pending: Book,
}

impl Armed {
    pub(super) fn new(spec: FaultSpec, seed: u64) -> Self {
        Self {
            seed: spec.seed.unwrap_or(seed),
            spec,
            seen: AtomicU64::new(0),
            fired: AtomicU64::new(0),
            pending: Book::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) const fn fault(&self) -> &Fault {
        &self.spec.fault
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) const fn pending(&self) -> &Book {
        &self.pending
    }

    pub(super) fn count_fired(&self) {
        self.fired.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call; its position when the fault is for it.
    fn choose(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> Option<u64> {
        let rule = &self.spec.matching;
        if !rule.meets(endpoint, key) {
            return None;
        }
        let position = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let chosen = rule.nth.as_ref().is_none_or(|nth| nth.contains(position))
            && rule
                .probability
                .is_none_or(|p| Draw::new(self.seed, "probability", position).chance(p));
        chosen.then_some(position)
    }

    fn view(&self) -> FaultView {
        FaultView {
            name: self.spec.name.clone(),
            seed: self.seed,
            matching: self.spec.matching.clone(),
            fault: self.spec.fault.clone(),
            seen: self.seen.load(Ordering::Relaxed),
            fired: self.fired.load(Ordering::Relaxed),
        }
    }
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            armed: AtomicBool::new(false),
            on: RwLock::default(),
            gate: Gate::default(),
        }
    }

    /// Seed of every fault and hold that brings none of its own.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// True while a fault, hold or defect is on.
    pub fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Adds a fault behind those there are; they take effect in this order.
    ///
    /// # Errors
    /// When it makes no sense, its name is taken, or there are too many.
    pub fn add(&self, mut spec: FaultSpec) -> Result<FaultView, AddError> {
        spec.validate().map_err(AddError::Invalid)?;
        let mut on = self.write();
        if spec.name.is_empty() {
            spec.name = on.free_name("fault");
        }
        check_room(
            "fault",
            &spec.name,
            FAULTS_MAX,
            on.faults.iter().map(|fault| fault.name()),
        )?;
        let armed = Arc::new(Armed::new(spec, self.seed));
        let view = armed.view();
        on.faults.push(armed);
        self.changed(&on);
        Ok(view)
    }

    /// Removes a fault; calls it is already injected into are not spared. Gives its last state.
    pub fn remove(&self, name: &str) -> Option<FaultView> {
        let mut on = self.write();
        let index = on.faults.iter().position(|fault| fault.name() == name)?;
        let view = on.faults.remove(index).view();
        self.changed(&on);
        Some(view)
    }

    /// Removes every fault whose name begins so; the empty prefix removes all.
    pub fn remove_all(&self, prefix: &str) -> Vec<FaultView> {
        let mut on = self.write();
        let gone = on
            .faults
            .extract_if(.., |fault| fault.name().starts_with(prefix));
        let views = gone.map(|fault| fault.view()).collect();
        self.changed(&on);
        views
    }

    /// A fault by name.
    pub fn get(&self, name: &str) -> Option<FaultView> {
        let on = self.read();
        on.faults
            .iter()
            .find(|fault| fault.name() == name)
            .map(|fault| fault.view())
    }

    /// Every fault, in the order in which they take effect.
    pub fn list(&self) -> Vec<FaultView> {
        self.read()
            .faults
            .iter()
            .map(|fault| fault.view())
            .collect()
    }

    /// Adds a hold; a call that belongs to several waits in each, in this order.
    ///
    /// # Errors
    /// When it makes no sense, its name is taken, or there are too many.
    pub fn add_hold(&self, mut spec: HoldSpec) -> Result<HoldView, AddError> {
        spec.validate().map_err(AddError::Invalid)?;
        let mut on = self.write();
        if spec.name.is_empty() {
            spec.name = on.free_name("hold");
        }
        check_room(
            "hold",
            &spec.name,
            HOLDS_MAX,
            on.holds.iter().map(|hold| hold.name()),
        )?;
        let hold = Arc::new(Hold::new(spec, self.seed));
        let view = hold.view();
        on.holds.push(hold);
        self.changed(&on);
        Ok(view)
    }

    /// Removes a hold and releases the calls in it. Gives its last state.
    pub fn remove_hold(&self, name: &str) -> Option<HoldView> {
        let mut on = self.write();
        let index = on.holds.iter().position(|hold| hold.name() == name)?;
        let hold = on.holds.remove(index);
        self.changed(&on);
        drop(on);
        Some(hold.end())
    }

    /// Removes every hold whose name begins so, and releases the calls in them.
    pub fn remove_holds(&self, prefix: &str) -> Vec<HoldView> {
        let mut on = self.write();
        let gone = on
            .holds
            .extract_if(.., |hold| hold.name().starts_with(prefix));
        let gone: Vec<Arc<Hold>> = gone.collect();
        self.changed(&on);
        drop(on);
        gone.iter().map(|hold| hold.end()).collect()
    }

    /// A hold by name.
    pub fn hold(&self, name: &str) -> Option<HoldView> {
        self.read()
            .holds
            .iter()
            .find(|hold| hold.name() == name)
            .map(|hold| hold.view())
    }

    /// Every hold.
    pub fn holds(&self) -> Vec<HoldView> {
        self.read().holds.iter().map(|hold| hold.view()).collect()
    }

    /// Defects that are on.
    pub fn defects(&self) -> DefectSet {
        self.read().defects
    }

    /// Switches to exactly these defects; what the former ones remembered is forgotten.
    pub fn set_defects(&self, defects: DefectSet) {
        let mut on = self.write();
        on.defects = defects;
        on.memory = Arc::default();
        self.changed(&on);
    }

    /// `; did you mean …?` for a fault or hold that is not there.
    pub(crate) fn hint(&self, name: &str) -> String {
        let on = self.read();
        let faults = on.faults.iter().map(|fault| fault.name());
        hint(name, faults.chain(on.holds.iter().map(|hold| hold.name())))
    }

    /// What is on for a call; counts it.
    pub(crate) fn choose(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> Chosen {
        let on = self.read();
        let chosen = |fault: &Arc<Armed>| Some((Arc::clone(fault), fault.choose(endpoint, key)?));
        Chosen {
            faults: on.faults.iter().filter_map(chosen).collect(),
            holds: on
                .holds
                .iter()
                .filter(|hold| hold.chooses(endpoint, key))
                .cloned()
                .collect(),
            defects: on.defects,
            memory: Arc::clone(&on.memory),
        }
    }

    fn changed(&self, on: &On) {
        let any = !(on.faults.is_empty() && on.holds.is_empty() && on.defects.is_empty());
        self.armed.store(any, Ordering::Relaxed);
        let out = on
            .faults
            .iter()
            .any(|fault| matches!(fault.fault(), Fault::Outage(_)));
        self.gate.set_closed(out);
    }

    fn read(&self) -> RwLockReadGuard<'_, On> {
        self.on.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, On> {
        self.on.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl On {
    fn free_name(&mut self, noun: &str) -> String {
        loop {
            self.named += 1;
            let name = format!("{noun}-{}", self.named);
            let taken = self.faults.iter().any(|fault| fault.name() == name)
                || self.holds.iter().any(|hold| hold.name() == name);
            if !taken {
                return name;
            }
        }
    }
}

fn check_room<'a>(
    noun: &'static str,
    name: &str,
    max: usize,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), AddError> {
    if names.len() >= max {
        return Err(AddError::TooMany { noun, max });
    }
    for taken in names {
        if taken == name {
            return Err(AddError::Taken {
                noun,
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Latency, Match, Nth, Outage};
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
}
