//! The keys of load scenarios: what arrives when, what it is, what is demanded.

use std::time::Duration;

use x402_assay_reports::model::load::LoadKind;

use super::load_faults;
use super::model::Role;
use crate::config::yaml::{MapView, View};
use crate::load::arrivals::STEPS_MAX;
use crate::load::mix::hundredths;
use crate::load::plan::{PAYERS_MAX, QUEUE_MAX};
use crate::load::sheet::{LoadSheet, SheetPace};
use crate::load::thresholds::Threshold;
use crate::load::users::{Journey, USERS_MAX, Users};
use crate::load::words::{Wrong, parse_rate};
use crate::load::{Arrivals, Connections, Part, Shares, Signing, Step};

/// Every key that only load scenarios have.
pub(super) const LOAD_KEYS: [&str; 11] = [
    "kind",
    "arrivals",
    "users",
    "mix",
    "connections",
    "signing",
    "warm_up",
    "queue",
    "payers",
    "thresholds",
    "faults",
];
/// Keys of other scenarios that mean nothing here.
const STEP_KEYS: [&str; 4] = ["vary", "rounds", "steps", "expect"];
/// The kinds of load, and whom each is for.
const KINDS: [(&str, (LoadKind, Role)); 4] = [
    ("paid", (LoadKind::Paid, Role::Server)),
    ("unpaid", (LoadKind::Unpaid, Role::Server)),
    ("verify", (LoadKind::Verify, Role::Facilitator)),
    ("settle", (LoadKind::Settle, Role::Facilitator)),
];

/// Whether a file is a load scenario; keys of one without its pace are reported.
pub(super) fn is_load(map: &MapView<'_>) -> bool {
    let is_load = ["arrivals", "users"]
        .iter()
        .any(|key| map.optional(key).is_some());
    if !is_load {
        for key in LOAD_KEYS.iter().filter(|key| map.optional(key).is_some()) {
            let message =
                format!("`{key}` is for load scenarios, and those have `arrivals` or `users`");
            map.problem_at_key(key, &message);
        }
    }
    is_load
}

/// Reads what only load scenarios have.
pub(super) fn decode(map: &MapView<'_>, role: Role) -> Option<LoadSheet> {
    for key in STEP_KEYS.iter().filter(|key| map.optional(key).is_some()) {
        let message = format!(
            "`{key}` cannot stand in a load scenario; what must hold goes into `thresholds`"
        );
        map.problem_at_key(key, &message);
    }
    let kind = kind(map, role);
    let pace = pace(map);
    let mix = map.optional("mix").map(|view| shares(&view, &parts()));
    let connections = text(map, "connections", Connections::parse);
    let signing = map
        .optional("signing")
        .map(|view| view.one_of(&[("inline", Signing::Inline), ("ahead", Signing::Ahead)]));
    let number = |key, range| {
        map.optional_u64(key, range)
            .map(|value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let most = |bound: usize| u64::try_from(bound).unwrap_or(u64::MAX);
    let queue = number("queue", 0..=most(QUEUE_MAX));
    let payers = number("payers", 1..=most(PAYERS_MAX));
    let warm_up = map.optional_duration("warm_up");
    let timeout = map.optional_positive_duration("timeout");
    let thresholds = map.list("thresholds");
    let thresholds = thresholds.iter().filter_map(|view| {
        let text = view.as_non_empty_str()?;
        view.check(Threshold::parse(text))
    });
    let thresholds: Vec<Threshold> = thresholds.collect();
    let faults = load_faults::decode(map);
    let mut sheet = LoadSheet::new(kind?, pace?);
    sheet.mix = mix.map_or(Some(sheet.mix), |mix| mix)?;
    sheet.connections = connections.map_or(Some(sheet.connections), |read| read)?;
    sheet.signing = signing.map_or(Some(sheet.signing), |read| read)?;
    sheet.queue = queue.unwrap_or(sheet.queue);
    sheet.payers = payers.unwrap_or(sheet.payers);
    sheet.warm_up = warm_up.unwrap_or(sheet.warm_up);
    sheet.timeout = timeout.unwrap_or(sheet.timeout);
    sheet.thresholds = thresholds;
    sheet.faults = faults?;
    check(map, &sheet)?;
    Some(sheet)
}

/// What the parts do not show by themselves.
fn check(map: &MapView<'_>, sheet: &LoadSheet) -> Option<()> {
    if matches!(sheet.pace, SheetPace::Users(_)) {
        let foreign = ["mix", "connections", "signing", "queue", "payers", "faults"];
        for key in foreign.iter().filter(|key| map.optional(key).is_some()) {
            let message = format!(
                "`{key}` is for `arrivals`; users have wallets, connections and `journeys` of their own"
            );
            map.problem_at_key(key, &message);
        }
        return Some(());
    }
    let checked = sheet.plan(0).check();
    map.view().check(checked)
}

fn kind(map: &MapView<'_>, role: Role) -> Option<LoadKind> {
    let default = match role {
        Role::Server => LoadKind::Paid,
        Role::Facilitator => LoadKind::Settle,
    };
    let Some(view) = map.optional("kind") else {
        return Some(default);
    };
    let (kind, whom) = view.one_of(&KINDS)?;
    if whom != role {
        view.problem(format!(
            "`{}` is for scenarios with `role: {}`",
            kind.word(),
            whom.word()
        ));
        return None;
    }
    Some(kind)
}

fn pace(map: &MapView<'_>) -> Option<SheetPace> {
    match (map.optional("arrivals"), map.optional("users")) {
        (Some(_), Some(_)) => {
            map.problem_at_key("users", "`users` cannot stand beside `arrivals`: either a schedule sets the pace or the answers do");
            None
        }
        (Some(view), None) => arrivals(&view).map(SheetPace::Arrivals),
        (None, view) => users(&view?).map(SheetPace::Users),
    }
}

/// The value of a key in its text form, if it is given; the inner `None` was reported.
#[expect(
    clippy::option_option,
    reason = "a problem and an absent key are different things"
)]
fn text<T>(
    map: &MapView<'_>,
    key: &str,
    parse: impl Fn(&str) -> Result<T, Wrong>,
) -> Option<Option<T>> {
    let view = map.optional(key)?;
    Some(view.as_text().and_then(|text| view.check(parse(text))))
}

