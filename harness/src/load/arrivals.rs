//! The schedule of an open run: every shape is a list of stretches in which the rate changes evenly.

use std::fmt;
use std::time::Duration;

use super::text;
use super::words::{Wrong, parse_rate};
use crate::config::parse_positive_duration;

/// Highest rate that can be asked for, per second; one machine sends far less.
pub const RATE_MAX: f64 = 1_000_000.0;
/// Lowest rate: one arrival in a thousand seconds.
pub const RATE_MIN: f64 = 0.001;
/// Most steps of a schedule.
pub const STEPS_MAX: usize = 100;
/// Most arrivals of one run.
pub const ARRIVALS_MAX: f64 = 1e9;

/// When requests are due. Rates are per second, from [`RATE_MIN`] to [`RATE_MAX`].
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Evenly spaced.
    Constant {
        /// Per second.
        rate: f64,
        /// How long.
        duration: Duration,
    },
    /// A rate that grows or falls evenly.
    Ramp {
        /// Per second at the start.
        from: f64,
        /// Per second at the end.
        to: f64,
        /// How long.
        duration: Duration,
    },
    /// A rate that jumps and comes back.
    Spike {
        /// Per second before and after.
        base: f64,
        /// Per second during the spike.
        peak: f64,
        /// When it begins.
        at: Duration,
        /// How long it lasts.
        hold: Duration,
        /// How long all of it is.
        duration: Duration,
    },
    /// One rate after the other.
    Steps(Vec<Step>),
    /// Independent arrivals: the gaps are exponential with this mean rate, drawn from the run's seed.
    Poisson {
        /// Per second on average.
        rate: f64,
        /// How long.
        duration: Duration,
    },
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Per second.
    pub rate: f64,
    /// How long.
    pub duration: Duration,
}

/// A stretch in which the rate changes evenly from one value to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Per second at its start.
    pub from: f64,
    /// Per second at its end.
    pub to: f64,
    /// How long.
    pub duration: Duration,
}

impl Segment {
    /// Arrivals due in it, as a real number.
    pub fn arrivals(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.duration.as_secs_f64()
    }
}

impl Arrivals {
    /// Reads `500/s`, `ramp:100/s..1000/s`, `spike:100/s..2000/s@10s+5s`, `steps:100/s,200/s`,
    /// `steps:100/s+10s,200/s+20s` or `poisson:500/s`, for the given length.
    ///
    /// # Errors
    /// Says what is wrong and what to write, without naming the flag.
    pub fn parse(text: &str, duration: Option<Duration>) -> Result<Self, Wrong> {
        let text = text.trim();
        let arrivals = match text.split_once(':') {
            None => Self::Constant {
                rate: parse_rate(text)?,
                duration: needed(duration)?,
            },
            Some(("constant", rate)) => Self::Constant {
                rate: parse_rate(rate)?,
                duration: needed(duration)?,
            },
            Some(("poisson", rate)) => Self::Poisson {
                rate: parse_rate(rate)?,
                duration: needed(duration)?,
            },
            Some(("ramp", rest)) => {
                let (from, to) = pair(rest)?;
                Self::Ramp {
                    from,
                    to,
                    duration: needed(duration)?,
                }
            }
            Some(("spike", rest)) => spike(rest, needed(duration)?)?,
            Some(("steps", rest)) => steps(rest, duration)?,
            Some((word, _)) => return Err(Wrong::shape(word)),
        };
        arrivals.check()?;
        Ok(arrivals)
    }

