//! What is known while the steps of one case are read in order: names, needs, what is in flight.

use std::fmt;
use std::time::Duration;

use super::flight::Flight;
use super::model::Role;
use super::words::Need;
use crate::config::did_you_mean;
use crate::config::yaml::{Entry, MapView, Node, NodeKind, Position, Problem, Problems, View};

/// Payers that are there without a step: funded, with test keys.
pub const PREDEFINED_PAYERS: [&str; 3] = ["alice", "bob", "carol"];

/// A longer name is a mistake.
const NAME_MAX: usize = 40;

/// What a name in a scenario stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// Who pays.
    Payer,
    /// A paid route.
    Route,
    /// An offer that was quoted.
    Offer,
    /// A signed payment, or a batch of them.
    Payment,
    /// What a `send` or `buy` got back.
    Responses,
    /// What a `call` of the facilitator got back.
    Answers,
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Payer => "a payer",
            Self::Route => "a route",
            Self::Offer => "an offer",
            Self::Payment => "a payment",
            Self::Responses => "what a `send` or `buy` got",
            Self::Answers => "what a `call` got",
        })
    }
}

#[derive(Debug)]
struct Named {
    name: String,
    kind: NameKind,
    /// Where it is named; predefined names have no place.
    position: Option<Position>,
    used: bool,
    /// How many payments a batch holds; 1 for all else.
    size: u32,
}

/// The scope of one case.
pub(super) struct Scope<'p> {
    problems: &'p Problems,
    /// Whom the scenario tests.
    pub(super) role: Role,
    needs: &'p [Need],
    names: Vec<Named>,
    /// Every name the file gives anywhere, to tell "later" from "nowhere".
    everywhere: Vec<(String, Position)>,
    /// Set while a step of another role is read: its needs say nothing more.
    pub(super) foreign: bool,
    /// Holds and what is sent under them.
    pub(super) flight: Flight,
    waited: Duration,
}

impl<'p> Scope<'p> {
    /// A scope in which only the predefined payers exist.
    pub(super) fn new(problems: &'p Problems, role: Role, needs: &'p [Need]) -> Self {
        let payer = |name: &&str| Named {
            name: (*name).to_owned(),
            kind: NameKind::Payer,
            position: None,
            used: true,
            size: 1,
        };
        Self {
            problems,
            role,
            needs,
            names: PREDEFINED_PAYERS.iter().map(payer).collect(),
            everywhere: Vec::new(),
            foreign: false,
            flight: Flight::default(),
            waited: Duration::ZERO,
        }
    }

