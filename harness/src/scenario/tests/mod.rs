//! Whole files: good ones, the library, its schema, and everything that can be wrong with one.

mod bad;
mod bad_steps;
mod good;
mod library;
mod load_sheet;
mod schema;

use super::Scenario;
use crate::config::yaml::ProblemList;

/// A head that needs nothing, to be followed by other keys.
const HEAD: &str = "scenario: t\nabout: A test.\nrole: server\n";

fn parse(text: &str) -> Result<Scenario, ProblemList> {
    Scenario::parse(text, "t.yaml")
}

/// Two right steps that name `offer` and `payment`.
const SIGNED: &str = "  - quote: { as: offer }\n  - sign: { offer: offer, as: payment }\n";

/// What is said about a file that must be refused.
fn problems(name: &str, text: &str) -> String {
    parse(text).expect_err(name).to_string()
}
