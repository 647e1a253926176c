//! Whether a hold can ever see as many calls in flight as it waits for.

use crate::config::yaml::{Position, Problems};

/// Holds and sends of a case, in order.
#[derive(Debug, Default)]
pub(super) struct Flight {
    holds: Vec<Held>,
    /// Calls still in flight from sends that went to the background.
    background: u64,
}

/// One `hold` and what was sent while it was in place.
#[derive(Debug)]
struct Held {
    position: Position,
    /// How many calls it waits for; `None` when a `release` ends it.
    wants: Option<u32>,
    released: bool,
    open: bool,
    foreground: u64,
    background: u64,
    sends: usize,
}

impl Flight {
    /// A hold begins.
    pub(super) fn hold(&mut self, position: Position, wants: Option<u32>) {
        self.holds.push(Held {
            position,
            wants,
            released: false,
            open: true,
            foreground: 0,
            background: self.background,
            sends: 0,
        });
    }

    /// So many requests are in flight at once.
    pub(super) fn send(&mut self, in_flight: u32, background: bool) {
        let count = u64::from(in_flight);
        if background {
            self.background += count;
        }
        for hold in self.holds.iter_mut().filter(|hold| hold.open) {
            hold.sends += 1;
            if background {
                hold.background += count;
            } else {
                hold.foreground = hold.foreground.max(count);
            }
        }
    }

    /// What was sent to the background is answered.
    pub(super) fn settle_down(&mut self) {
        self.background = 0;
    }

    /// A `release` step; false when nothing waits for it.
    pub(super) fn release(&mut self) -> bool {
        let mut any = false;
        for hold in self
            .holds
            .iter_mut()
            .filter(|hold| hold.open && hold.wants.is_none())
        {
            hold.released = true;
            hold.open = false;
            any = true;
        }
        any
    }

    /// Holds end with the faults.
    pub(super) fn clear(&mut self) {
        for hold in &mut self.holds {
            hold.open = false;
            hold.released = true;
        }
    }

    /// Reports holds that can never do what they are there for.
    pub(super) fn report(&self, problems: &Problems) {
        for hold in &self.holds {
            let most = hold.foreground + hold.background;
            let message = match hold.wants {
                _ if hold.sends == 0 && hold.background == 0 => {
                    "nothing is sent while this hold is in place; put it before a `send`".to_owned()
                }
                Some(wants) if u64::from(wants) > most => format!(
                    "this hold waits for {wants} calls in flight, but at most {most} are sent at once while it is in place"
                ),
                None if !hold.released => {
                    "this hold waits to be told, but no `release` follows".to_owned()
                }
                _ => continue,
            };
            problems.at(hold.position, message);
        }
    }
}
