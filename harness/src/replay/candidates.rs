//! Smaller forms of a failing case, one after the other: fewer copies, then fewer faults, then fewer expectations and
//! steps. Pure: the caller tries each form and tells whether it still fails.

use std::collections::VecDeque;

use crate::config::yaml::{Scalar, Style};
use crate::runner::Sheet;
use crate::scenario::{Case, Parameters, Scenario, Step};

/// A smaller form to be tried.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The form as a scenario of one case.
    pub sheet: Sheet,
    /// The varied values.
    pub label: String,
    /// Steps that are left.
    pub steps: usize,
    /// Expectations that are left.
    pub expectations: usize,
    /// Whether only numbers differ from the last form that failed.
    pub only_numbers: bool,
}

/// What is left of the case.
#[derive(Debug, Clone, PartialEq)]
struct Form {
    parameters: Parameters,
    /// Numbers of the steps, from 1.
    steps: Vec<usize>,
    /// Numbers of the expectations, from 1.
    expect: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Numbers,
    Faults,
    Expectations,
    Steps,
    Done,
}

/// What a form leaves out of the last one that failed.
#[derive(Debug, Clone)]
enum Drop {
    Steps(Vec<usize>),
    Expectation(usize),
}

/// Walks from a failing case to its smallest form that still fails.
#[derive(Debug)]
pub struct Minimiser<'s> {
    scenario: &'s Scenario,
    case: &'s Case,
    best: Form,
    phase: Phase,
    /// Numbers to halve: name, a value known not to fail (or 0), the smallest known to fail.
    numbers: VecDeque<(String, u64, u64)>,
    drops: VecDeque<Drop>,
    /// Whether the present pass made it smaller: then another follows.
    progressed: bool,
    pending: Option<(Form, Option<u64>)>,
}

impl<'s> Minimiser<'s> {
    /// Begins with a case of the scenario that fails.
    pub fn new(scenario: &'s Scenario, case: &'s Case) -> Self {
        let counts = scenario.counts();
        let number = |name: &String| {
            let value = case.parameters.get(name)?.text.parse::<u64>().ok()?;
            Some((name.clone(), 0, value))
        };
        Self {
            scenario,
            case,
            best: Form {
                parameters: case.parameters.clone(),
                steps: (1..=case.steps.len()).collect(),
                expect: (1..=case.expect.len()).collect(),
            },
            phase: Phase::Numbers,
            numbers: counts.iter().filter_map(number).collect(),
            drops: VecDeque::new(),
            progressed: false,
            pending: None,
        }
    }

    /// The smallest form so far, the whole case at first.
    pub fn best(&self) -> Option<Candidate> {
        self.build(&self.best, false)
    }

    /// The next form to try; `None` when nothing smaller is left. Forms that are no scenario any more are passed over.
    pub fn propose(&mut self) -> Option<Candidate> {
        loop {
            if self.phase == Phase::Numbers {
                let Some((name, low, high)) = self.numbers.front().cloned() else {
                    self.enter(Phase::Faults);
                    continue;
                };
                let middle = low + (high - low) / 2;
                if high - low <= 1 || middle == 0 {
                    self.numbers.pop_front();
                    continue;
                }
                let mut form = self.best.clone();
                form.parameters = changed(&form.parameters, &name, middle);
                match self.build(&form, true) {
                    Some(candidate) => {
                        self.pending = Some((form, Some(middle)));
                        return Some(candidate);
                    }
                    None => self.numbers[0].1 = middle,
                }
                continue;
            }
            let Some(drop) = self.drops.pop_front() else {
                match self.phase {
                    Phase::Numbers | Phase::Faults => self.enter(Phase::Expectations),
                    Phase::Expectations => self.enter(Phase::Steps),
                    Phase::Steps if self.progressed => {
                        self.progressed = false;
                        self.enter(Phase::Faults);
                    }
                    Phase::Steps => self.phase = Phase::Done,
                    Phase::Done => return None,
                }
                continue;
            };
            let form = self.without(&drop);
            if form == self.best || form.steps.is_empty() || form.expect.is_empty() {
                continue;
            }
            if let Some(candidate) = self.build(&form, false) {
                self.pending = Some((form, None));
                return Some(candidate);
            }
        }
    }

