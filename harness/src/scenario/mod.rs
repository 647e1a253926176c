//! Scenario files: what is done to a target, which faults are injected when, and what must hold.
//!
//! [`Scenario::parse`] reads a file and reports every problem at once; [`Scenario::expand`] gives the cases of its
//! `vary` matrix with every reference put in. Nothing is executed here. `scenarios/README.md` says what each step means.

mod builtin;
mod case;
pub mod expect;
mod flight;
mod keys;
mod load;
mod load_faults;
mod load_sheet;
mod model;
mod normal;
mod parse;
mod scope;
pub mod steps;
mod substitute;
mod value;
mod vary;
mod words;
mod write;

pub use builtin::{BUILTIN, LOAD_BUILTIN, builtin, builtin_load, builtin_named};
pub use case::{Case, CaseStep};
pub use expect::{EXPECTATIONS, Expect, Expectation, ExpectationKind};
pub use load::{ScenarioError, load};
pub use model::{Role, SCENARIO_NAME_MAX, Scenario, VERSION};
pub use scope::{NameKind, PREDEFINED_PAYERS};
pub use steps::{STEPS, Step, StepKind};
pub use value::{Amount, Range, SignedRange, StatusPattern};
pub use vary::{CASES_MAX, Parameters, Vary};
pub use words::{Encoding, Moment, Need, OddBody, PathForm, ProtocolEvent, Scheme, Stage};

#[cfg(test)]
mod tests;
