//! Everything that is known of one round: its exchanges, its books, its facilitator calls.

use std::collections::{BTreeSet, HashMap};

use x402_assay_reports::model::{Evidence, ScenarioFinding, Verdict};
use x402_mock_facilitator::event::Endpoint;

use crate::audit::invariants::{self, Told};
use crate::audit::{
    Blind, Book, Books, Contents, Delivery, Recovery, Round, Span, interleaving, siblings, timeline,
};
use crate::history::case_ran::CaseRan;
use crate::history::{DirectCall, Exchange, FacilitatorCall, Facts};
use crate::scenario::steps::{Calls, Chain};
use crate::scenario::{Case, CaseStep, Step};

/// Most pieces of evidence of one finding.
const EVIDENCE_MAX: usize = 12;
/// Most disturbances that are named.
const DISTURBANCES_MAX: usize = 8;

/// The exchanges and books of a run, by round.
pub(super) struct Scenes<'f, 'h> {
    by_round: HashMap<&'h str, Vec<&'f Exchange<'h>>>,
    books: HashMap<u32, Book<'h>>,
    contents: Contents<'h>,
}

impl<'f, 'h> Scenes<'f, 'h> {
    /// Sorts a run by round.
    pub(super) fn read(facts: &'f Facts<'h>) -> Scenes<'f, 'h> {
        let mut by_round: HashMap<&str, Vec<&Exchange<'h>>> = HashMap::new();
        for exchange in &facts.exchanges {
            if let Some((round, _)) = place_of(&exchange.sent.probe) {
                by_round.entry(round).or_default().push(exchange);
            }
        }
        let whole = Books::keep(facts);
        let books = whole
            .books
            .into_iter()
            .map(|book| (book.signed.authorization, book));
        Scenes {
            by_round,
            books: books.collect(),
            contents: whole.contents,
        }
    }

    /// What is known of one round; its books are taken out, for no other round is about them.
    pub(super) fn take(
        &mut self,
        facts: &'f Facts<'h>,
        ran: &'h CaseRan,
        case: &Case,
    ) -> Scene<'f, 'h>
    where
        'h: 'f,
    {
        let key = match ran.round {
            0 | 1 => format!("scenario/{}/{}", ran.scenario, ran.case),
            round => format!("scenario/{}/{}.{round}", ran.scenario, ran.case),
        };
        let all = self.by_round.remove(key.as_str()).unwrap_or_default();
        let (control, exchanges): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|exchange| step_of(exchange) == Some("control"));
        let named = ran
            .payments
            .iter()
            .flat_map(|(_, numbers)| numbers.iter().copied());
        let sent = exchanges
            .iter()
            .filter_map(|exchange| exchange.sent.authorization);
        let numbers: BTreeSet<u32> = named.chain(sent).collect();
        let blind = Blind::among(exchanges.iter().copied(), &self.contents);
        let exchanges: Vec<_> = exchanges
            .into_iter()
            .filter(|exchange| siblings::control_of(exchange).is_none())
            .collect();
        let strays = exchanges
            .iter()
            .filter(|exchange| exchange.sent.authorization.is_none())
            .filter(|exchange| !blind.covers(exchange))
            .filter(|exchange| self.contents.delivery(exchange) == Delivery::Content)
            .map(|exchange| exchange.number())
            .collect();
        // The ledger was read at the end of every round that came to rest; a call that was cut has no answer.
        let rested = ran.troubles.is_empty();
        let mut of_round: Vec<Book<'h>> = numbers
            .iter()
            .filter_map(|number| self.books.remove(number))
            .collect();
        for book in &mut of_round {
            book.at_rest |= rested;
        }
        credit_second_payments(&exchanges, case, ran, &mut of_round, &self.contents);
        let books = Books {
            books: of_round,
            strays,
            unexplained: Vec::new(),
            contents: self.contents.clone(),
        };
        let calls = books
            .books
            .iter()
            .flat_map(|book| facts.calls_about(book.signed.key));
        let mut calls: Vec<&FacilitatorCall<'h>> = calls.collect();
        let window = ran.started_us..=ran.ended_us;
        calls.extend(facts.calls.iter().filter(|call| {
            call.endpoint == Endpoint::Supported && window.contains(&call.received_at_us)
        }));
        let mut scene = Scene {
            facts,
            ran,
            case: case.clone(),
            exchanges,
            control,
            blind,
            books,
            calls,
            invariants: Vec::new(),
        };
        scene.invariants = scene.judge_invariants();
        scene
    }
}