    /// Every stretch, in order.
    pub fn segments(&self) -> Vec<Segment> {
        let flat = |rate, duration| Segment {
            from: rate,
            to: rate,
            duration,
        };
        match *self {
            Self::Constant { rate, duration } | Self::Poisson { rate, duration } => {
                vec![flat(rate, duration)]
            }
            Self::Ramp { from, to, duration } => vec![Segment { from, to, duration }],
            Self::Spike {
                base,
                peak,
                at,
                hold,
                duration,
            } => {
                let after = duration.saturating_sub(at).saturating_sub(hold);
                let all = [flat(base, at), flat(peak, hold), flat(base, after)];
                all.into_iter()
                    .filter(|part| !part.duration.is_zero())
                    .collect()
            }
            Self::Steps(ref steps) => {
                let flat = |step: &Step| flat(step.rate, step.duration);
                steps.iter().map(flat).collect()
            }
        }
    }

    /// True when gaps are drawn at random instead of evenly spaced.
    pub const fn is_random(&self) -> bool {
        matches!(self, Self::Poisson { .. })
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        self.segments().iter().map(|part| part.duration).sum()
    }

    /// The highest rate of it, per second.
    pub fn peak(&self) -> f64 {
        let segments = self.segments();
        let rates = segments.iter().map(|part| part.from.max(part.to));
        rates.fold(0.0, f64::max)
    }

    /// The rate at its start, per second: the warm-up's.
    pub fn first_rate(&self) -> f64 {
        self.segments().first().map_or(RATE_MIN, |part| part.from)
    }

    /// Arrivals due in all of it, on average where they are random.
    pub fn expected(&self) -> f64 {
        self.segments().iter().map(Segment::arrivals).sum()
    }

    /// Checks what single values do not show.
    ///
    /// # Errors
    /// When rates, lengths or their product are out of bounds, or a spike does not fit into its run.
    pub fn check(&self) -> Result<(), Wrong> {
        let segments = self.segments();
        let rates = segments.iter().flat_map(|part| [part.from, part.to]);
        for rate in rates {
            if !(RATE_MIN..=RATE_MAX).contains(&rate) {
                return Err(Wrong::rate_bounds(&text::rate(rate)));
            }
        }
        if let Self::Spike {
            at, hold, duration, ..
        } = *self
            && at + hold > duration
        {
            return Err(Wrong::new(
                format!(
                    "the spike ends at {}, after the run's {}",
                    text::duration(at + hold),
                    text::duration(duration)
                ),
                "let it begin earlier, or make the run longer",
            ));
        }
        if segments.is_empty() || segments.len() > STEPS_MAX {
            return Err(Wrong::new(
                format!(
                    "a schedule has 1 to {STEPS_MAX} steps, not {}",
                    segments.len()
                ),
                "write `steps:100/s,200/s,400/s`",
            ));
        }
        let length = self.duration();
        if length > LENGTH_MAX {
            return Err(Wrong::new(
                format!(
                    "the schedule lasts {}, and at most 24h are run",
                    text::duration(length)
                ),
                "make it shorter",
            ));
        }
        let expected = self.expected();
        if expected > ARRIVALS_MAX {
            return Err(Wrong::new(
                format!("{expected:.0} arrivals are due, and at most {ARRIVALS_MAX:.0} are sent"),
                "take a lower rate or a shorter run",
            ));
        }
        if expected < 1.0 {
            return Err(Wrong::new(
                "not one arrival is due in that time",
                "take a higher rate or a longer run",
            ));
        }
        Ok(())
    }
}

/// The longest run.
const LENGTH_MAX: Duration = Duration::from_secs(24 * 60 * 60);

fn needed(duration: Option<Duration>) -> Result<Duration, Wrong> {
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| Wrong::new("nothing says how long it lasts", "add `--for 30s`"))
}

fn pair(text: &str) -> Result<(f64, f64), Wrong> {
    let Some((from, to)) = text.split_once("..") else {
        return Err(Wrong::new(
            format!("`{}` is not two rates", super::words::shown(text)),
            "write `100/s..1000/s`",
        ));
    };
    Ok((parse_rate(from)?, parse_rate(to)?))
}

