//! One finding as the body of an issue: what was tested, what was done, what was expected and seen, how to make it again.

use super::escape::{block, code, inline};
use crate::model::{CaseResult, Evidence, Report, ScenarioFinding, ScenarioResult};
use crate::text;

const SENTENCE_MAX: usize = 800;
const EVIDENCE_MAX: usize = 12;
const TIMELINE_MAX: usize = 30;
/// Longest scenario that is shown whole, in bytes.
const SCENARIO_MAX: usize = 8_000;

/// What the body is made of.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'r> {
    /// The run.
    pub report: &'r Report,
    /// The scenario.
    pub scenario: &'r ScenarioResult,
    /// Its case.
    pub case: &'r CaseResult,
    /// What did not hold.
    pub finding: &'r ScenarioFinding,
    /// The scenario file of the case, minimised where that was asked for.
    pub text: &'r str,
    /// Seed that makes it again.
    pub seed: u64,
    /// What happened to one of the payments, in order.
    pub timeline: &'r [Evidence],
    /// Command that makes it again.
    pub replay: &'r str,
    /// Variables to set before.
    pub variables: &'r [String],
}

/// The body, with a title as its first line.
pub fn render(issue: &Issue<'_>) -> String {
    let case = issue.case;
    let mut out = format!(
        "## {}: {} does not hold\n\n{}\n\n",
        code(&issue.scenario.name, 80),
        inline(&issue.finding.expectation, 80),
        inline(&issue.scenario.about, SENTENCE_MAX),
    );
    head(&mut out, issue);
    out.push_str(&format!(
        "\n### Expected\n\n{}",
        inline(&issue.finding.expectation, 80)
    ));
    match &issue.finding.why {
        Some(why) => out.push_str(&format!(": {}\n", inline(why, SENTENCE_MAX))),
        None => out.push_str(&format!(
            " holds: {}\n",
            inline(&issue.scenario.about, SENTENCE_MAX)
        )),
    }
    out.push_str(&format!(
        "\n### Observed\n\n{}\n",
        inline(&issue.finding.text, SENTENCE_MAX)
    ));
    if let Some(repeats) = &case.repeats {
        let (with, ran) = (repeats.with_verdict, repeats.ran);
        out.push_str(&format!("\nIn {with} of {ran} repeats.\n"));
    }
    list(&mut out, "Evidence", &issue.finding.evidence, EVIDENCE_MAX);
    list(&mut out, "Timeline", issue.timeline, TIMELINE_MAX);
    out.push_str(&format!("\n### Scenario file\n\n{}", yaml(issue.text)));
    out.push_str("\n### Reproduce\n\n");
    if !issue.variables.is_empty() {
        let names: Vec<String> = issue.variables.iter().map(|name| code(name, 100)).collect();
        out.push_str(&format!("Set {} first.\n\n", names.join(", ")));
    }
    out.push_str(&block(issue.replay, 2_000));
    out
}

/// What was tested, with what.
fn head(out: &mut String, issue: &Issue<'_>) {
    let Issue { report, case, .. } = issue;
    let fidelity = &report.fidelity;
    let network = fidelity.network.as_deref().unwrap_or("unknown network");
    let node = fidelity
        .node
        .as_ref()
        .map(|node| format!(", {}", inline(node, 100)));
    let values = match case.label.as_str() {
        "" => format!("case {}", case.case),
        label => format!("case {} ({})", case.case, inline(label, 200)),
    };
    item(out, "Target", &target(report));
    item(
        out,
        "Versions",
        &format!(
            "x402 {}, x402-assay {}",
            inline(&report.target.versions.join(", "), 60),
            inline(&report.bench_version, 40)
        ),
    );
    let chain = format!(
        "{} standing in for {}",
        inline(&fidelity.chain, 40),
        inline(network, 60)
    );
    item(
        out,
        "Chain",
        &format!("{chain}{}", node.unwrap_or_default()),
    );
    item(out, "Seed", &issue.seed.to_string());
    item(out, "Scenario", &values);
    if let Some(least) = &case.minimised {
        item(out, "Minimised", &inline(&least.told(), 300));
    }
    if !issue.scenario.sources.is_empty() {
        let sources = issue.scenario.sources.join(", ");
        item(out, "Seen before as", &inline(&sources, 300));
    }
}

fn target(report: &Report) -> String {
    let target = &report.target;
    let mut text = format!("{} {}", inline(&target.kind, 40), code(&target.name, 200));
    if let Some(url) = target.url.as_ref().filter(|url| **url != target.name) {
        text.push_str(&format!(" at {}", code(url, 400)));
    }
    text
}

fn item(out: &mut String, label: &str, value: &str) {
    out.push_str(&format!("- **{label}:** {value}\n"));
}

fn list(out: &mut String, title: &str, items: &[Evidence], most: usize) {
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("\n### {title}\n\n"));
    for piece in items.iter().take(most) {
        let name = match piece.kind.as_str() {
            "timeline" => piece.id.clone(),
            kind => format!("{} {}", kind.replace('_', " "), piece.id),
        };
        out.push_str(&format!(
            "- {}: {}\n",
            code(&name, 160),
            inline(&piece.text, 300)
        ));
    }
    if items.len() > most {
        out.push_str(&format!("- and {} more\n", items.len() - most));
    }
}

/// A fenced block of YAML that nothing inside can close.
fn yaml(source: &str) -> String {
    let mut lines = String::new();
    for line in source.lines() {
        if lines.len() + line.len() > SCENARIO_MAX {
            lines.push_str("# cut; the replay file holds all of it\n");
            break;
        }
        lines.push_str(&text::visible(line));
        lines.push('\n');
    }
    let mut fence = "```".to_owned();
    while lines.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}yaml\n{lines}{fence}\n")
}
