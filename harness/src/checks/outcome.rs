//! What a judge finds, and how findings merge: the worst wins.

use x402_assay_reports::model::{Evidence, Verdict};

/// Most findings whose text goes into one sentence.
const MAX_TEXTS: usize = 3;
/// Most pieces of evidence kept for one check.
const MAX_EVIDENCE: usize = 20;

/// The worse of two verdicts: fail, inconclusive, warn, skipped, info, pass.
pub fn worst(first: Verdict, second: Verdict) -> Verdict {
    first.max(second)
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its verdict.
    pub verdict: Verdict,
    /// What was seen, or why nothing was tried.
    pub text: String,
    /// What supports it.
    pub evidence: Vec<Evidence>,
    /// True when something was given or moved that should not have been.
    pub given: bool,
}

/// Everything a judge found; merging is concatenation, so it is associative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    findings: Vec<Finding>,
}

impl Outcome {
    /// Nothing found yet.
    pub const fn new() -> Self {
        Self {
            findings: Vec::new(),
        }
    }

    fn one(
        verdict: Verdict,
        text: impl Into<String>,
        evidence: Vec<Evidence>,
        given: bool,
    ) -> Self {
        Self {
            findings: vec![Finding {
                verdict,
                text: text.into(),
                evidence,
                given,
            }],
        }
    }

    /// The property holds here.
    pub fn pass(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Pass, text, evidence, false)
    }

    /// Likely trouble, or a violation of a soft source.
    pub fn warn(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Warn, text, evidence, false)
    }

    /// A clear violation.
    pub fn fail(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Fail, text, evidence, false)
    }

    /// A clear violation in which something was given or moved.
    pub fn given(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Fail, text, evidence, true)
    }

    /// Our own trouble kept us from judging.
    pub fn inconclusive(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Inconclusive, text, evidence, false)
    }

    /// Not tried, and why.
    pub fn skipped(text: impl Into<String>) -> Self {
        Self::one(Verdict::Skipped, text, Vec::new(), false)
    }

    /// Adds what another judge found.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// Adds what another judge found.
    pub fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
    }

    /// True when nothing was found at all.
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Changes the verdict of every finding.
    #[must_use]
    pub fn map_verdict(mut self, change: impl Fn(Verdict) -> Verdict) -> Self {
        for finding in &mut self.findings {
            finding.verdict = change(finding.verdict);
        }
        self
    }

    /// The worst verdict; `inconclusive` when there is no finding, or a pass has no evidence.
    pub fn verdict(&self) -> Verdict {
        let worst = self
            .findings
            .iter()
            .map(|finding| finding.verdict)
            .reduce(worst);
        match worst {
            Some(Verdict::Pass) if self.evidence().is_empty() => Verdict::Inconclusive,
            Some(verdict) => verdict,
            None => Verdict::Inconclusive,
        }
    }

    /// True when a failure gave or moved something.
    pub fn is_given(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.given && finding.verdict == Verdict::Fail)
    }

    /// The texts of the findings that made the verdict, in one line.
    pub fn text(&self) -> String {
        let mut texts: Vec<&str> = Vec::new();
        for finding in self.deciding() {
            if !texts.contains(&finding.text.as_str()) {
                texts.push(&finding.text);
            }
        }
        if texts.is_empty() {
            return "nothing was judged".to_owned();
        }
        let more = texts.len().saturating_sub(MAX_TEXTS);
        texts.truncate(MAX_TEXTS);
        let mut line = texts.join("; ");
        if more > 0 {
            line.push_str(&format!("; and {more} more"));
        }
        line
    }

    /// The evidence of the findings that made the verdict.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut evidence: Vec<Evidence> = Vec::new();
        for piece in self.deciding().flat_map(|finding| &finding.evidence) {
            if evidence.len() < MAX_EVIDENCE && !evidence.contains(piece) {
                evidence.push(piece.clone());
            }
        }
        evidence
    }

    fn deciding(&self) -> impl Iterator<Item = &Finding> {
        let worst = self.findings.iter().map(|f| f.verdict).reduce(worst);
        self.findings
            .iter()
            .filter(move |finding| Some(finding.verdict) == worst)
    }
}

impl FromIterator<Self> for Outcome {
    fn from_iter<I: IntoIterator<Item = Self>>(outcomes: I) -> Self {
        outcomes.into_iter().fold(Self::new(), Self::merge)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        let finding = (0..6usize, "[a-c]", any::<bool>()).prop_map(|(n, text, given)| {
            let verdict = [
                Verdict::Pass,
                Verdict::Info,
                Verdict::Skipped,
                Verdict::Warn,
                Verdict::Inconclusive,
                Verdict::Fail,
            ][n];
            Outcome::one(verdict, text.clone(), vec![evidence(&text)], given)
        });
        proptest::collection::vec(finding, 0..4).prop_map(Outcome::from_iter)
    }

    fn evidence(id: &str) -> Evidence {
        Evidence {
            kind: "exchange".to_owned(),
            id: id.to_owned(),
            text: String::new(),
        }
    }

    proptest! {
        #[test]
        fn merging_is_associative(a in outcome(), b in outcome(), c in outcome()) {
            let left = a.clone().merge(b.clone()).merge(c.clone());
            let right = a.merge(b.merge(c));
            prop_assert_eq!(left, right);
        }

        #[test]
        fn merging_never_betters_a_verdict(a in outcome(), b in outcome()) {
            prop_assume!(!a.is_empty() && !b.is_empty());
            let both = a.clone().merge(b.clone());
            prop_assert_eq!(both.verdict(), worst(a.verdict(), b.verdict()));
            prop_assert_eq!(both.is_given(), a.is_given() || b.is_given());
        }
    }

    #[test]
    fn the_order_of_verdicts_is_the_documented_one() {
        let order = [
            Verdict::Pass,
            Verdict::Info,
            Verdict::Skipped,
            Verdict::Warn,
            Verdict::Inconclusive,
            Verdict::Fail,
        ];
        for pair in order.windows(2) {
            assert_eq!(worst(pair[0], pair[1]), pair[1]);
            assert_eq!(worst(pair[1], pair[0]), pair[1]);
        }
    }

    #[test]
    fn a_pass_without_evidence_is_no_pass() {
        assert_eq!(
            Outcome::pass("fine", Vec::new()).verdict(),
            Verdict::Inconclusive
        );
        assert_eq!(Outcome::new().verdict(), Verdict::Inconclusive);
    }

    #[test]
    fn only_the_findings_that_decide_are_told() {
        let outcome = Outcome::pass("fine", vec![evidence("1")])
            .merge(Outcome::fail("broken", vec![evidence("2")]));
        assert_eq!(outcome.text(), "broken");
        assert_eq!(outcome.evidence(), vec![evidence("2")]);
    }
}
