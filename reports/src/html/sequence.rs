//! A timeline drawn as a sequence diagram: one lifeline per actor, time from top to bottom.

use maud::{Markup, html};

use super::head::line;
use crate::model::Evidence;
use crate::text;

/// Kind of evidence that is a moment of a timeline: `id` is when, `text` is `actor: what`.
pub(super) const KIND: &str = "timeline";

const ACTORS: [&str; 4] = ["client", "server", "facilitator", "chain"];
const WHEN_WIDTH: usize = 90;
const LANE_WIDTH: usize = 250;
/// Characters of a label that fit between two lifelines.
const LABEL_MAX: usize = 40;
const ROW_HEIGHT: usize = 34;
const HEAD_HEIGHT: usize = 34;

/// What a moment is in the diagram.
enum Mark {
    /// A message from one lifeline to another.
    Arrow(usize, usize),
    /// Something at one lifeline.
    At(usize),
}

struct Row<'r> {
    when: &'r str,
    what: &'r str,
    mark: Mark,
    bad: bool,
}

pub(super) fn render(moments: &[&Evidence]) -> Markup {
    let rows: Vec<Row<'_>> = moments.iter().map(|piece| row(piece)).collect();
    let width = WHEN_WIDTH + LANE_WIDTH * ACTORS.len();
    let height = HEAD_HEIGHT + ROW_HEIGHT * rows.len() + 12;
    html! {
        figure.sequence {
            svg viewBox={"0 0 " (width) " " (height)} role="img" aria-label="Sequence of what happened; the same as a list below" {
                @for (index, actor) in ACTORS.iter().enumerate() {
                    line.life x1=(x(index)) x2=(x(index)) y1=(HEAD_HEIGHT) y2=(height) {}
                    text.actor x=(x(index)) y="20" { (actor) }
                }
                @for (index, row) in rows.iter().enumerate() { (drawn(index, row)) }
            }
            details { summary { "As a list" }
                ol { @for moment in moments { li { code { (text::line(&moment.id, 40)) } " " (line(&moment.text)) } } } }
        }
    }
}

const fn x(lane: usize) -> usize {
    WHEN_WIDTH + LANE_WIDTH * lane + LANE_WIDTH / 2
}

fn row(piece: &Evidence) -> Row<'_> {
    let (actor, what) = piece
        .text
        .split_once(": ")
        .unwrap_or(("bench", &piece.text));
    let mark = match actor {
        "client" => Mark::Arrow(0, 1),
        "server" => Mark::Arrow(1, 0),
        "facilitator" if what.starts_with("receives") => Mark::Arrow(1, 2),
        "facilitator" if what.starts_with("answers") => Mark::Arrow(2, 1),
        "chain" if what.starts_with("broadcast") => Mark::Arrow(2, 3),
        "chain" if what.starts_with("mined") || what.starts_with("reverted") => Mark::Arrow(3, 2),
        "chain" | "ledger" => Mark::At(3),
        "facilitator" | "bench" => Mark::At(2),
        _ => Mark::At(1),
    };
    let bad = actor == "bench" || what.contains("a lie") || what.contains(" cut");
    Row {
        when: &piece.id,
        what,
        mark,
        bad,
    }
}

fn drawn(index: usize, row: &Row<'_>) -> Markup {
    let y = HEAD_HEIGHT + ROW_HEIGHT * index + ROW_HEIGHT / 2 + 6;
    let class = if row.bad { "moment bad" } else { "moment" };
    let (from, to) = match row.mark {
        Mark::Arrow(from, to) => (x(from), x(to)),
        Mark::At(lane) => (x(lane), x(lane)),
    };
    let middle = usize::midpoint(from, to);
    html! {
        g class=(class) {
            title { (line(row.what)) }
            text.when x="4" y=(y) { (text::line(row.when, 14)) }
            @if from == to {
                circle cx=(from) cy=(y) r="4" {}
            } @else {
                line.arrow x1=(from) x2=(to) y1=(y) y2=(y) {}
                path.tip d=(tip(to, y, from < to)) {}
            }
            text.what x=(middle) y=(y - 6) { (label(row.what)) }
        }
    }
}

fn tip(x: usize, y: usize, to_right: bool) -> String {
    let back = if to_right { x - 8 } else { x + 8 };
    format!("M{x} {y} L{back} {} L{back} {} Z", y - 4, y + 4)
}

/// What fits on an arrow: the names of rounds are shortened, the whole text is the arrow's title and in the list.
fn label(what: &str) -> String {
    let words: Vec<&str> = what
        .split(' ')
        .map(|word| last_parts(without_run(word)))
        .collect();
    text::cut(&line(&words.join(" ")), LABEL_MAX)
}

/// The last three parts of a name such as `scenario/settle-says-no/1/4`; other words as they are.
fn last_parts(word: &str) -> &str {
    let slashes: Vec<usize> = word.match_indices('/').map(|(at, _)| at).collect();
    match slashes.len().checked_sub(3) {
        Some(at) => &word[slashes[at] + 1..],
        None => word,
    }
}

/// Rules of scenarios are named after their run: `run1a2b3c4d.settle-says-no.1`. Which run it was, the page says above.
fn without_run(word: &str) -> &str {
    let rest = word
        .strip_prefix("run")
        .and_then(|rest| rest.split_once('.'));
    match rest {
        Some((run, name)) if run.len() == 8 && run.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => word,
    }
}
