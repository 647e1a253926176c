//! A set of defects.

use std::str::FromStr;

use super::defect::{Defect, UnknownDefect};

/// The defects that are on; empty by default. Parses from a comma-separated list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefectSet(u128);

const _: () = assert!(Defect::ALL.len() <= 128, "the set is 128 bits wide");

impl DefectSet {
    /// No defect.
    pub const NONE: Self = Self(0);

    /// True when the defect is on.
    pub const fn has(self, defect: Defect) -> bool {
        self.0 & (1 << defect as u32) != 0
    }

    /// True when none is on.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are on.
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL
            .iter()
            .copied()
            .filter(move |defect| self.has(*defect))
    }
}

impl FromIterator<Defect> for DefectSet {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Self {
        Self(
            defects
                .into_iter()
                .fold(0, |set, defect| set | 1 << defect as u32),
        )
    }
}

impl From<Defect> for DefectSet {
    fn from(defect: Defect) -> Self {
        std::iter::once(defect).collect()
    }
}

impl FromStr for DefectSet {
    type Err = UnknownDefect;

    fn from_str(list: &str) -> Result<Self, UnknownDefect> {
        list.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        assert!(DefectSet::NONE.is_empty());
        let all: DefectSet = Defect::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Defect::ALL.len());
        let two: DefectSet = "window-ignored, amount-at-least,".parse().unwrap();
        assert!(two.has(Defect::WindowIgnored) && two.has(Defect::AmountAtLeast));
        assert_eq!(two.iter().count(), 2);
        assert!("window-ignored,nonsense".parse::<DefectSet>().is_err());
    }
}
