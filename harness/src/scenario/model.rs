//! A whole scenario file.

use std::time::Duration;

use super::case::{Case, decode_case};
use super::substitute::substitute;
use super::vary::{Parameters, Vary};
use super::words::{Need, words};
use crate::config::yaml::{Node, ProblemList, Problems};
use crate::load::LoadSheet;

/// The version of the language this reader knows.
pub const VERSION: u64 = 1;
/// The longest id of a scenario.
pub const SCENARIO_NAME_MAX: usize = 60;

words! {
    /// Whom a scenario tests.
    pub enum Role {
        /// A resource server.
        Server = "server",
        /// A facilitator; paid requests go through the reference server in front of it.
        Facilitator = "facilitator",
    }
}

/// A scenario as it was read.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its id, for example `concurrent-duplicates`.
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// Where the failure was seen: ids of failure modes, issues, papers.
    pub sources: Vec<String>,
    /// Whom it tests.
    pub role: Role,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// What it cannot do without.
    pub needs: Vec<Need>,
    /// The values that are varied, in file order.
    pub vary: Vec<Vary>,
    /// Problems that do not keep it from running, for example names that are never used.
    pub warnings: Vec<String>,
    /// What a load scenario asks for; it has no steps, and one case without any.
    pub load: Option<LoadSheet>,
    pub(super) cases: Vec<Case>,
    pub(super) shown: String,
    pub(super) tree: Node,
}

impl Scenario {
    /// Reads a scenario; `shown` is how messages name the file.
    ///
    /// # Errors
    /// Every problem of the file at once, each with line and column.
    pub fn parse(text: &str, shown: &str) -> Result<Self, ProblemList> {
        super::parse::parse(text, shown)
    }

    /// Reads a scenario that stands inside another file; problems go there.
    pub(crate) fn from_node(node: &Node, shown: &str, problems: &Problems) -> Option<Self> {
        super::parse::parse_node(node.clone(), shown, problems)
    }

    /// One case for each combination of the varied values, first value slowest; one case without `vary`.
    pub fn expand(&self) -> &[Case] {
        &self.cases
    }

    /// The longest any one case may take.
    pub fn timeout(&self) -> Duration {
        let timeouts = self.cases.iter().map(|case| case.timeout);
        timeouts.max().unwrap_or_default()
    }

    /// The case of given values, which need not be among the varied ones: for replays and for finding the smallest
    /// value that still fails.
    ///
    /// # Errors
    /// When a name is not varied by the scenario, or a value does not fit where it is used.
    pub fn case(&self, parameters: &Parameters) -> Result<Case, ProblemList> {
        let problems = Problems::new(self.shown.clone());
        for (name, _) in parameters.iter() {
            if !self.vary.iter().any(|vary| vary.name == name) {
                problems.of_file(format!("does not vary `{name}`"));
            }
        }
        for vary in &self.vary {
            if parameters.get(&vary.name).is_none() {
                problems.of_file(format!(
                    "varies `{}`, for which no value is given",
                    vary.name
                ));
            }
        }
        let tree = substitute(&self.tree, parameters);
        let case = decode_case(&tree, self.role, &self.needs, parameters, &problems);
        problems.finish(case.map(|(case, _)| case))
    }
}
