//! What is sent, in shares.

use std::fmt;

use super::text::decimal;
use super::words::{Wrong, shown};

/// Shares are kept in hundredths of a percent, so that they add up exactly.
const WHOLE: u32 = 10_000;

/// One thing an arrival can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Asks, pays once, takes the content.
    Buy,
    /// Pays, and sends the same payment a second time at the same moment.
    Duplicate,
    /// Pays, and sends the same payment again when the answer has come.
    RetrySame,
    /// Pays, drops the answer, and pays again with a fresh payment.
    RetryFresh,
    /// Asks for terms and goes away.
    Abandon,
    /// Pays with a header that cannot be read.
    Malformed,
    /// Pays with an authorization whose time is over.
    Expired,
}

impl Part {
    /// Every part, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Buy,
        Self::Duplicate,
        Self::RetrySame,
        Self::RetryFresh,
        Self::Abandon,
        Self::Malformed,
        Self::Expired,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Duplicate => "duplicate",
            Self::RetrySame => "retry-same",
            Self::RetryFresh => "retry-fresh",
            Self::Abandon => "abandon",
            Self::Malformed => "malformed",
            Self::Expired => "expired",
        }
    }

    /// Reads its word.
    ///
    /// # Errors
    /// Names the words there are.
    pub fn parse(word: &str) -> Result<Self, Wrong> {
        let words = Self::ALL.map(Self::word);
        let found = Self::ALL.into_iter().find(|part| part.word() == word);
        found.ok_or_else(|| {
            let cause = format!("`{}` is no part of a mix", shown(word));
            let all = format!("the parts are {}", words.join(", "));
            Wrong::unknown(cause, word, &words, all)
        })
    }
}

/// Named shares that make up 100 %. In hundredths of a percent, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares<P>(Vec<(P, u32)>);

/// Shares of what arrivals are.
pub type Mix = Shares<Part>;

impl<P: Copy + PartialEq> Shares<P> {
    /// All of it one thing.
    pub fn only(part: P) -> Self {
        Self(vec![(part, WHOLE)])
    }

    /// Shares in hundredths of a percent; `name` says what a part is called.
    ///
    /// # Errors
    /// When a part is named twice, a share is zero, or the sum is not 100 %.
    pub fn new(parts: Vec<(P, u32)>, name: impl Fn(P) -> String) -> Result<Self, Wrong> {
        const FIX: &str = "shares are percents that add up to 100";
        for (number, (part, share)) in parts.iter().enumerate() {
            if *share == 0 {
                let cause = format!("the share of `{}` is zero", name(*part));
                return Err(Wrong::new(cause, "leave it out"));
            }
            if parts[..number].iter().any(|(other, _)| other == part) {
                let cause = format!("`{}` is named twice", name(*part));
                return Err(Wrong::new(cause, FIX));
            }
        }
        let sum = parts
            .iter()
            .map(|(_, share)| u64::from(*share))
            .sum::<u64>();
        if sum != u64::from(WHOLE) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "at most a few shares of 10,000 each"
            )]
            let percent = sum as f64 / 100.0;
            return Err(Wrong::new(format!("the shares add up to {percent} %"), FIX));
        }
        Ok(Self(parts))
    }

    /// Every part with its share in percent.
    pub fn percents(&self) -> impl Iterator<Item = (P, f64)> + '_ {
        let percent = |share: u32| f64::from(share) / 100.0;
        self.0
            .iter()
            .map(move |(part, share)| (*part, percent(*share)))
    }

    /// The share of a part, in percent.
    pub fn percent(&self, part: P) -> f64 {
        let found = self.percents().find(|(one, _)| *one == part);
        found.map_or(0.0, |(_, percent)| percent)
    }

    /// The part a draw from `0..10_000` falls on.
    ///
    /// # Panics
    /// Never: the shares make up the whole, and larger draws fall on the last part.
    pub fn pick(&self, draw: u32) -> P {
        let mut left = draw;
        for (part, share) in &self.0 {
            match left.checked_sub(*share) {
                Some(rest) => left = rest,
                None => return *part,
            }
        }
        self.0.last().expect("shares make up 100 %").0
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self::only(Part::Buy)
    }
}

impl Mix {
    /// Reads `buy=90,duplicate=10`; a `%` behind a number is allowed.
    ///
    /// # Errors
    /// Says which part is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut parts = Vec::new();
        for share in text.split(',') {
            let Some((word, percent)) = share.split_once('=') else {
                return Err(Wrong::new(
                    format!("`{}` is not a part and its share", shown(share)),
                    "write `buy=90,duplicate=10`",
                ));
            };
            parts.push((Part::parse(word.trim())?, hundredths(percent.trim())?));
        }
        Self::new(parts, |part| part.word().to_owned())
    }

    /// True when every authorization is meant to buy once, and nothing is repeated or refused on purpose.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads a percentage of at most two decimals, with or without its sign, into hundredths.
///
/// # Errors
/// When it is no number from 0 to 100, or has more decimals.
pub fn hundredths(text: &str) -> Result<u32, Wrong> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let wrong = || {
        Wrong::new(
            format!("`{}` is not a percentage from 0 to 100", shown(text)),
            "write a number such as `10` or `2.5`, with at most two decimals",
        )
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    decimal(number)
        .filter(|percent| *percent <= 100.0 && fraction.len() <= 2)
        .ok_or_else(wrong)?;
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let fraction: u32 = format!("{fraction:0<2}").parse().map_err(|_| wrong())?;
    Ok(whole * 100 + fraction)
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (part, percent)) in self.percents().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}={percent}", part.word())?;
        }
        Ok(())
    }
}
