//! `hold`: keeps facilitator calls back until enough of them are there.

use std::time::Duration;

use super::super::keys::only_with;
use super::super::scope::Scope;
use super::super::words::{Need, Stage, words};
use super::release::Order;
use super::wait::decode_count;
use super::{ONLY_SERVER, Step, StepKind};
use crate::config::yaml::{MapView, View};

words! {
    /// Which calls a hold keeps.
    pub enum HoldOn {
        /// Calls of `/verify`.
        Verify = "verify",
        /// Calls of `/settle`.
        Settle = "settle",
    }
}

/// From this step on matching calls wait; the hold ends when it lets them go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which calls.
    pub on: HoldOn,
    /// How far a call gets before it is kept.
    pub at: Stage,
    /// When they are let go.
    pub until: Until,
}

/// When held calls are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When so many are held, or nothing more came for a while: a server that de-duplicates is no deadlock.
    InFlight {
        /// How many.
        count: u32,
        /// Since the last one came.
        or_quiet: Duration,
        /// In which order.
        release: Order,
    },
    /// When a `release` step says so.
    Told,
}

/// A quiet time after which a barrier opens, unless the step says so.
const QUIET_DEFAULT: Duration = Duration::from_millis(300);

pub(super) const KIND: StepKind = StepKind {
    name: "hold",
    about: "the facilitator keeps calls back until N are there, then lets them go",
    keys: &["on", "until", "or_quiet", "release", "at"],
    roles: ONLY_SERVER,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    scope.need(map.view(), Need::Facilitator, "`hold`");
    let on = map.required("on").and_then(|view| view.one_of(HoldOn::ALL));
    let at = stage(map);
    let until = map.required("until").and_then(|view| decode_until(&view));
    let counted = matches!(until, Some(Some(_)));
    only_with(
        map,
        "or_quiet",
        "`until: \"N in flight\"`",
        counted || until.is_none(),
    );
    only_with(
        map,
        "release",
        "`until: \"N in flight\"`",
        counted || until.is_none(),
    );
    let or_quiet = map.optional_positive_duration("or_quiet");
    let order = map
        .optional("release")
        .and_then(|view| view.one_of(Order::ALL));
    let count = until?;
    scope.flight.hold(map.view().position(), count);
    let until = match count {
        Some(count) => Until::InFlight {
            count,
            or_quiet: or_quiet.unwrap_or(QUIET_DEFAULT),
            release: order.unwrap_or(Order::Together),
        },
        None => Until::Told,
    };
    Some(Step::Hold(Hold { on: on?, at, until }))
}

/// `"10 in flight"`, or `told` (the inner `None`).
#[expect(
    clippy::option_option,
    reason = "a problem and `told` are different things"
)]
fn decode_until(view: &View<'_>) -> Option<Option<u32>> {
    let text = view.as_non_empty_str()?;
    if text == "told" {
        return Some(None);
    }
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [count, "in", "flight"] => decode_count(view, count).map(Some),
        _ => {
            let found = view.node().describe();
            view.problem(format!(
                "expected \"N in flight\", for example \"10 in flight\", or told, found {found}"
            ));
            None
        }
    }
}

/// The stage under `at`; before the work unless the step says so.
pub(super) fn stage(map: &MapView<'_>) -> Stage {
    let given = map.optional("at").and_then(|view| view.one_of(Stage::ALL));
    given.unwrap_or(Stage::BeforeWork)
}
