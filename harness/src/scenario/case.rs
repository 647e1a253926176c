//! One case of a scenario: its values, its steps and what must hold.

use std::time::Duration;

use super::expect::{Expectation, decode_expectations};
use super::keys::number_or;
use super::model::Role;
use super::scope::Scope;
use super::steps::{Step, decode_steps};
use super::vary::Parameters;
use super::words::Need;
use crate::config::yaml::{Node, Problem, Problems, View};

/// The most rounds of one case.
const ROUNDS_MAX: u32 = 1_000;
/// How long a case may take unless the file says so.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// A case may not take longer than this.
const TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

/// One combination of the varied values, with every reference put in.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// `copies=10 settle_delay=250ms`; empty when nothing is varied.
    pub label: String,
    /// The values.
    pub parameters: Parameters,
    /// How often the steps are done; more than once where a gap can only be hit by chance.
    pub rounds: u32,
    /// A round that takes longer has failed.
    pub timeout: Duration,
    /// What is done, in order.
    pub steps: Vec<CaseStep>,
    /// What must hold afterwards.
    pub expect: Vec<Expectation>,
}

impl Case {
    /// The one case of a load scenario.
    pub(super) fn without_steps(timeout: Duration) -> Self {
        Self {
            label: String::new(),
            parameters: Parameters::default(),
            rounds: 1,
            timeout,
            steps: Vec::new(),
            expect: Vec::new(),
        }
    }
}

/// A step with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseStep {
    /// From 1.
    pub number: usize,
    /// Its line in the file.
    pub line: usize,
    /// What is done.
    pub step: Step,
}

/// Reads one case of the tree in which every reference was put in; warnings come beside it.
pub(super) fn decode_case(
    tree: &Node,
    role: Role,
    needs: &[Need],
    parameters: &Parameters,
    problems: &Problems,
) -> Option<(Case, Vec<Problem>)> {
    let map = View::root(tree, problems).as_map()?;
    let mut scope = Scope::new(problems, role, needs);
    let timeout = map.optional_positive_duration("timeout");
    let timeout = timeout.unwrap_or(TIMEOUT_DEFAULT);
    if timeout > TIMEOUT_MAX {
        map.problem_at_key("timeout", "`timeout`: a case ends within 1h");
    }
    let rounds = number_or(&map, "rounds", 1..=ROUNDS_MAX, 1);
    let steps = map.required("steps");
    let decoded = steps.as_ref().map(|view| {
        scope.look_ahead(view.node());
        decode_steps(view, &mut scope)
    });
    let expect = map
        .required("expect")
        .map(|view| decode_expectations(&view, &mut scope));
    let warnings = scope.finish(timeout, steps?.position());
    let case = Case {
        label: parameters.to_string(),
        parameters: parameters.clone(),
        rounds,
        timeout,
        steps: decoded?,
        expect: expect?,
    };
    Some((case, warnings))
}