/// `scenario/NAME/CASE` of a probe, and the rest of it.
fn place_of(probe: &str) -> Option<(&str, &str)> {
    probe.strip_prefix("scenario/")?;
    let (end, _) = probe.match_indices('/').nth(2)?;
    Some((&probe[..end], &probe[end + 1..]))
}

/// What follows the case in a probe: a step's number, `NUMBER/quote` or `control`.
fn step_of<'h>(exchange: &Exchange<'h>) -> Option<&'h str> {
    place_of(&exchange.sent.probe).map(|(_, step)| step)
}

/// The number of the step an exchange belongs to.
fn step_number<'h>(exchange: &Exchange<'h>) -> Option<&'h str> {
    step_of(exchange)?.split('/').next()
}

/// A request with two payments is recorded under the first; a server may have taken the other one.
///
/// What was given for it is then booked under the one that was settled, if that has bought nothing else.
fn credit_second_payments<'h>(
    exchanges: &[&Exchange<'h>],
    case: &Case,
    ran: &CaseRan,
    books: &mut [Book<'h>],
    contents: &Contents<'h>,
) {
    for exchange in exchanges {
        let step = step_number(exchange);
        let also = case.steps.iter().find_map(|one| match &one.step {
            Step::Send(send) if step == Some(one.number.to_string().as_str()) => {
                send.also.as_deref()
            }
            _ => None,
        });
        let Some(also) = also.filter(|_| contents.delivery(exchange) == Delivery::Content) else {
            continue;
        };
        let first = exchange.sent.authorization;
        let at = |number: Option<u32>| {
            let mut places = books.iter();
            places.position(|book| Some(book.signed.authorization) == number)
        };
        let named = ran.payments.iter().filter(|(name, _)| name == also);
        let second = named
            .flat_map(|(_, numbers)| numbers)
            .filter_map(|number| at(Some(*number)))
            .find(|place| books[*place].transfers.len() > books[*place].distinct_grants());
        let (Some(first), Some(second)) = (at(first), second) else {
            continue;
        };
        let unpaid = books[first].distinct_grants() > books[first].transfers.len();
        let moved = books[first]
            .grants
            .iter()
            .position(|grant| grant.exchange == exchange.number());
        if let Some(place) = moved.filter(|_| unpaid && first != second) {
            let grant = books[first].grants.remove(place);
            books[second].grants.push(grant);
        }
    }
}

/// One round.
pub(super) struct Scene<'f, 'h> {
    pub(super) facts: &'f Facts<'h>,
    pub(super) ran: &'h CaseRan,
    pub(super) case: Case,
    exchanges: Vec<&'f Exchange<'h>>,
    control: Vec<&'f Exchange<'h>>,
    /// Steps whose form of an undeclared path was given the paid body too: theirs proves nothing.
    blind: Blind<'h>,
    pub(super) books: Books<'h>,
    pub(super) calls: Vec<&'f FacilitatorCall<'h>>,
    /// The invariants over this round alone.
    pub(super) invariants: Vec<Told>,
}

impl<'f, 'h> Scene<'f, 'h> {
    /// Requests of the step that has this name, or of every `send` and `buy`; quotes are left out.
    pub(super) fn responses(&self, of: Option<&str>) -> Vec<&'f Exchange<'h>> {
        let steps: Vec<String> = self
            .case
            .steps
            .iter()
            .filter(|step| match (&step.step, of) {
                (Step::Send(send), Some(of)) => send.name.as_deref() == Some(of),
                (Step::Buy(buy), Some(of)) => buy.name.as_deref() == Some(of),
                (Step::Send(_) | Step::Buy(_), None) => true,
                _ => false,
            })
            .map(|step| step.number.to_string())
            .collect();
        let ours = |exchange: &&&Exchange<'h>| {
            step_of(exchange).is_some_and(|step| steps.iter().any(|known| known == step))
        };
        self.exchanges.iter().filter(ours).copied().collect()
    }

    fn judge_invariants(&self) -> Vec<Told> {
        let round = Round {
            exchanges: self.responses(None),
            window_us: (self.ran.started_us, self.ran.ended_us),
            disturbances: self.disturbances(),
            recoveries: self.recoveries(),
            reorganised: self.reorganised(),
            preempted: self.preempted(),
        };
        invariants::judge_all(&Span {
            facts: self.facts,
            books: &self.books,
            round: Some(&round),
        })
    }

    /// Direct calls of steps before one that takes blocks away.
    fn reorganised(&self) -> Vec<u32> {
        let reorgs = self.case.steps.iter().filter_map(|step| match &step.step {
            Step::Chain(Chain::Reorg(_)) => Some(step.number),
            _ => None,
        });
        let Some(last) = reorgs.max() else {
            return Vec::new();
        };
        let calls = self.answers(None).into_iter();
        let before = calls.filter(|call| {
            let step = self.step_number(call.exchange);
            step.is_some_and(|step| step < last)
        });
        before.map(|call| call.exchange.number()).collect()
    }

    fn preempted(&self) -> Vec<u32> {
        let named = self.case.steps.iter().filter_map(|step| match &step.step {
            Step::Chain(Chain::Preempt(name)) => Some(self.payments(name)),
            _ => None,
        });
        let books = named.flatten();
        books.map(|book| book.signed.authorization).collect()
    }

    /// The `buy` steps that were to go on until one purchase was served.
    fn recoveries(&self) -> Vec<Recovery> {
        let tried = self.case.steps.iter().filter_map(|step| match &step.step {
            Step::Buy(buy) => Some((step.number, buy.within?)),
            _ => None,
        });
        tried
            .map(|(number, within)| {
                let word = number.to_string();
                let ours = || {
                    self.exchanges
                        .iter()
                        .filter(|exchange| step_of(exchange) == Some(&word))
                };
                Recovery {
                    step: number,
                    within,
                    authorizations: ours()
                        .filter_map(|exchange| exchange.sent.authorization)
                        .collect(),
                    served: ours().any(|exchange| self.is_delivered(exchange)),
                }
            })
            .collect()
    }

    /// Direct calls of the step that has this name, or of every `call`.
    pub(super) fn answers(&self, of: Option<&str>) -> Vec<DirectCall<'f, 'h>> {
        let named = |step: &&CaseStep| match &step.step {
            Step::Call(call) => of.is_none() || call.name.as_deref() == of,
            _ => false,
        };
        let steps = self.case.steps.iter().filter(named);
        let steps: Vec<String> = steps.map(|step| step.number.to_string()).collect();
        let ours = |exchange: &&&'f Exchange<'h>| {
            step_of(exchange).is_some_and(|step| steps.iter().any(|known| known == step))
        };
        let calls = self.exchanges.iter().filter(ours);
        calls
            .filter_map(|exchange| DirectCall::of(exchange))
            .collect()
    }

    /// Number of the step an exchange belongs to.
    pub(super) fn step_number(&self, exchange: &Exchange<'h>) -> Option<usize> {
        step_of(exchange)?.parse().ok()
    }

    /// Direct calls about one payment.
    pub(super) fn calls_of(&self, book: &Book<'h>, of: Option<&str>) -> Vec<DirectCall<'f, 'h>> {
        let number = Some(book.signed.authorization);
        let mut calls = self.answers(of);
        calls.retain(|call| call.exchange.sent.authorization == number);
        calls
    }

    /// True when the response carries the paid body.
    pub(super) fn is_delivered(&self, exchange: &Exchange<'h>) -> bool {
        !self.is_blind(exchange) && self.books.delivery(exchange) == Delivery::Content
    }

    /// True when anybody is given the paid body in the form of this request, whatever path is asked for.
    pub(super) fn is_blind(&self, exchange: &Exchange<'h>) -> bool {
        self.blind.covers(exchange)
    }

    /// Steps that show nothing, for the paid body is given on paths that nobody declared.
    pub(super) fn catch_alls(&self) -> Vec<ScenarioFinding> {
        let finding = |step: &str| ScenarioFinding {
            verdict: Verdict::Info,
            expectation: "sibling".to_owned(),
            text: format!(
                "step {step}: the same form of an undeclared path gives the paid body too, so nothing is shown"
            ),
            why: None,
            evidence: Vec::new(),
        };
        let steps = self.blind.probes().filter_map(place_of);
        steps.map(|(_, step)| finding(step)).collect()
    }

    /// The books of the payments with this name.
    pub(super) fn payments(&self, name: &str) -> Vec<&Book<'h>> {
        let named = self.ran.payments.iter().filter(|(known, _)| known == name);
        let numbers = named.flat_map(|(_, numbers)| numbers);
        numbers
            .filter_map(|number| self.books.book(*number))
            .collect()
    }

    /// What was made to go wrong and did, in a few words each.
    fn disturbances(&self) -> Vec<String> {
        let faults = self
            .ran
            .faults
            .iter()
            .filter(|fault| fault.fired > 0 || fault.kind == "outage");
        let mut said: Vec<String> = faults
            .map(|fault| format!("{} of step {}", fault.kind, fault.step))
            .collect();
        said.extend(self.case.steps.iter().filter_map(|step| {
            let what = match &step.step {
                Step::Send(send) => send.give_up_after.map(|_| "the client gave up")?,
                Step::Chain(_) => "the chain was disturbed",
                Step::Link(_) => "a link was disturbed",
                Step::Restart(_) => "a restart",
                _ => return None,
            };
            Some(format!("{what} in step {}", step.number))
        }));
        said.dedup();
        said.truncate(DISTURBANCES_MAX);
        said
    }

    /// True when the ledger was read after everything the round did.
    pub(super) fn at_rest(&self) -> bool {
        let carried = self
            .books
            .books
            .iter()
            .filter(|book| !book.exchanges.is_empty());
        carried.into_iter().all(|book| book.at_rest)
    }

    /// Why the round shows nothing: it broke off, or what it injected was never met.
    pub(super) fn unmet(&self) -> Vec<String> {
        let mut unmet = self.ran.troubles.clone();
        let missed = self.missed().into_iter();
        let missed = missed.filter(|(step, _)| !self.is_about_supported(*step));
        unmet.extend(
            missed.map(|(step, kind)| format!("the fault was never met: {kind} of step {step}")),
        );
        let idle = self.ran.holds.iter().filter(|hold| hold.calls.is_empty());
        unmet.extend(idle.map(|hold| format!("the hold was never met: step {}", hold.step)));
        unmet
    }

    /// Faults of `/supported` that a target never met because it does not ask: no trouble, and nothing to see.
    pub(super) fn not_asked(&self) -> Vec<String> {
        let missed = self.missed().into_iter();
        let missed = missed.filter(|(step, _)| self.is_about_supported(*step));
        missed
            .map(|(step, kind)| format!("the target never asked /supported: {kind} of step {step}"))
            .collect()
    }

    /// Faults that struck nothing, with their step.
    fn missed(&self) -> Vec<(usize, &str)> {
        let mut fired: Vec<(usize, &str, u64)> = Vec::new();
        for fault in &self.ran.faults {
            match fired
                .iter_mut()
                .find(|(step, kind, _)| *step == fault.step && *kind == fault.kind)
            {
                Some((_, _, count)) => *count += fault.fired,
                None => fired.push((fault.step, &fault.kind, fault.fired)),
            }
        }
        // Nothing counts the connections an outage turns away.
        fired.retain(|(_, kind, count)| *count == 0 && *kind != "outage");
        fired
            .into_iter()
            .map(|(step, kind, _)| (step, kind))
            .collect()
    }

    fn is_about_supported(&self, step: usize) -> bool {
        self.case.steps.iter().any(|known| {
            known.number == step
                && matches!(&known.step, Step::Facilitator(fault) if fault.on == Calls::Supported)
        })
    }

    /// The control purchase after the round: a target that sells no more is a warning.
    pub(super) fn liveness(&self) -> Option<ScenarioFinding> {
        if self
            .control
            .iter()
            .any(|exchange| exchange.is_paid() && self.is_delivered(exchange))
        {
            return None;
        }
        let evidence = self.control.iter().map(|exchange| exchange.evidence());
        Some(ScenarioFinding {
            verdict: Verdict::Warn,
            expectation: "liveness".to_owned(),
            text: "an honest purchase after the case was not served".to_owned(),
            why: None,
            evidence: evidence.take(EVIDENCE_MAX).collect(),
        })
    }

    /// What happened, in numbers.
    pub(super) fn summary(&self) -> String {
        let responses = self.responses(None);
        let delivered = responses
            .iter()
            .filter(|exchange| self.is_delivered(exchange))
            .count();
        let transfers: usize = self
            .books
            .books
            .iter()
            .map(|book| book.transfers.len())
            .sum();
        let calls = match self.answers(None).len() {
            0 => String::new(),
            calls => format!("{calls} direct calls, "),
        };
        format!(
            "{calls}{} requests, {delivered} delivered, {transfers} transferred",
            responses.len()
        )
    }

    /// The order in which the requests with the most contested payment passed each other.
    pub(super) fn interleaving(&self) -> Vec<String> {
        self.contested().map_or_else(Vec::new, |book| {
            interleaving::of_book(self.facts, &self.books, book)
        })
    }

    /// What happened to the most contested payment, else to the first request.
    pub(super) fn timeline(&self) -> Vec<Evidence> {
        let moments = match (self.contested(), self.responses(None).first()) {
            (Some(book), _) => timeline::of_book(self.facts, book),
            (None, Some(exchange)) => timeline::of_exchange(self.facts, exchange),
            (None, None) => Vec::new(),
        };
        timeline::evidence(&moments)
    }

    /// The payment that was delivered most often, and among those the one that was sent most often.
    fn contested(&self) -> Option<&Book<'h>> {
        let books = self.books.books.iter().rev();
        books
            .filter(|book| !book.exchanges.is_empty())
            .max_by_key(|book| (book.distinct_grants(), book.exchanges.len()))
    }

    /// Exchanges as evidence, bounded.
    pub(super) fn evidence(&self, exchanges: &[&Exchange<'h>]) -> Vec<Evidence> {
        let books = exchanges
            .iter()
            .filter_map(|exchange| self.books.book_of(exchange));
        let mut evidence: Vec<Evidence> = exchanges
            .iter()
            .map(|exchange| exchange.evidence())
            .collect();
        evidence.extend(books.flat_map(|book| book.evidence(self.facts)));
        let mut seen = BTreeSet::new();
        evidence.retain(|piece| seen.insert((piece.kind.clone(), piece.id.clone())));
        evidence.truncate(EVIDENCE_MAX);
        evidence
    }

    /// Books as evidence, bounded.
    pub(super) fn evidence_of(&self, books: &[&Book<'h>]) -> Vec<Evidence> {
        let evidence = books.iter().flat_map(|book| book.evidence(self.facts));
        evidence.take(EVIDENCE_MAX).collect()
    }
}
