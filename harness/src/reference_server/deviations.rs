//! Defects and variants of one reference server, as a list of names.

use std::str::FromStr;

use super::defects::{Defect, DefectSet};
use super::switches::UnknownSwitch;
use super::variants::{Variant, VariantSet};

/// How a reference server differs from the plain, correct one. Parses from a comma-separated list of names of defects
/// and of variants; no name is both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deviations {
    /// What is wrong with it.
    pub defects: DefectSet,
    /// What is unusual about it and right.
    pub variants: VariantSet,
}

impl FromStr for Deviations {
    type Err = UnknownSwitch;

    fn from_str(list: &str) -> Result<Self, UnknownSwitch> {
        let names = list.split(',').map(str::trim);
        let (mut defects, mut variants) = (Vec::new(), Vec::new());
        for name in names.filter(|name| !name.is_empty()) {
            match name.parse::<Variant>() {
                Ok(variant) => variants.push(variant),
                Err(_) => defects.push(name.parse::<Defect>()?),
            }
        }
        Ok(Self {
            defects: defects.into_iter().collect(),
            variants: variants.into_iter().collect(),
        })
    }
}
