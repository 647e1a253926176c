//! The control of a path that is written in another way: the same form of a path that nobody declared.
//!
//! What an app gives on any path it gives on this form too, and that is no bypass (decision 15). The control is the
//! exchange whose probe is that of the form with `/sibling` behind it.

use std::collections::BTreeSet;

use super::delivery::{Contents, Delivery};
use crate::history::Exchange;
use crate::history::case_ran::SIBLING;

/// The probe whose control an exchange is, if it is one.
pub fn control_of<'h>(exchange: &Exchange<'h>) -> Option<&'h str> {
    let sent = &exchange.sent.probe;
    sent.strip_suffix(SIBLING)?.strip_suffix('/')
}

/// Probes that show nothing, for their control was given the paid body too.
#[derive(Debug, Clone, Default)]
pub struct Blind<'h>(BTreeSet<&'h str>);

impl<'h> Blind<'h> {
    /// Reads the controls among these exchanges.
    pub fn among<'e>(
        exchanges: impl IntoIterator<Item = &'e Exchange<'h>>,
        contents: &Contents<'h>,
    ) -> Self
    where
        'h: 'e,
    {
        let controls = exchanges.into_iter().filter_map(|exchange| {
            let of = control_of(exchange)?;
            (contents.delivery(exchange) == Delivery::Content).then_some(of)
        });
        Self(controls.collect())
    }

    /// True when anybody is given the paid body in the form of this request, whatever path is asked for.
    pub fn covers(&self, exchange: &Exchange<'_>) -> bool {
        self.0.contains(exchange.sent.probe.as_str())
    }

    /// The probes.
    pub fn probes(&self) -> impl Iterator<Item = &'h str> {
        self.0.iter().copied()
    }
}
