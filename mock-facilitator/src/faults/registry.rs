//! The faults, holds and defects that are on, under their names.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::armed::Armed;
use super::{Fault, FaultSpec, FaultView};
use crate::connection::Gate;
use crate::defects::{DefectMemory, DefectSet};
use crate::event::{AuthorizationKey, Endpoint};
use crate::holds::{Hold, HoldSpec, HoldView};
use crate::nearest::hint;

/// Most faults at a time.
pub(super) const FAULTS_MAX: usize = 256;
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

    /// Defects that are on, and what they remember.
    pub(crate) fn remembered(&self) -> (DefectSet, Arc<DefectMemory>) {
        let on = self.read();
        (on.defects, Arc::clone(&on.memory))
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

    /// Forgets what defects remember, and the calls in holds that are gone.
    pub(crate) fn forget(&self) {
        let mut on = self.write();
        on.memory = Arc::default();
        for hold in &on.holds {
            hold.forget_gone();
        }
    }

    /// Lets callers in again, unless there is an outage.
    pub(crate) fn reopen(&self) {
        self.changed(&self.read());
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
