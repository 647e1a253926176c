//! The matrix as data: its text, its reader, and what two of them do not share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

/// What this version is known to find.
pub const MATRIX: &str = include_str!("matrix.txt");

/// What the file begins with.
pub const HEAD: &str = "\
# What each defect switch of the reference server turns red: defect, run verdict, checks and invariants.
# `~` marks a warning, `?` what could not be judged; `none` is the server without a defect. A `*` at the end marks what is
# red in some runs only, since requests overtake each other: put by hand, kept when the file is written again.
# Written by `INSTA_UPDATE=always cargo test -p x402-assay --test it kill_matrix`: read the difference, each red must be meant.
";

/// What one defect turns red.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its switch.
    pub defect: String,
    /// The run's verdict.
    pub verdict: RunVerdict,
    /// Ids in the order of the report; `~` marks a warning, `?` what could not be judged; a recorded one that ends in `*` is
    /// red in some runs only.
    pub red: Vec<String>,
}

impl Row {
    /// The row of a run with this defect.
    pub fn of(defect: &str, report: &Report) -> Self {
        let checks = report.checks.iter().map(|check| (&check.id, check.verdict));
        let invariants = report.invariants.iter().map(|row| (&row.id, row.verdict));
        let red = checks
            .chain(invariants)
            .filter_map(|(id, verdict)| match verdict {
                Verdict::Fail => Some(id.clone()),
                Verdict::Warn => Some(format!("~{id}")),
                Verdict::Inconclusive => Some(format!("?{id}")),
                _ => None,
            });
        Self {
            defect: defect.to_owned(),
            verdict: report.verdict,
            red: red.collect(),
        }
    }

    /// True when the run came out as if there were no defect.
    pub fn is_unnoticed(&self) -> bool {
        self.verdict == RunVerdict::Conformant && self.red.is_empty()
    }

    /// Ids that are red, without their marks; what could not be judged is not among them.
    pub fn killed(&self) -> impl Iterator<Item = &str> {
        let red = self.red.iter().filter(|id| !id.starts_with('?'));
        red.map(|id| id.trim_start_matches('~').trim_end_matches('*'))
    }

    /// Ids that are red in some runs only, with their marks but for the star.
    fn sometimes(&self) -> impl Iterator<Item = &str> {
        self.red.iter().filter_map(|id| id.strip_suffix('*'))
    }

    /// This row without what another records as red in some runs only.
    fn always(&self, recorded: &Self) -> Self {
        let wavers = |id: &String| {
            let bare = id.trim_end_matches('*');
            recorded.sometimes().any(|other| other == bare)
        };
        Self {
            red: self.red.iter().filter(|id| !wavers(id)).cloned().collect(),
            ..self.clone()
        }
    }

    /// The row as it is written over a recorded one, whose stars stay.
    fn over(&self, recorded: &Self) -> Self {
        let mut row = self.always(recorded);
        let starred = recorded.red.iter().filter(|id| id.ends_with('*'));
        row.red.extend(starred.cloned());
        row
    }

    fn line(&self) -> String {
        let (defect, verdict) = (&self.defect, word(self.verdict));
        let line = format!("{defect:32} {verdict}: {}", self.red.join(" "));
        line.trim_end().to_owned()
    }
}

const VERDICTS: [RunVerdict; 3] = [
    RunVerdict::Conformant,
    RunVerdict::Nonconformant,
    RunVerdict::Inconclusive,
];

/// The run verdict as the report spells it.
const fn word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    }
}

/// The rows as a file holds them, under its head.
pub fn text_under(head: &str, rows: &[Row]) -> String {
    let mut text = head.to_owned();
    for row in rows {
        writeln!(text, "{}", row.line()).expect("a string takes all that is written");
    }
    text
}

/// The measured rows as they are written over the recorded ones: what is red in some runs only stays marked so.
pub fn over(measured: &[Row], recorded: &[Row]) -> Vec<Row> {
    let of = |row: &Row| recorded.iter().find(|known| known.defect == row.defect);
    let rows = measured.iter();
    rows.map(|row| of(row).map_or_else(|| row.clone(), |known| row.over(known)))
        .collect()
}

/// Reads rows as [`text`] writes them.
///
/// # Errors
/// With the number of the first line that is none.
pub fn parse(text: &str) -> Result<Vec<Row>, String> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| row(line).ok_or_else(|| format!("line {} is no row", index + 1)))
        .collect()
}

fn row(line: &str) -> Option<Row> {
    let (defect, rest) = line.split_once(' ')?;
    let (verdict, red) = rest.split_once(':')?;
    let verdict = VERDICTS
        .into_iter()
        .find(|one| word(*one) == verdict.trim())?;
    Some(Row {
        defect: defect.to_owned(),
        verdict,
        red: red.split_whitespace().map(str::to_owned).collect(),
    })
}

/// The recorded matrix.
///
/// # Panics
/// Never in a build whose tests passed: they read it.
pub fn recorded() -> Vec<Row> {
    parse(MATRIX).expect("the tests read the recorded matrix")
}

