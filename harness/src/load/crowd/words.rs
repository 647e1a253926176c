//! Journeys in words, as `--journey` takes them.

use std::fmt;

use crate::load::mix::{Shares, hundredths};
use crate::load::users::Journey;
use crate::load::words::{Wrong, shown};

/// Shares of journeys.
pub type Journeys = Shares<Journey>;

impl Journey {
    /// Reads its word.
    ///
    /// # Errors
    /// Names the words there are.
    pub fn parse(word: &str) -> Result<Self, Wrong> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == word);
        found.map(|(_, journey)| journey).ok_or_else(|| {
            let words = Self::ALL.map(|(word, _)| word);
            let cause = format!("`{}` is no journey", shown(word));
            let all = format!("the journeys are {}", words.join(", "));
            Wrong::unknown(cause, word, &words, all)
        })
    }
}

impl Journeys {
    /// Reads `pay=70,abandon=10,quote=20`; a `%` behind a number is allowed.
    ///
    /// # Errors
    /// Says which share is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut parts = Vec::new();
        for share in text.split(',') {
            let Some((word, percent)) = share.split_once('=') else {
                return Err(Wrong::new(
                    format!("`{}` is not a journey and its share", shown(share)),
                    "write `pay=70,abandon=10,quote=20`",
                ));
            };
            parts.push((Journey::parse(word.trim())?, hundredths(percent.trim())?));
        }
        Self::new(parts, |journey| journey.word().to_owned())
    }
}

impl fmt::Display for Journeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (journey, percent)) in self.percents().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}={percent}", journey.word())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journeys_are_read_as_they_are_written() {
        for text in [
            "pay=100",
            "browse=20,quote=10.5,pay=49.5,retry=10,abandon=10",
        ] {
            assert_eq!(Journeys::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Journeys::parse("pay=70%, quote=30%").unwrap().to_string(),
            "pay=70,quote=30"
        );
    }

    #[test]
    fn wrong_journeys_say_what_to_write() {
        let told = |text: &str| Journeys::parse(text).unwrap_err().to_string();
        assert_eq!(
            told("pya=100"),
            "`pya` is no journey; did you mean `pay`? the journeys are browse, quote, pay, retry, abandon"
        );
        assert!(told("pay").contains("is not a journey and its share"));
        assert!(told("pay=60").contains("60 %"));
        assert!(told("pay=50,pay=50").contains("named twice"));
    }
}