fn rate(map: &MapView<'_>, key: &str) -> Option<f64> {
    let view = map.required(key)?;
    let text = view.as_text()?;
    view.check(parse_rate(text))
}

fn length(map: &MapView<'_>, key: &str) -> Option<Duration> {
    map.required(key)?.as_positive_duration()
}

fn arrivals(view: &View<'_>) -> Option<Arrivals> {
    const SHAPES: [&str; 5] = ["constant", "ramp", "spike", "steps", "poisson"];
    let map = view.as_map()?;
    map.unknown_keys(&[&SHAPES[..], &["for"]].concat());
    let given = SHAPES.iter().filter(|shape| map.optional(shape).is_some());
    if given.count() > 1 {
        view.problem("one schedule has one shape; a rate that changes several times is `steps`");
        return None;
    }
    let (shape, value) = super::keys::exactly_one(&map, &SHAPES)?;
    if shape == "steps" {
        if map.optional("for").is_some() {
            map.problem_at_key("for", "`for` stands in each step of a schedule of steps");
        }
        return steps(&value);
    }
    let duration = length(&map, "for");
    let read = match shape {
        "constant" | "poisson" => {
            let text = value.as_text()?;
            let rate = value.check(parse_rate(text))?;
            let duration = duration?;
            match shape {
                "constant" => Arrivals::Constant { rate, duration },
                _ => Arrivals::Poisson { rate, duration },
            }
        }
        "ramp" => {
            let map = value.as_map()?;
            map.unknown_keys(&["from", "to"]);
            let (from, to) = (rate(&map, "from"), rate(&map, "to"));
            Arrivals::Ramp {
                from: from?,
                to: to?,
                duration: duration?,
            }
        }
        _ => {
            let map = value.as_map()?;
            map.unknown_keys(&["base", "peak", "at", "hold"]);
            let (base, peak) = (rate(&map, "base"), rate(&map, "peak"));
            let at = map.required("at").and_then(|view| view.as_duration());
            let hold = length(&map, "hold");
            Arrivals::Spike {
                base: base?,
                peak: peak?,
                at: at?,
                hold: hold?,
                duration: duration?,
            }
        }
    };
    view.check(read.check())?;
    Some(read)
}

fn steps(view: &View<'_>) -> Option<Arrivals> {
    let items = view.as_list()?;
    if items.is_empty() || items.len() > STEPS_MAX {
        view.problem(format!("a schedule has 1 to {STEPS_MAX} steps"));
        return None;
    }
    let step = |item: &View<'_>| {
        let map = item.as_map()?;
        map.unknown_keys(&["rate", "for"]);
        let (rate, duration) = (rate(&map, "rate"), length(&map, "for"));
        Some(Step {
            rate: rate?,
            duration: duration?,
        })
    };
    let read: Vec<Option<Step>> = items.iter().map(step).collect();
    let arrivals = Arrivals::Steps(read.into_iter().collect::<Option<_>>()?);
    view.check(arrivals.check())?;
    Some(arrivals)
}

fn users(view: &View<'_>) -> Option<Users> {
    let map = view.as_map()?;
    map.unknown_keys(&["count", "for", "think", "journeys"]);
    let count = map
        .required("count")
        .and_then(|view| view.as_u64(1..=USERS_MAX));
    let duration = length(&map, "for");
    let think = text(&map, "think", Users::parse_think);
    let journeys = map
        .optional("journeys")
        .map(|view| shares(&view, &Journey::ALL));
    Some(Users {
        count: usize::try_from(count?).ok()?,
        duration: duration?,
        think: think.unwrap_or(Some((Duration::ZERO, Duration::ZERO)))?,
        journeys: journeys.unwrap_or_else(|| Some(Shares::only(Journey::Pay)))?,
    })
}

fn parts() -> [(&'static str, Part); 7] {
    Part::ALL.map(|part| (part.word(), part))
}

/// A map of words and percents that add up to 100.
fn shares<P: Copy + PartialEq>(view: &View<'_>, words: &[(&'static str, P)]) -> Option<Shares<P>> {
    let map = view.as_map()?;
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    map.unknown_keys(&known);
    let read = map.entries().map(|(word, _, view)| {
        let (_, part) = words.iter().find(|(known, _)| *known == word)?;
        let share = view.check(hundredths(view.as_text()?))?;
        Some((*part, share))
    });
    let read: Vec<Option<(P, u32)>> = read.collect();
    let read = read.into_iter().collect::<Option<Vec<_>>>()?;
    let name = |part: P| {
        let found = words.iter().find(|(_, other)| *other == part);
        found.map_or_else(String::new, |(word, _)| (*word).to_owned())
    };
    view.check(Shares::new(read, name))
}
