//! What a judge finds, and how findings merge: the worst wins. Bounded: a load run makes the same finding for every
//! payment, so a finding is kept while it adds a new text or new evidence, and the others are counted.

use x402_assay_reports::model::{Evidence, Verdict};

/// Most findings whose text goes into one sentence.
const MAX_TEXTS: usize = 3;
/// Most pieces of evidence kept for one check.
const MAX_EVIDENCE: usize = 20;

/// The worse of two verdicts: fail, inconclusive, warn, skipped, info, pass.
pub fn worst(first: Verdict, second: Verdict) -> Verdict {
    first.max(second)
}

/// Most different texts of one verdict that are kept.
const MAX_KEPT_TEXTS: usize = 50;
const VERDICTS: [Verdict; 6] = [
    Verdict::Pass,
    Verdict::Info,
    Verdict::Skipped,
    Verdict::Warn,
    Verdict::Inconclusive,
    Verdict::Fail,
];

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

/// Everything a judge found; merging is concatenation up to the bounds, so it is associative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    findings: Vec<Finding>,
    tallies: [Tally; VERDICTS.len()],
}

/// Findings of one verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    /// All of them, kept or not.
    total: usize,
    /// Some had texts that are not kept.
    overflowed: bool,
    /// Different texts that are kept.
    texts: usize,
    /// Different pieces of evidence that are kept, counted up to the bound.
    evidence: usize,
    /// One of them gave or moved something.
    gives: bool,
}

impl Outcome {
    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn one(
        verdict: Verdict,
        text: impl Into<String>,
        evidence: Vec<Evidence>,
        given: bool,
    ) -> Self {
        let mut outcome = Self::new();
        outcome.tallies[verdict as usize].total = 1;
        outcome.keep(Finding {
            verdict,
            text: text.into(),
            evidence,
            given,
        });
        outcome
    }