/// One defect that does not turn red what is recorded for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its switch.
    pub defect: String,
    /// What was measured; `None` when the defect is recorded and does not exist.
    pub measured: Option<Row>,
    /// What is recorded; `None` for a defect that is not.
    pub recorded: Option<Row>,
}

impl Difference {
    /// The difference in one line.
    pub fn told(&self) -> String {
        let defect = &self.defect;
        let (measured, recorded) = match (&self.measured, &self.recorded) {
            (Some(measured), Some(recorded)) => {
                (measured.always(recorded), recorded.always(recorded))
            }
            (Some(measured), None) => {
                let red = measured.red.join(" ");
                return format!(
                    "{defect}: not recorded; measured {}: {red}",
                    word(measured.verdict)
                );
            }
            _ => return format!("{defect}: recorded, and no such defect was run"),
        };
        let mut parts = Vec::new();
        let not_in = |some: &[String], other: &[String]| {
            let missing = some.iter().filter(|id| !other.contains(id));
            missing.cloned().collect::<Vec<_>>().join(" ")
        };
        let missing = not_in(&recorded.red, &measured.red);
        let more = not_in(&measured.red, &recorded.red);
        if !missing.is_empty() {
            parts.push(format!("not red: {missing}"));
        }
        if !more.is_empty() {
            parts.push(format!("red and not recorded: {more}"));
        }
        if measured.verdict != recorded.verdict {
            let (now, then) = (word(measured.verdict), word(recorded.verdict));
            parts.push(format!("{now}, recorded {then}"));
        }
        if parts.is_empty() {
            parts.push("the order of ids differs".to_owned());
        }
        format!("{defect}: {}", parts.join("; "))
    }
}

/// Where the rows differ, by defect.
pub fn differences(measured: &[Row], recorded: &[Row]) -> Vec<Difference> {
    fn by_name(rows: &[Row]) -> BTreeMap<&str, &Row> {
        rows.iter().map(|row| (row.defect.as_str(), row)).collect()
    }
    let (measured, recorded) = (by_name(measured), by_name(recorded));
    let names: BTreeSet<&str> = measured.keys().chain(recorded.keys()).copied().collect();
    names
        .into_iter()
        .filter(|name| match (measured.get(name), recorded.get(name)) {
            (Some(measured), Some(recorded)) => {
                measured.always(recorded) != recorded.always(recorded)
            }
            _ => true,
        })
        .map(|name| Difference {
            defect: name.to_owned(),
            measured: measured.get(name).map(|row| (*row).clone()),
            recorded: recorded.get(name).map(|row| (*row).clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use crate::reference_server::Defect;
    use crate::selftest::NONE;

    #[test]
    fn the_recorded_matrix_holds_every_defect_once_and_reads_as_it_is_written() {
        let rows = recorded();
        assert_eq!(text_under(HEAD, &rows), MATRIX);
        let mut names: Vec<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
        names.push(NONE);
        names.sort_unstable();
        let mut recorded: Vec<&str> = rows.iter().map(|row| row.defect.as_str()).collect();
        recorded.sort_unstable();
        assert_eq!(recorded, names);
        for id in rows.iter().flat_map(Row::killed) {
            let is_known = checks::find(id).is_some() || id.starts_with('I');
            assert!(is_known, "{id} is neither a check nor an invariant");
        }
    }

    #[test]
    fn what_is_no_row_is_named_by_its_line() {
        for (text, line) in [
            ("# a\nsome-defect splendid: I1\n", 2),
            ("alone\n", 1),
            ("\nsome-defect conformant\n", 2),
        ] {
            assert_eq!(parse(text), Err(format!("line {line} is no row")), "{text}");
        }
    }

    #[test]
    fn differences_say_what_is_missing_and_what_is_new() {
        let recorded = parse("a nonconformant: X ~Y\nb conformant:\ngone conformant:\n").unwrap();
        let measured =
            parse("a nonconformant: X Z\nb inconclusive:\nnew conformant: ~Y\n").unwrap();
        let told = differences(&measured, &recorded);
        let told: Vec<String> = told.iter().map(Difference::told).collect();
        assert_eq!(
            told,
            [
                "a: not red: ~Y; red and not recorded: Z",
                "b: inconclusive, recorded conformant",
                "gone: recorded, and no such defect was run",
                "new: not recorded; measured conformant: ~Y",
            ]
        );
        assert_eq!(differences(&recorded, &recorded), []);
    }

    #[test]
    fn what_is_red_in_some_runs_only_is_no_difference_and_stays_marked() {
        let recorded = parse("a nonconformant: X ~Y*\n").unwrap();
        for text in ["a nonconformant: X ~Y\n", "a nonconformant: X\n"] {
            let measured = parse(text).unwrap();
            assert_eq!(differences(&measured, &recorded), [], "{text}");
            assert_eq!(over(&measured, &recorded), recorded, "{text}");
        }
        // A star excuses its own id and mark, nothing else.
        for text in [
            "a nonconformant: ~Y\n",
            "a nonconformant: X Y\n",
            "a conformant: X\n",
        ] {
            let measured = parse(text).unwrap();
            assert_eq!(differences(&measured, &recorded).len(), 1, "{text}");
        }
    }
}
