//! Section L: requests that try to put something into the answer.

use std::collections::{BTreeMap, BTreeSet};

use x402_assay_protocol::{Challenge, Version};

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::offered::{Kind, by_kind, domains, listed};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::{Exchange, canary};

pub(super) const MARKUP: Check = Check {
    id: "SRV-PRIV-004",
    title: "The paywall page escapes what stands in the URL",
    requirement: "HTML paywall escapes attacker-controlled URL parts (query, path).",
    observe: "A browser's request with markup in the query, and in the path where a route takes any; the page is searched for it.",
    good: "&lt;script&gt;, or nothing of it",
    bad: "<p>Pay for </script><script>...",
    source: "common practice; no document says it",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["privacy/markup-query", "privacy/markup-path"],
    judge: markup,
    cause: "the page is put together from decoded parts of the URL",
    fix: "escape for the place where it stands: HTML text, attribute or script; or leave the URL out of the page",
    tags: &["CWE-79"],
    killed_by: &["page-reflects-url"],
};

pub(super) const HOST: Check = Check {
    id: "SRV-PRIV-005",
    title: "The Host header does not change the terms",
    requirement: "Host header spoofing does not change `payTo` or terms, only `resource.url`.",
    observe: "An unpaid request with Host: evil.example; its offers against those of the plain requests.",
    good: "the same offers, or a refusal of the unknown host",
    bad: "another payTo",
    probes: &["privacy/host"],
    judge: host,
    cause: "recipient or price are looked up by the Host header, which every client may set",
    fix: "serve only the host names you know, and keep the terms in the configuration",
    tags: &["CWE-644"],
    killed_by: &["tenant-by-host"],
    ..MARKUP
};

fn markup(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for exchange in facts.probe(version, "privacy/markup-query") {
        outcome.add(page(exchange, canary::MARKUP, |_| true));
    }
    let reaches = |exchange: &Exchange<'_>| exchange.status() == Some(402);
    let sibling = facts.probe(version, "privacy/sibling-path").any(reaches);
    for exchange in facts.probe(version, "privacy/markup-path") {
        outcome.add(match sibling && reaches(exchange) {
            // Inside a script the same text is a harmless string.
            true => page(exchange, canary::PATH_MARKUP, |before| !in_script(before)),
            false => Outcome::skipped(format!(
                "control missing: the path with markup was answered {}, not 402 as its sibling should be",
                exchange.ending()
            )),
        });
    }
    outcome
}

/// Judges one page; `counts` is asked about the text before each occurrence.
fn page(exchange: &Exchange<'_>, wanted: &str, counts: impl Fn(&str) -> bool) -> Outcome {
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    let text = exchange.body_text().unwrap_or_default();
    if !is_html(exchange, text) {
        return Outcome::skipped(
            "browsers get no HTML here, so there is no page that markup could stand in",
        );
    }
    let mut places = text.match_indices(wanted);
    match places.any(|(at, _)| counts(&text[..at])) {
        true => Outcome::warn(
            format!(
                "{}: the page holds {wanted} as it was sent",
                exchange.probe()
            ),
            evidence_of(exchange),
        ),
        false => Outcome::pass(
            "no markup of the request in the page",
            evidence_of(exchange),
        ),
    }
}

fn is_html(exchange: &Exchange<'_>, text: &str) -> bool {
    match exchange.header("content-type") {
        Some(kind) => {
            let kind = kind.trim().to_ascii_lowercase();
            kind.starts_with("text/html") || kind.starts_with("application/xhtml")
        }
        // Without a type browsers guess.
        None => text.trim_start().starts_with('<'),
    }
}

/// True when a text ends inside a script element.
fn in_script(before: &str) -> bool {
    let text = before.to_ascii_lowercase();
    text.rfind("<script") > text.rfind("</script")
}

fn host(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let Some(spoofed) = judged.facts.probe(version, "privacy/host").next() else {
        return not_tried(version, "privacy/host");
    };
    if let Some(outcome) = unjudgeable(spoofed) {
        return outcome;
    }
    let evidence = evidence_of(spoofed);
    if judged.books.delivery(spoofed) == Delivery::Content {
        let text = format!(
            "the paid content is given away to Host: {}",
            canary::SPOOFED_HOST
        );
        return Outcome::given(text, evidence);
    }
    if spoofed.status() != Some(402) {
        let text = format!("the unknown host is answered {}", spoofed.ending());
        return Outcome::pass(text, evidence);
    }
    let plain: Vec<&Exchange<'_>> = judged
        .facts
        .unpaid(version)
        .into_iter()
        .filter(|exchange| {
            let same = exchange.sent.route == spoofed.sent.route;
            same && exchange.status() == Some(402) && exchange.sent.method == spoofed.sent.method
        })
        .collect();
    let usual: Vec<Terms> = plain
        .iter()
        .filter_map(|exchange| Some(Terms::of(judged, exchange.challenge(version)?)))
        .collect();
    let (Some(first), Some(challenge)) = (usual.first(), spoofed.challenge(version)) else {
        return Outcome::skipped("control missing: there are no two challenges to compare");
    };
    let given = Terms::of(judged, challenge);
    if usual.contains(&given) {
        return Outcome::pass("the same terms for another Host header", evidence);
    }
    if usual.iter().any(|terms| terms != first) {
        return Outcome::skipped(
            "control missing: the terms change from challenge to challenge anyway",
        );
    }
    let mut evidence = evidence;
    evidence.extend(plain.iter().map(|exchange| exchange.evidence()));
    let text = format!(
        "Host: {} gets other terms: {}",
        canary::SPOOFED_HOST,
        first.difference(&given)
    );
    Outcome::warn(text, evidence)
}

/// What must not depend on the host.
#[derive(Debug, PartialEq, Eq)]
struct Terms([(&'static str, BTreeMap<Kind, BTreeSet<String>>); 3]);

impl Terms {
    fn of(judged: &Judged<'_, '_>, challenge: &Challenge) -> Self {
        let dynamic = judged.facts.run.is_some_and(|run| run.dynamic_price);
        let amounts = match dynamic {
            true => BTreeMap::new(),
            false => by_kind(challenge, challenge.version.amount_field()),
        };
        Self([
            ("payTo", by_kind(challenge, "payTo")),
            ("amount", amounts),
            ("token domain", domains(challenge)),
        ])
    }

    /// The first thing that differs, in words.
    fn difference(&self, other: &Self) -> String {
        let rows = self.0.iter().zip(&other.0);
        let differing = rows.filter(|(ours, theirs)| ours != theirs);
        let mut told = differing.map(|((name, ours), (_, theirs))| {
            let changed = ours.iter().find_map(|(kind, was)| {
                let is = theirs.get(kind).filter(|is| *is != was)?;
                Some(format!("{name} {}, not {}", listed(is), listed(was)))
            });
            changed.unwrap_or_else(|| "other offers".to_owned())
        });
        told.next().unwrap_or_else(|| "other offers".to_owned())
    }
}
