//! The plan of a load run.

use std::fmt;
use std::time::Duration;

use x402_assay_reports::model::load::{LoadKind, LoadModel, PlanEcho, Share};

use super::arrivals::Arrivals;
use super::fault::{self, LoadFault};
use super::mix::{Mix, Part};
use super::text;
use super::users::{Journey, USERS_MAX, Users};
use super::words::{Wrong, shown};

/// Most connections at one time.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Connections when nothing is said.
pub const CONNECTIONS: usize = 64;
/// The same for a schedule: it must not wait for answers that take half a second of a chain's time. They are opened when
/// they are needed.
pub const SCHEDULE_CONNECTIONS: usize = 512;
/// Connections at one time, when each payment has its own and nothing is said.
pub const NEW_AT_ONCE: usize = 512;
/// Most arrivals that may wait.
pub const QUEUE_MAX: usize = 1_000_000;
/// Arrivals that may wait when nothing is said.
pub const QUEUE: usize = 10_000;
/// Most accounts that pay in turn.
pub const PAYERS_MAX: usize = 10_000;
/// Accounts that pay in turn when nothing is said.
pub const PAYERS: usize = 32;
/// How long an exchange may take when nothing is said.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Everything that decides what a load run sends, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadPlan {
    /// What each arrival does.
    pub kind: LoadKind,
    /// What sets the pace.
    pub pace: Pace,
    /// How it is connected.
    pub connections: Connections,
    /// What arrivals are; not for [`LoadKind::Unpaid`].
    pub mix: Mix,
    /// When payments are signed.
    pub signing: Signing,
    /// Most arrivals that wait for a connection; what comes beyond is dropped and counted. At most [`QUEUE_MAX`].
    pub queue: usize,
    /// Length before the measured span, at the schedule's first rate.
    pub warm_up: Duration,
    /// Accounts that pay in turn, at least 1.
    pub payers: usize,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// Seed of the mix, of random gaps and of the payers' order; authorization nonces never come from it.
    pub seed: u64,
    /// Name of the scenario it comes from.
    pub scenario: Option<String>,
    /// What goes wrong on purpose meanwhile, in order.
    pub faults: Vec<LoadFault>,
}

/// What sets the pace.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// A schedule.
    Open(Arrivals),
    /// The answers: every connection sends its next request when the last one has ended.
    Closed(Closed),
    /// The answers: every virtual user begins its next journey when the last one has ended and it has thought.
    Users(Users),
}

/// A closed loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// How long.
    pub duration: Duration,
}

impl Pace {
    /// How long it lasts, warm-up left out.
    pub fn duration(&self) -> Duration {
        match self {
            Self::Open(arrivals) => arrivals.duration(),
            Self::Closed(closed) => closed.duration,
            Self::Users(users) => users.duration,
        }
    }

    /// Its word in reports.
    pub const fn model(&self) -> LoadModel {
        match self {
            Self::Open(_) => LoadModel::Open,
            Self::Closed(_) | Self::Users(_) => LoadModel::Closed,
        }
    }
}

/// How requests are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// So many connections that stay open; one request at a time on each.
    KeepAlive(usize),
    /// A new connection for each payment (both of its requests), so many at one time.
    PerPayment {
        /// At most.
        at_once: usize,
    },
}

impl Connections {
    /// Reads `64`, `new` or `new:512`.
    ///
    /// # Errors
    /// When it is neither, or out of bounds.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        const FIX: &str = "write a number such as `64`, or `new` or `new:512` for one each payment";
        let count = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let count = text.parse::<usize>().ok().filter(|_| digits);
            if digits && count.is_none_or(|count| !(1..=CONNECTIONS_MAX).contains(&count)) {
                let cause = format!(
                    "`{}` is out of bounds: 1 to {CONNECTIONS_MAX} connections are kept",
                    shown(text)
                );
                return Err(Wrong::new(cause, FIX));
            }
            count.ok_or_else(|| {
                Wrong::new(
                    format!("`{}` is no number of connections", shown(text)),
                    FIX,
                )
            })
        };
        match text.split_once(':') {
            None if text == "new" => Ok(Self::PerPayment {
                at_once: NEW_AT_ONCE,
            }),
            Some(("new", at_once)) => Ok(Self::PerPayment {
                at_once: count(at_once)?,
            }),
            _ => Ok(Self::KeepAlive(count(text)?)),
        }
    }

    /// Most connections at one time.
    pub const fn at_once(self) -> usize {
        match self {
            Self::KeepAlive(count) | Self::PerPayment { at_once: count } => count,
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::KeepAlive(CONNECTIONS)
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepAlive(count) => write!(f, "{count}"),
            Self::PerPayment { at_once } => write!(f, "new:{at_once}"),
        }
    }
}

/// When payments are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signing {
    /// When they are due: the signature is part of what is measured.
    #[default]
    Inline,
    /// Before the first request: needs terms that stay the same, and measures something else.
    Ahead,
}

impl Signing {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Ahead => "ahead",
        }
    }
}

impl LoadPlan {
    /// A plan of fresh purchases with nothing else said.
    pub fn new(kind: LoadKind, pace: Pace, seed: u64) -> Self {
        Self {
            kind,
            pace,
            connections: Connections::default(),
            mix: Mix::default(),
            signing: Signing::default(),
            queue: QUEUE,
            warm_up: Duration::ZERO,
            payers: PAYERS,
            timeout: TIMEOUT,
            seed,
            scenario: None,
            faults: Vec::new(),
        }
    }

