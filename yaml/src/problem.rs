//! Problems of a file, gathered while it is read.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::Position;

/// More problems than this are counted, not kept.
const PROBLEMS_MAX: usize = 100;

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; a problem of the whole file has no place.
    pub position: Option<Position>,
    /// What is wrong and what to do.
    pub message: String,
}

/// The place problems are reported to while one file is read and decoded.
#[derive(Debug)]
pub struct Problems {
    file: String,
    list: RefCell<Vec<Problem>>,
    dropped: Cell<usize>,
}

impl Problems {
    /// An empty list for the file shown as `file`.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            list: RefCell::default(),
            dropped: Cell::new(0),
        }
    }

    /// Reports a problem at a place.
    pub fn at(&self, position: Position, message: impl Into<String>) {
        self.push(Problem {
            position: Some(position),
            message: message.into(),
        });
    }

    /// Reports a problem of the whole file.
    pub fn of_file(&self, message: impl Into<String>) {
        self.push(Problem {
            position: None,
            message: message.into(),
        });
    }

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// `value` if nothing was reported, else every problem in file order.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ProblemList> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self.into_list()),
        }
    }

    /// Every problem in file order.
    pub fn into_list(self) -> ProblemList {
        let mut problems = self.list.into_inner();
        problems.sort_by_key(|problem| problem.position);
        ProblemList {
            file: self.file,
            problems,
            more: self.dropped.get(),
        }
    }

    fn push(&self, problem: Problem) {
        let mut list = self.list.borrow_mut();
        if list.len() < PROBLEMS_MAX {
            list.push(problem);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
    }
}

/// Everything wrong with one file; displays one `file:line:column: message` a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProblemList {
    /// The file as it was named.
    pub file: String,
    /// The problems, in file order.
    pub problems: Vec<Problem>,
    /// How many more there were than are kept.
    pub more: usize,
}

impl ProblemList {
    /// One `file:line:column: message` for each problem.
    pub fn lines(&self) -> Vec<String> {
        let line = |problem: &Problem| match problem.position {
            Some(at) => format!(
                "{}:{}:{}: {}",
                self.file, at.line, at.column, problem.message
            ),
            None => format!("{}: {}", self.file, problem.message),
        };
        let more =
            (self.more > 0).then(|| format!("{}: and {} more problems", self.file, self.more));
        self.problems.iter().map(line).chain(more).collect()
    }
}

impl fmt::Display for ProblemList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_in_file_order_and_are_bounded() {
        let problems = Problems::new("x.yaml");
        for line in (1..=150).rev() {
            problems.at(Position { line, column: 2 }, "bad");
        }
        let lines = problems.into_list().lines();
        assert_eq!(lines.len(), PROBLEMS_MAX + 1);
        assert_eq!(lines[0], "x.yaml:51:2: bad");
        assert_eq!(lines[100], "x.yaml: and 50 more problems");
    }

    #[test]
    fn a_value_with_problems_is_not_returned() {
        let problems = Problems::new("x.yaml");
        problems.of_file("empty");
        assert_eq!(
            problems.finish(Some(1)).unwrap_err().to_string(),
            "x.yaml: empty"
        );
        assert_eq!(Problems::new("x.yaml").finish(Some(1)), Ok(1));
    }
}