fn spike(rest: &str, duration: Duration) -> Result<Arrivals, Wrong> {
    let wrong = |cause: String| {
        Wrong::new(
            cause,
            "write `spike:100/s..2000/s@10s+5s`: from 100/s to 2000/s after 10s, for 5s",
        )
    };
    let parts = rest.split_once('@').and_then(|(rates, when)| {
        let (at, hold) = when.split_once('+')?;
        Some((rates, at, hold))
    });
    let (rates, at, hold) = parts.ok_or_else(|| {
        wrong(format!(
            "`{}` does not say when the spike begins and how long it lasts",
            super::words::shown(rest)
        ))
    })?;
    let (base, peak) = pair(rates)?;
    let at = crate::config::parse_duration(at).map_err(&wrong)?;
    let hold = parse_positive_duration(hold).map_err(&wrong)?;
    Ok(Arrivals::Spike {
        base,
        peak,
        at,
        hold,
        duration,
    })
}

fn steps(rest: &str, duration: Option<Duration>) -> Result<Arrivals, Wrong> {
    let mixed = || {
        Wrong::new(
            "some steps say how long they last and some do not",
            "write `steps:100/s+10s,200/s+20s`, or no length at all and `--for`",
        )
    };
    let texts: Vec<&str> = rest.split(',').collect();
    if texts.len() > STEPS_MAX {
        return Err(Wrong::new(
            format!(
                "{} steps are too many, at most {STEPS_MAX} are run",
                texts.len()
            ),
            "use fewer",
        ));
    }
    let own = texts.iter().filter(|step| step.contains('+')).count();
    if own != 0 && own != texts.len() {
        return Err(mixed());
    }
    if own == 0 {
        let count = u64::try_from(texts.len()).expect("bounded above");
        let whole = u64::try_from(needed(duration)?.as_millis()).unwrap_or(u64::MAX);
        let each = Duration::from_millis(whole / count);
        if each.is_zero() {
            return Err(Wrong::new(
                format!("{count} steps do not fit into that time"),
                "make it longer",
            ));
        }
        let step = |text: &&str| {
            let rate = parse_rate(text)?;
            Ok(Step {
                rate,
                duration: each,
            })
        };
        return Ok(Arrivals::Steps(
            texts.iter().map(step).collect::<Result<_, _>>()?,
        ));
    }
    let step = |text: &&str| {
        let (rate, length) = text.split_once('+').ok_or_else(mixed)?;
        let duration = parse_positive_duration(length)
            .map_err(|cause| Wrong::new(cause, "write `100/s+10s`"))?;
        Ok(Step {
            rate: parse_rate(rate)?,
            duration,
        })
    };
    let steps: Vec<Step> = texts.iter().map(step).collect::<Result<_, Wrong>>()?;
    let sum: Duration = steps.iter().map(|step| step.duration).sum();
    if duration.is_some_and(|duration| duration != sum) {
        return Err(Wrong::new(
            format!("its steps last {} together", text::duration(sum)),
            "leave out `--for`, or the lengths of the steps",
        ));
    }
    Ok(Arrivals::Steps(steps))
}

/// The form [`Arrivals::parse`] reads; the length stands beside it, as `--for` does, save for steps.
impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = text::rate;
        match self {
            Self::Constant { rate: r, .. } => f.write_str(&rate(*r)),
            Self::Poisson { rate: r, .. } => write!(f, "poisson:{}", rate(*r)),
            Self::Ramp { from, to, .. } => write!(f, "ramp:{}..{}", rate(*from), rate(*to)),
            Self::Spike {
                base,
                peak,
                at,
                hold,
                ..
            } => write!(
                f,
                "spike:{}..{}@{}+{}",
                rate(*base),
                rate(*peak),
                text::duration(*at),
                text::duration(*hold)
            ),
            Self::Steps(steps) => {
                f.write_str("steps:")?;
                for (number, step) in steps.iter().enumerate() {
                    let comma = if number == 0 { "" } else { "," };
                    let length = text::duration(step.duration);
                    write!(f, "{comma}{}+{length}", rate(step.rate))?;
                }
                Ok(())
            }
        }
    }
}