    /// Tells whether the form that was proposed last still fails.
    pub fn told(&mut self, still_fails: bool) {
        let Some((form, number)) = self.pending.take() else {
            return;
        };
        if let (Some(number), Some(front)) = (number, self.numbers.front_mut()) {
            *(if still_fails {
                &mut front.2
            } else {
                &mut front.1
            }) = number;
        }
        if still_fails {
            self.progressed |= number.is_none();
            self.best = form;
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.drops = match phase {
            Phase::Faults => self.fault_drops(),
            Phase::Expectations => {
                let expect = self.best.expect.iter().rev();
                expect.map(|number| Drop::Expectation(*number)).collect()
            }
            Phase::Steps => self.step_drops(),
            Phase::Numbers | Phase::Done => VecDeque::new(),
        };
    }

    fn fault_drops(&self) -> VecDeque<Drop> {
        let of = |wanted: fn(&Step) -> bool| -> Vec<usize> {
            let steps = self.case.steps.iter();
            steps
                .filter(|step| wanted(&step.step) && self.best.steps.contains(&step.number))
                .map(|step| step.number)
                .collect()
        };
        let faults = of(is_fault);
        let holds = of(is_hold);
        let both = [faults.clone(), holds.clone()].concat();
        let sets = [both, faults.clone(), holds.clone()];
        let singles = faults
            .iter()
            .chain(&holds)
            .rev()
            .map(|number| vec![*number]);
        let sets = sets.into_iter().chain(singles);
        sets.filter(|set| !set.is_empty())
            .map(Drop::Steps)
            .collect()
    }

    /// Halves, quarters and so on down to single steps, from the end.
    fn step_drops(&self) -> VecDeque<Drop> {
        let steps = &self.best.steps;
        let mut drops = VecDeque::new();
        let mut size = steps.len() / 2;
        while size > 0 {
            drops.extend(steps.rchunks(size).map(|chunk| Drop::Steps(chunk.to_vec())));
            size /= 2;
        }
        drops
    }

    fn without(&self, drop: &Drop) -> Form {
        let mut form = self.best.clone();
        match drop {
            Drop::Steps(gone) => form.steps.retain(|number| !gone.contains(number)),
            Drop::Expectation(gone) => form.expect.retain(|number| number != gone),
        }
        form
    }

    /// The form as a scenario; `None` when it is none any more, for example because a name is gone.
    fn build(&self, form: &Form, only_numbers: bool) -> Option<Candidate> {
        let case = self.scenario.case(&form.parameters).ok()?;
        let text = self.scenario.case_file_of(
            &case,
            |number| form.steps.contains(&number),
            |number| form.expect.contains(&number),
        );
        let scenario = Scenario::parse(&text, &self.scenario.name).ok()?;
        (scenario.expand().len() == 1).then(|| Candidate {
            sheet: Sheet {
                scenario: scenario.into(),
                text,
            },
            label: form.parameters.to_string(),
            steps: form.steps.len(),
            expectations: form.expect.len(),
            only_numbers,
        })
    }
}

/// The same values in the same order, with one of them another number.
fn changed(parameters: &Parameters, name: &str, number: u64) -> Parameters {
    let number = number.to_string();
    let value = |(known, text): (&str, &str)| {
        let kept = parameters.get(known).cloned();
        let scalar = match kept {
            Some(scalar) if known != name => scalar,
            _ => Scalar {
                text: if known == name {
                    number.clone()
                } else {
                    text.to_owned()
                },
                style: Style::Plain,
                expanded: false,
            },
        };
        (known.to_owned(), scalar)
    };
    Parameters::new(parameters.iter().map(value).collect())
}

fn is_fault(step: &Step) -> bool {
    matches!(
        step,
        Step::Facilitator(_)
            | Step::Link(_)
            | Step::Chain(_)
            | Step::Restart(_)
            | Step::Replicas(_)
            | Step::ClearFaults(_)
    )
}

/// A hold, and what only makes sense with one.
fn is_hold(step: &Step) -> bool {
    matches!(step, Step::Hold(_) | Step::Release(_) | Step::Wait(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::BUILTIN;

    /// The most forms any case of the library may take, whatever they show.
    const FORMS_MAX: usize = 400;

    fn numbers(scenario: &Scenario, label: &str) -> u64 {
        let counts = scenario.counts();
        let value = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            counts
                .iter()
                .any(|count| count == name)
                .then(|| value.parse::<u64>().ok())?
        };
        label.split_whitespace().filter_map(value).sum::<u64>()
    }

    /// A form's size: numbers, then steps and expectations.
    fn size(scenario: &Scenario, form: &Candidate) -> (u64, usize) {
        (
            numbers(scenario, &form.label),
            form.steps + form.expectations,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_form_reads_is_strictly_smaller_and_the_walk_ends(
            place in 0..BUILTIN.len(), case in 0_usize..500, answers in prop::collection::vec(any::<bool>(), 64)
        ) {
            let (name, text) = BUILTIN[place];
            let scenario = Scenario::parse(text, name).unwrap();
            let case = &scenario.expand()[case % scenario.expand().len()];
            let mut minimiser = Minimiser::new(&scenario, case);
            let mut forms = 0;
            while let Some(form) = minimiser.propose() {
                let best = minimiser.best().unwrap();
                let (was, is) = (size(&scenario, &best), size(&scenario, &form));
                prop_assert!(is.0 <= was.0 && is.1 <= was.1 && is != was, "{name}: {was:?} -> {is:?}");
                prop_assert!(Scenario::parse(&form.sheet.text, "again").is_ok());
                prop_assert!(!form.sheet.scenario.expand()[0].expect.is_empty());
                minimiser.told(answers[forms % answers.len()]);
                forms += 1;
                prop_assert!(forms <= FORMS_MAX, "{name}");
            }
        }
    }

    #[test]
    fn the_smallest_number_that_fails_is_found_by_halving() {
        let text = crate::scenario::builtin_named("concurrent-duplicates").unwrap();
        let scenario = Scenario::parse(text, "t").unwrap();
        let case = &scenario.expand()[6];
        assert_eq!(case.label, "copies=50 settle_delay=0ms");
        let mut minimiser = Minimiser::new(&scenario, case);
        let mut tries = 0;
        while let Some(form) = minimiser.propose() {
            let copies = numbers(&scenario, &form.label);
            let sends = form.sheet.text.contains("{ send:");
            let races = form.sheet.text.contains("{ hold:");
            minimiser.told(copies >= 7 && sends && races && form.sheet.text.contains("I1"));
            tries += 1;
        }
        let least = minimiser.best().unwrap();
        assert_eq!(least.label, "copies=7 settle_delay=0ms");
        assert!(
            !least.sheet.text.contains("{ facilitator:"),
            "{}",
            least.sheet.text
        );
        assert!(
            !least.sheet.text.contains("settle_down"),
            "{}",
            least.sheet.text
        );
        assert_eq!(
            (least.steps, least.expectations),
            (4, 1),
            "{}",
            least.sheet.text
        );
        assert!(tries <= 40, "{tries}");
    }
}
