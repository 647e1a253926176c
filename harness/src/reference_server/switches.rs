//! Named switches: an enum with names and descriptions, and a set of them.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::config::did_you_mean;

/// A name that is no switch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {noun} `{name}`{hint}")]
pub struct UnknownSwitch {
    noun: &'static str,
    name: String,
    hint: String,
}

impl UnknownSwitch {
    pub(super) fn new(noun: &'static str, name: &str, known: &[&'static str]) -> Self {
        Self {
            noun,
            name: name.to_owned(),
            hint: did_you_mean(name, known.iter().copied()),
        }
    }
}

/// A set of switches; empty by default. Parses from a comma-separated list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches<T>(BTreeSet<T>);

impl<T> Default for Switches<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord + Copy> Switches<T> {
    /// True when the switch is on.
    pub fn has(&self, switch: T) -> bool {
        self.0.contains(&switch)
    }

    /// True when none is on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are on.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter().copied()
    }
}

impl<T: Ord> FromIterator<T> for Switches<T> {
    fn from_iter<I: IntoIterator<Item = T>>(switches: I) -> Self {
        Self(switches.into_iter().collect())
    }
}

impl<T: Ord + FromStr<Err = UnknownSwitch>> FromStr for Switches<T> {
    type Err = UnknownSwitch;

    fn from_str(list: &str) -> Result<Self, UnknownSwitch> {
        list.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect()
    }
}

macro_rules! switches {
    (
        $(#[$meta:meta])*
        $name:ident, $noun:literal;
        $($switch:ident = $text:literal: $about:literal;)*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $about] $switch,)*
        }

        impl $name {
            /// Every switch, in order.
            pub const ALL: &'static [Self] = &[$(Self::$switch,)*];
            const NAMES: &'static [&'static str] = &[$($text,)*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$switch => $text,)* }
            }

            /// What it does, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$switch => $about,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::reference_server::UnknownSwitch;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|switch| switch.name() == name)
                    .ok_or_else(|| Self::Err::new($noun, name, Self::NAMES))
            }
        }
    };
}

pub(super) use switches;