    /// A plan of virtual users: each has a wallet and connections of its own.
    pub fn of_users(users: Users, seed: u64) -> Self {
        let count = users.count;
        Self {
            connections: Connections::KeepAlive(count),
            payers: count,
            queue: 0,
            ..Self::new(LoadKind::Paid, Pace::Users(users), seed)
        }
    }

    /// Checks what its parts do not show by themselves.
    ///
    /// # Errors
    /// Names the member that is wrong, the cause, and what to do.
    pub fn check(&self) -> Result<(), Wrong> {
        if let Pace::Open(arrivals) = &self.pace {
            arrivals.check()?;
        }
        if let Pace::Users(users) = &self.pace {
            self.check_users(users)?;
        }
        let count = self.connections.at_once();
        let bounded = [
            ("connections", count, 1, CONNECTIONS_MAX),
            ("queue", self.queue, 0, QUEUE_MAX),
            ("payers", self.payers, 1, PAYERS_MAX),
        ];
        for (name, value, least, most) in bounded {
            if !(least..=most).contains(&value) {
                return Err(Wrong::new(
                    format!("`{name}` is {value}"),
                    format!("it may be from {least} to {most}"),
                ));
            }
        }
        if self.pace.duration().is_zero() || self.timeout.is_zero() {
            return Err(Wrong::new(
                "a run and its time-outs are longer than zero",
                "write a duration such as `30s`",
            ));
        }
        self.check_mix()?;
        self.check_faults()?;
        if self.signing == Signing::Ahead && !matches!(self.pace, Pace::Open(_)) {
            return Err(Wrong::new(
                "nobody knows how many payments a closed loop needs, so they cannot be signed ahead",
                "sign inline, or give a rate",
            ));
        }
        Ok(())
    }

    fn check_faults(&self) -> Result<(), Wrong> {
        let steady = matches!(
            self.pace,
            Pace::Open(Arrivals::Constant { .. } | Arrivals::Poisson { .. })
        );
        if !steady && !self.faults.is_empty() {
            return Err(Wrong::new(
                "a fault is held against the goodput before it, and this rate changes by itself",
                "give a load with `faults` a `constant` or a `poisson` rate",
            ));
        }
        fault::check(&self.faults, self.pace.duration())
    }

    fn check_mix(&self) -> Result<(), Wrong> {
        match self.kind {
            LoadKind::Paid => Ok(()),
            LoadKind::Unpaid if self.mix.is_plain() => Ok(()),
            LoadKind::Unpaid => Err(Wrong::new(
                format!(
                    "a mix is for paid load, and this load is `{}`",
                    self.kind.word()
                ),
                "leave out the mix",
            )),
            LoadKind::Verify | LoadKind::Settle => {
                let without = [Part::Abandon, Part::RetryFresh];
                let found = without.iter().find(|part| self.mix.percent(**part) > 0.0);
                found.map_or(Ok(()), |part| {
                    Err(Wrong::new(
                        format!(
                            "`{}` is what a buyer does at a server, and this load asks a facilitator",
                            part.word()
                        ),
                        "leave it out: a facilitator can be sent buy, duplicate, retry-same, malformed and expired",
                    ))
                })
            }
        }
    }

    fn check_users(&self, users: &Users) -> Result<(), Wrong> {
        let most = usize::try_from(USERS_MAX).unwrap_or(usize::MAX);
        if !(1..=most).contains(&users.count) {
            return Err(Wrong::new(
                format!("`users` is {}", users.count),
                format!("it may be from 1 to {USERS_MAX}"),
            ));
        }
        if self.kind != LoadKind::Paid || !self.mix.is_plain() {
            return Err(Wrong::new(
                "users have journeys, and neither a mix nor another kind of load",
                "say what they do with `--journey pay=70,quote=30`",
            ));
        }
        Ok(())
    }

    /// The plan as a report tells it.
    pub fn echo(&self) -> PlanEcho {
        let share = |(part, percent): (super::mix::Part, f64)| Share {
            part: part.word().to_owned(),
            percent,
        };
        let mix = match (&self.pace, self.kind) {
            (Pace::Users(users), _) => {
                let share = |(journey, percent): (Journey, f64)| Share {
                    part: journey.word().to_owned(),
                    percent,
                };
                users.journeys.percents().map(share).collect()
            }
            (_, LoadKind::Unpaid) => Vec::new(),
            (_, LoadKind::Paid | LoadKind::Verify | LoadKind::Settle) => {
                self.mix.percents().map(share).collect()
            }
        };
        PlanEcho {
            kind: self.kind,
            arrivals: match &self.pace {
                Pace::Open(arrivals) => Some(arrivals.to_string()),
                Pace::Closed(_) | Pace::Users(_) => None,
            },
            duration_s: self.pace.duration().as_secs_f64(),
            warm_up_s: self.warm_up.as_secs_f64(),
            connections: self.connections.to_string(),
            mix,
            signing: self.signing.word().to_owned(),
            queue: u64::try_from(self.queue).unwrap_or(u64::MAX),
            payers: u32::try_from(self.payers).unwrap_or(u32::MAX),
            scenario: self.scenario.clone(),
        }
    }
}

/// The length of the schedule in words, as `--for` takes it.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = text::duration(self.duration());
        match self {
            Self::Open(arrivals) => write!(f, "{arrivals} for {length}"),
            Self::Closed(_) => write!(f, "closed loop for {length}"),
            Self::Users(users) => write!(f, "{} virtual users for {length}", users.count),
        }
    }
}