    /// The property holds here.
    pub fn pass(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Pass, text, evidence, false)
    }

    /// Recorded: never counted against the target.
    pub fn info(text: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self::one(Verdict::Info, text, evidence, false)
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

    /// What was found; when that is nothing at all, `skipped` with this reason.
    #[must_use]
    pub fn or_skipped(self, why: impl Into<String>) -> Self {
        match self.is_empty() {
            true => Self::skipped(why),
            false => self,
        }
    }

    /// Adds what another judge found.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// Adds what another judge found.
    pub fn add(&mut self, other: Self) {
        for (tally, more) in self.tallies.iter_mut().zip(other.tallies) {
            tally.total += more.total;
            tally.overflowed |= more.overflowed;
        }
        for finding in other.findings {
            self.keep(finding);
        }
    }

    /// Keeps a finding that changes what is told of its verdict.
    fn keep(&mut self, finding: Finding) {
        let tally = self.tallies[finding.verdict as usize];
        let known = || {
            let kept = self.findings.iter();
            kept.filter(|kept| kept.verdict == finding.verdict)
        };
        let is_new_text = !known().any(|kept| kept.text == finding.text);
        let new_evidence = if tally.evidence < MAX_EVIDENCE {
            let pieces = finding.evidence.iter().enumerate();
            pieces
                .filter(|(place, piece)| {
                    !finding.evidence[..*place].contains(piece)
                        && !known().any(|kept| kept.evidence.contains(piece))
                })
                .count()
        } else {
            0
        };
        let has_room = is_new_text && tally.texts < MAX_KEPT_TEXTS;
        let is_first_given = finding.given && !tally.gives;
        let tally = &mut self.tallies[finding.verdict as usize];
        if has_room || new_evidence > 0 || is_first_given {
            tally.texts += usize::from(is_new_text);
            tally.evidence = (tally.evidence + new_evidence).min(MAX_EVIDENCE);
            tally.gives |= finding.given;
            self.findings.push(finding);
        } else {
            tally.overflowed |= is_new_text;
        }
    }

    /// True when there were findings of such a verdict that are not kept.
    pub fn leaves_out(&self, is_meant: impl Fn(Verdict) -> bool) -> bool {
        let meant = VERDICTS.into_iter().filter(|verdict| is_meant(*verdict));
        let mut lost = meant.map(|verdict| {
            let kept = self.findings.iter().filter(|one| one.verdict == verdict);
            self.tallies[verdict as usize].total > kept.count()
        });
        lost.any(|is_lost| is_lost)
    }

    /// True when nothing was found at all.
    pub const fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings that are kept, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Changes the verdict of every finding.
    #[must_use]
    pub fn map_verdict(self, change: impl Fn(Verdict) -> Verdict) -> Self {
        let mut changed = Self::new();
        for verdict in VERDICTS {
            let (from, to) = (verdict as usize, change(verdict) as usize);
            changed.tallies[to].total += self.tallies[from].total;
            changed.tallies[to].overflowed |= self.tallies[from].overflowed;
        }
        for finding in self.findings {
            changed.keep(Finding {
                verdict: change(finding.verdict),
                ..finding
            });
        }
        changed
    }

    /// The worst verdict; `inconclusive` when there is no finding, or a pass has no evidence.
    pub fn verdict(&self) -> Verdict {
        match self.worst() {
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
        let tally = self.worst().map(|worst| self.tallies[worst as usize]);
        match tally {
            Some(Tally {
                overflowed: true,
                total,
                ..
            }) => line.push_str(&format!("; and at least {more} more, in {total} findings")),
            _ if more > 0 => line.push_str(&format!("; and {more} more")),
            _ => {}
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

    fn worst(&self) -> Option<Verdict> {
        self.findings.iter().map(|f| f.verdict).reduce(worst)
    }

    fn deciding(&self) -> impl Iterator<Item = &Finding> {
        let worst = self.worst();
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
        outcomes(VERDICTS.len(), 0..9, 0..4)
    }

    /// Enough findings of few verdicts to meet the bounds.
    fn crowded() -> impl Strategy<Value = Outcome> {
        outcomes(2, 0..90, 30..90)
    }

    fn outcomes(
        verdicts: usize,
        words: std::ops::Range<usize>,
        count: std::ops::Range<usize>,
    ) -> impl Strategy<Value = Outcome> {
        let finding = (0..verdicts, words.clone(), words, any::<bool>());
        let outcome = finding.prop_map(|(n, text, id, given)| {
            let evidence = vec![evidence(&id.to_string())];
            Outcome::one(VERDICTS[n], text.to_string(), evidence, given)
        });
        proptest::collection::vec(outcome, count).prop_map(Outcome::from_iter)
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
        fn merging_is_associative_beyond_the_bounds(a in crowded(), b in crowded(), c in crowded()) {
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
        for pair in VERDICTS.windows(2) {
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

    #[test]
    fn the_same_finding_a_thousand_times_is_kept_while_it_adds_evidence() {
        let outcome: Outcome = (0..1_000)
            .map(|n: u32| Outcome::pass("fine", vec![evidence(&n.to_string())]))
            .collect();
        assert_eq!(outcome.findings().len(), MAX_EVIDENCE);
        assert_eq!(outcome.text(), "fine");
        let ids: Vec<String> = outcome.evidence().into_iter().map(|e| e.id).collect();
        let first: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert_eq!(ids, first);
    }

    #[test]
    fn texts_beyond_the_bound_are_counted_and_said() {
        let told = |count: usize| -> String {
            let outcome: Outcome = (0..count)
                .map(|n| Outcome::fail(format!("broken {n}"), vec![evidence("1")]))
                .collect();
            assert!(outcome.findings().len() <= MAX_KEPT_TEXTS);
            outcome.map_verdict(|_| Verdict::Warn).text()
        };
        assert_eq!(told(50), "broken 0; broken 1; broken 2; and 47 more");
        assert_eq!(
            told(1_000),
            "broken 0; broken 1; broken 2; and at least 47 more, in 1000 findings"
        );
    }

    #[test]
    fn what_was_given_is_not_lost_beyond_the_bound() {
        let many: Outcome = (0..1_000)
            .map(|n| Outcome::fail(format!("broken {n}"), Vec::new()))
            .collect();
        assert!(!many.is_given());
        assert!(many.merge(Outcome::given("sold", Vec::new())).is_given());
    }
}