    /// Notes every `as` of the file, wherever it stands.
    pub(super) fn look_ahead(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Seq(items) => items.iter().for_each(|item| self.look_ahead(item)),
            NodeKind::Map(entries) => entries.iter().for_each(|entry| self.note(entry)),
            NodeKind::Scalar(_) => {}
        }
    }

    fn note(&mut self, entry: &Entry) {
        match &entry.value.kind {
            NodeKind::Scalar(scalar) if entry.key == "as" => {
                self.everywhere
                    .push((scalar.text.clone(), entry.value.position));
            }
            _ => self.look_ahead(&entry.value),
        }
    }

    /// Takes the new name a step gives under `as`; `size` is 1 but for batches.
    pub(super) fn define(
        &mut self,
        map: &MapView<'_>,
        kind: NameKind,
        size: u32,
    ) -> Option<String> {
        let view = map.required("as")?;
        self.define_at(&view, kind, size)
    }

    /// Like [`Scope::define`], where `as` may be left out.
    pub(super) fn define_optional(
        &mut self,
        map: &MapView<'_>,
        kind: NameKind,
        size: u32,
    ) -> Option<String> {
        self.define_at(&map.optional("as")?, kind, size)
    }

    fn define_at(&mut self, view: &View<'_>, kind: NameKind, size: u32) -> Option<String> {
        let name = view.as_non_empty_str()?;
        view.check(check_name(name))?;
        if let Some(taken) = self.names.iter().find(|named| named.name == name) {
            view.problem(match taken.position {
                Some(at) => format!(
                    "the name `{name}` is taken by {} on line {}",
                    taken.kind, at.line
                ),
                None => format!("the payer `{name}` is always there; choose another name"),
            });
            return None;
        }
        self.names.push(Named {
            name: name.to_owned(),
            kind,
            position: Some(view.position()),
            used: false,
            size,
        });
        Some(name.to_owned())
    }

    /// Reads a name that must stand for `wanted` by now.
    pub(super) fn refer(&mut self, view: &View<'_>, wanted: NameKind) -> Option<String> {
        let name = view.as_non_empty_str()?;
        self.refer_name(view, name, wanted).map(str::to_owned)
    }

    /// Like [`Scope::refer`], of a name that was cut out of a text.
    pub(super) fn refer_name<'n>(
        &mut self,
        view: &View<'_>,
        name: &'n str,
        wanted: NameKind,
    ) -> Option<&'n str> {
        if let Some(named) = self.names.iter_mut().find(|named| named.name == name) {
            named.used = true;
            if named.kind == wanted {
                return Some(name);
            }
            let place = named
                .position
                .map(|at| format!(" (line {})", at.line))
                .unwrap_or_default();
            let kind = named.kind;
            view.problem(format!(
                "`{name}` is {kind}{place}; here stands {wanted}{}",
                self.candidates(wanted)
            ));
            return None;
        }
        view.problem(self.unknown(name, wanted));
        None
    }

    /// Whether a name stands for this by now.
    pub(super) fn is(&self, name: &str, kind: NameKind) -> bool {
        self.names
            .iter()
            .any(|named| named.name == name && named.kind == kind)
    }

    /// How many payments a name holds.
    pub(super) fn size_of(&self, name: &str) -> u32 {
        self.names
            .iter()
            .find(|named| named.name == name)
            .map_or(1, |named| named.size)
    }

    fn unknown(&self, name: &str, wanted: NameKind) -> String {
        let later = self
            .everywhere
            .iter()
            .find(|(later, _)| later == name)
            .map(|(_, at)| format!("`{name}` is only named on line {}, after this", at.line));
        if let Some(later) = later {
            return later;
        }
        let known = self.of_kind(wanted);
        let hint = match did_you_mean(name, known.iter().copied()) {
            hint if hint.is_empty() => self.candidates(wanted),
            hint => hint,
        };
        format!("nothing is named `{name}`; here stands {wanted}{hint}")
    }

    fn of_kind(&self, kind: NameKind) -> Vec<&str> {
        let of_kind = self.names.iter().filter(|named| named.kind == kind);
        of_kind.map(|named| named.name.as_str()).collect()
    }

    /// `: a, b` or nothing.
    fn candidates(&self, wanted: NameKind) -> String {
        match self.of_kind(wanted) {
            known if known.is_empty() => " (none is named so far)".to_owned(),
            known => format!(": {}", known.join(", ")),
        }
    }

    /// Checks that the file says it needs what a step uses.
    pub(super) fn need(&self, view: &View<'_>, need: Need, used_by: &str) {
        if !self.foreign && !need.covered_by(self.needs) {
            let word = need.word();
            view.problem(format!(
                "{used_by} cannot do without `{word}`; add it to `needs`, so that targets without it skip the scenario"
            ));
        }
    }

    /// Adds to what the case waits for come what may.
    pub(super) fn wait(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }

    /// Reports what only the end of the steps shows; unused names come back as warnings.
    pub(super) fn finish(self, timeout: Duration, steps: Position) -> Vec<Problem> {
        self.flight.report(self.problems);
        if self.waited >= timeout {
            self.problems.at(
                steps,
                format!(
                    "the steps wait {} s, but the case ends after {} s; raise `timeout`",
                    self.waited.as_secs_f64(),
                    timeout.as_secs_f64()
                ),
            );
        }
        let unused = self.names.iter().filter(|named| !named.used);
        unused
            .filter(|named| !matches!(named.kind, NameKind::Responses | NameKind::Answers))
            .map(|named| Problem {
                position: named.position,
                message: format!("`{}` ({}) is never used", named.name, named.kind),
            })
            .collect()
    }
}

/// Names are lower-case words: they appear in labels, reports and texts like `paid done`.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !starts || !name.chars().all(fits) || name.len() > NAME_MAX {
        return Err(format!(
            "a name is a lower-case letter followed by letters, digits, `-` or `_`, at most {NAME_MAX} in all"
        ));
    }
    Ok(())
}
