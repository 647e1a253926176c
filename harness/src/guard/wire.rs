//! The lines that guard and bench say to each other over the lifeline.

use super::lifeline::ChildEnd;

/// The bench has recognised the guard's token.
pub(super) const GO: &str = "go";

/// What the guard reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The program runs with this process id, which is its group's id as well.
    Started(u32),
    /// The program could not be started.
    Failed(String),
    /// One line of the program's standard error.
    Stderr(String),
    /// The program ended, and its group with it.
    Ended(ChildEnd),
}

impl Report {
    /// One line, with its end.
    pub(super) fn to_line(&self) -> String {
        match self {
            Self::Started(pid) => format!("pid {pid}\n"),
            Self::Failed(reason) => format!("fail {}\n", reason.replace(['\r', '\n'], " ")),
            Self::Stderr(line) => format!("err {line}\n"),
            Self::Ended(ChildEnd::Exited(code)) => format!("exit {code}\n"),
            Self::Ended(ChildEnd::Signalled(signal)) => format!("signal {signal}\n"),
            Self::Ended(ChildEnd::GuardLost) => "lost\n".to_owned(),
        }
    }

    /// Reads one line without its end; `None` for what is not ours.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "pid" => rest.parse().ok().map(Self::Started),
            "fail" => Some(Self::Failed(rest.to_owned())),
            "err" => Some(Self::Stderr(rest.to_owned())),
            "exit" => rest
                .parse()
                .ok()
                .map(|code| Self::Ended(ChildEnd::Exited(code))),
            "signal" => rest
                .parse()
                .ok()
                .map(|signal| Self::Ended(ChildEnd::Signalled(signal))),
            "lost" => Some(Self::Ended(ChildEnd::GuardLost)),
            _ => None,
        }
    }
}

/// The bench's request to end the group, with the grace in milliseconds.
pub(super) fn stop_line(grace_ms: u128) -> String {
    format!("stop {grace_ms}\n")
}

/// Reads a [`stop_line`].
pub(super) fn parse_stop(line: &str) -> Option<u64> {
    line.strip_prefix("stop ")?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_the_wire() {
        for report in [
            Report::Started(42),
            Report::Failed("No such file".to_owned()),
            Report::Stderr("error: it  broke".to_owned()),
            Report::Stderr(String::new()),
            Report::Ended(ChildEnd::Exited(3)),
            Report::Ended(ChildEnd::Signalled(9)),
            Report::Ended(ChildEnd::GuardLost),
        ] {
            let line = report.to_line();
            assert_eq!(Report::parse(line.trim_end_matches('\n')), Some(report));
        }
        assert_eq!(parse_stop(&stop_line(250)), Some(250));
    }

    #[test]
    fn strange_lines_are_nothing() {
        assert_eq!(Report::parse("pid x"), None);
        assert_eq!(Report::parse("GET / HTTP/1.1"), None);
        assert_eq!(parse_stop("stop"), None);
    }
}
