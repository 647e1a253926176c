//! Replay file → text.

use std::fmt::Write as _;
use std::path::Path;

use super::model::{ReplayFile, ReplayTarget, VERSION, verdict_word};
use super::profile_text::{self, quote};
use crate::cli::args::ChainChoice;

/// The text of a replay file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// Variables that must be set before it can be replayed.
    pub variables: Vec<String>,
}

/// Writes a replay file; `hide` takes known secrets out of a text, relative paths of the target start from `folder`.
pub fn write(file: &ReplayFile, hide: &dyn Fn(&str) -> String, folder: &Path) -> Written {
    let (target, variables, left_out) = target_lines(file.target.as_ref(), hide, folder);
    let mut text = String::from(
        "# One finding of x402-assay. Make it again with: x402-assay replay THIS_FILE\n\
         # Exit code 3: reproduced. 0: not reproduced. 5: could not run.\n",
    );
    for (name, what) in &variables {
        let _ = writeln!(text, "# Set {name} before: {what}.");
    }
    for what in left_out {
        let _ = writeln!(text, "# Left out: {}.", line(hide, &what));
    }
    let found = &file.found;
    let _ = write!(
        text,
        "replay: {VERSION}\nbench: {}\nwhen: {}\nfound:\n  scenario: {}\n  case: {}\n",
        quote(&file.bench),
        quote(&file.when),
        quote(&found.scenario),
        found.case,
    );
    if !found.parameters.is_empty() {
        let pair = |(name, value): &(String, String)| format!("{name}: {}", quote(&hide(value)));
        let pairs: Vec<String> = found.parameters.iter().map(pair).collect();
        let _ = writeln!(text, "  parameters: {{ {} }}", pairs.join(", "));
    }
    let _ = write!(
        text,
        "  expectation: {}\n  verdict: {}\n  text: {}\nseed: {}\n",
        quote(&found.expectation),
        verdict_word(found.verdict),
        quote(&line(hide, &found.text)),
        file.seed
    );
    if let Some(version) = file.x402 {
        let _ = writeln!(text, "x402: {version}");
    }
    let _ = writeln!(text, "chain: {}", chain_word(file.chain.as_ref()));
    if let Some(network) = file.network {
        let _ = writeln!(text, "network: \"eip155:{network}\"");
    }
    text.push_str("target:\n");
    indented(&mut text, target.iter().map(String::as_str));
    text.push_str("scenario:\n");
    let scenario = hide(&file.sheet.text);
    indented(&mut text, scenario.lines());
    let variables = variables.into_iter().map(|(name, _)| name);
    Written {
        text,
        variables: variables.collect(),
    }
}

type Lines = (Vec<String>, Vec<(String, String)>, Vec<String>);

fn target_lines(
    target: Option<&ReplayTarget>,
    hide: &dyn Fn(&str) -> String,
    folder: &Path,
) -> Lines {
    match target {
        Some(ReplayTarget::Profile(profile)) => {
            let text = profile_text::of(profile, hide, folder);
            (text.lines, text.variables, text.left_out)
        }
        Some(ReplayTarget::BuiltIn { defects }) => {
            let defects: Vec<String> = defects.iter().map(|name| quote(name)).collect();
            let line = format!("builtin: {{ defects: [{}] }}", defects.join(", "));
            (vec![line], Vec::new(), Vec::new())
        }
        None => (vec!["builtin: {}".to_owned()], Vec::new(), Vec::new()),
    }
}

fn chain_word(chain: Option<&ChainChoice>) -> &'static str {
    match chain {
        Some(ChainChoice::Auto) => "auto",
        Some(ChainChoice::Anvil) => "anvil",
        Some(ChainChoice::Memory) => "memory",
        Some(ChainChoice::Url(_)) | None => "url",
    }
}

/// What a target or a chain said, on one harmless line.
fn line(hide: &dyn Fn(&str) -> String, text: &str) -> String {
    x402_assay_reports::text::line(&hide(text), 1_000)
}

fn indented<'l>(text: &mut String, lines: impl Iterator<Item = &'l str>) {
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
