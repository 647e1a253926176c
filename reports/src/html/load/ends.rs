//! Outcomes over time: how many ended in which way, one on the other, so that the sum shows too.

use maud::{Markup, html};

use super::chart::{Chart, Line};
use super::spans::{Span, merged, whole};
use super::time::{POINTS_MAX, ROWS_MAX, left_out, seconds};
use crate::load_text as told;
use crate::model::load::{LoadEnd, LoadInterval, LoadReport};

/// A band of the chart.
#[derive(Clone, Copy)]
enum Band {
    /// Arrivals that ended so.
    End(LoadEnd),
    /// Arrivals that were never sent.
    Dropped,
}

impl Band {
    /// From the bottom to the top.
    const ALL: [Self; 6] = [
        Self::End(LoadEnd::Good),
        Self::End(LoadEnd::Deserved),
        Self::End(LoadEnd::Refused),
        Self::End(LoadEnd::TimedOut),
        Self::End(LoadEnd::Failed),
        Self::Dropped,
    ];

    const fn of(self, span: &Span) -> u64 {
        match self {
            Self::End(end) => span.ends.of(end),
            Self::Dropped => span.dropped,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::End(end) => end.label(),
            Self::Dropped => "dropped",
        }
    }

    const fn means(self) -> &'static str {
        match self {
            Self::End(LoadEnd::Good) => "got what it was for",
            Self::End(LoadEnd::Deserved) => "a bad payment refused, or terms nobody wanted to pay",
            Self::End(LoadEnd::Refused) => "402, another 4xx, or a reason of x402, undeserved",
            Self::End(LoadEnd::TimedOut) => "no whole answer in time",
            Self::End(LoadEnd::Failed) => {
                "5xx, a broken connection, an unreadable answer, content given twice"
            }
            Self::Dropped => "due and never sent",
        }
    }

    /// Place of its colour in the style sheet.
    const fn tone(self) -> usize {
        match self {
            Self::End(LoadEnd::Good) => 5,
            Self::End(LoadEnd::Deserved) => 1,
            Self::End(LoadEnd::Refused) => 2,
            Self::End(LoadEnd::TimedOut) => 4,
            Self::End(LoadEnd::Failed) => 3,
            Self::Dropped => 6,
        }
    }
}

/// True where the report says how things ended; those of earlier versions do not.
pub(super) fn are_known(series: &[LoadInterval]) -> bool {
    !series.is_empty() && series.iter().all(|interval| interval.ends.is_some())
}

pub(super) fn render(load: &LoadReport) -> Markup {
    if !are_known(&load.series) {
        return html! {};
    }
    let rows = merged(&load.series, ROWS_MAX);
    let total = |band: Band| {
        let counts = rows.iter().map(|span| band.of(span));
        counts.fold(0, u64::saturating_add)
    };
    let bands = Band::ALL.into_iter().map(|band| (band, total(band)));
    let bands: Vec<(Band, u64)> = bands.filter(|(_, count)| *count > 0).collect();
    let all = bands.iter().map(|(_, count)| *count);
    let all = all.fold(0, u64::saturating_add);
    if all == 0 {
        return html! {};
    }
    let told: Vec<String> = bands
        .iter()
        .map(|(band, count)| format!("{count} {}", band.label()))
        .collect();
    let caption = format!(
        "Outcomes per second, one on the other, over the run. In all: {}.",
        told.join(", ")
    );
    html! {
        h3 { "Outcomes over time" }
        (left_out(load))
        (chart(load, &bands, &caption))
        ul.legend { @for (band, count) in &bands {
            li { span class={"swatch tone-" (band.tone() + 1)} aria-hidden="true" {} " "
                strong { (band.label()) } ": " (count) " (" (share(*count, all)) "), " (band.means()) }
        } }
        details { summary { "The same as a table" }
            div.scroll { table {
                thead { tr { th.n scope="col" { "From" } th.n scope="col" { "Seconds" } @for (band, _) in &bands { th.n scope="col" { (band.label()) } } } }
                tbody { @for span in &rows {
                    tr { td.n { (seconds(span.at_s)) } td.n { (seconds(span.width_s)) } @for (band, _) in &bands { td.n { (band.of(span)) } } }
                } }
            } }
        }
    }
}

fn chart(load: &LoadReport, bands: &[(Band, u64)], caption: &str) -> Markup {
    let spans = merged(whole(&load.series).0, POINTS_MAX);
    let line = |(band, _): &(Band, u64)| Line {
        name: band.label().to_owned(),
        points: spans
            .iter()
            .map(|span| (span.at_s, span.per_s(band.of(span))))
            .collect(),
        marks: false,
        tone: Some(band.tone()),
    };
    let chart = Chart {
        caption,
        lines: bands.iter().map(line).collect(),
        stacked: true,
        log_y: false,
        x: &seconds,
        y: &told::rate,
    };
    chart.render()
}

/// `97.4 %`; never all or nothing where it is not.
fn share(count: u64, all: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let percent = count as f64 / all as f64 * 100.0;
    match percent {
        few if few < 0.1 => "under 0.1 %".to_owned(),
        most if most > 99.9 && count < all => "over 99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}
