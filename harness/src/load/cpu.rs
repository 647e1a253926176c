//! CPU time and memory, as far as the system tells them.

use std::collections::BTreeMap;
use std::time::Duration;

/// A part of the system under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux tells whose CPU time it was")
)]
pub(super) enum Side {
    /// The threads that generate the load.
    Generator,
    /// The facilitator: the other threads of the bench.
    Facilitator,
    /// The target, where it is ours or was launched.
    Server,
    /// The chain's node.
    Chain,
    /// What the bench keeps beside a facilitator of the user's: control API, RPC proxy.
    Services,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Generator => "bench",
            Self::Facilitator => "facilitator",
            Self::Server => "server",
            Self::Chain => "chain",
            Self::Services => "services",
        }
    }
}

/// CPU time used so far, by side.
pub(super) type Used = BTreeMap<Side, Duration>;

/// The same where the target that was launched is a facilitator, and ours is not asked.
pub(super) fn under_test(used: Used) -> Used {
    let renamed = used.into_iter().map(|(side, time)| match side {
        Side::Server => (Side::Facilitator, time),
        Side::Facilitator => (Side::Services, time),
        other => (other, time),
    });
    renamed.collect()
}

/// CPU time of our threads and of our children; empty where the system does not tell.
pub(super) fn used() -> Used {
    #[cfg(target_os = "linux")]
    return linux::used();
    #[cfg(not(target_os = "linux"))]
    return Used::new();
}

/// Resident memory of this process, in bytes.
pub(super) fn resident() -> Option<u64> {
    #[cfg(target_os = "linux")]
    return linux::status_kib("VmRSS:").map(|kib| kib * 1024);
    #[cfg(not(target_os = "linux"))]
    return None;
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs;
    use std::time::Duration;

    use super::{Side, Used};

    /// Clock ticks a second in `/proc`, on every Linux there is.
    const TICKS: u64 = 100;
    /// Processes that are looked at.
    const PROCESSES_MAX: usize = 10_000;

    struct Stat {
        name: String,
        parent: u32,
        ticks: u64,
    }

    pub(super) fn used() -> Used {
        let mut used = Used::new();
        let mut add = |side, ticks: u64| {
            *used.entry(side).or_default() += Duration::from_millis(ticks * 1000 / TICKS);
        };
        for thread in entries("/proc/self/task") {
            if let Some(stat) = stat(&format!("/proc/self/task/{thread}/stat")) {
                add(side_of_thread(&stat.name), stat.ticks);
            }
        }
        for stat in descendants() {
            add(side_of_child(&stat.name), stat.ticks);
        }
        used
    }

    /// Threads of the load are named by the engine, those of the built-in server by the bench.
    fn side_of_thread(name: &str) -> Side {
        if name.starts_with("load-") {
            Side::Generator
        } else if name.starts_with("reference-serv") {
            Side::Server
        } else {
            Side::Facilitator
        }
    }

    /// The process of the virtual users names itself as the engine names its threads.
    fn side_of_child(name: &str) -> Side {
        if name.starts_with("anvil") {
            Side::Chain
        } else if name.starts_with("load-") {
            Side::Generator
        } else {
            Side::Server
        }
    }

    /// Every process below this one.
    fn descendants() -> Vec<Stat> {
        let mut all: HashMap<u32, Stat> = entries("/proc")
            .into_iter()
            .filter_map(|pid| Some((pid, stat(&format!("/proc/{pid}/stat"))?)))
            .collect();
        let (mut found, mut parents) = (Vec::new(), vec![std::process::id()]);
        while let Some(parent) = parents.pop() {
            let children: Vec<u32> = all
                .iter()
                .filter(|(_, stat)| stat.parent == parent)
                .map(|(pid, _)| *pid)
                .collect();
            for pid in children {
                found.extend(all.remove(&pid));
                parents.push(pid);
            }
        }
        found
    }

    /// Entries of a folder that are numbers.
    fn entries(folder: &str) -> Vec<u32> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .take(PROCESSES_MAX)
            .collect()
    }

    fn stat(path: &str) -> Option<Stat> {
        read_stat(&fs::read_to_string(path).ok()?)
    }

    /// `pid (name) state ppid …`; the name may hold anything, so the last `)` counts.
    fn read_stat(text: &str) -> Option<Stat> {
        let (begin, end) = (text.find('(')?, text.rfind(')')?);
        let rest: Vec<&str> = text.get(end + 1..)?.split_whitespace().collect();
        let number = |place: usize| rest.get(place)?.parse::<u64>().ok();
        Some(Stat {
            name: text.get(begin + 1..end)?.to_owned(),
            parent: u32::try_from(number(1)?).ok()?,
            ticks: number(11)? + number(12)?,
        })
    }

    pub(super) fn status_kib(field: &str) -> Option<u64> {
        let text = fs::read_to_string("/proc/self/status").ok()?;
        let line = text.lines().find(|line| line.starts_with(field))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn odd_names_do_not_shift_the_fields() {
            let text = "42 (a ) (b) S 7 42 42 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
            let stat = read_stat(text).unwrap();
            assert_eq!(
                (stat.name.as_str(), stat.parent, stat.ticks),
                ("a ) (b", 7, 200)
            );
            assert!(read_stat("garbage").is_none());
        }

        #[test]
        fn our_own_threads_are_seen() {
            assert!(!used().is_empty());
            assert!(super::super::resident().unwrap() > 1 << 20);
        }
    }
}
