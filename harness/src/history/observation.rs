//! Small things a history tells besides exchanges and calls.

/// A reading of the origin's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandlerReading {
    /// Exchange after which it was read.
    pub after_exchange: u32,
    /// Runs so far.
    pub count: u64,
}

/// An injected fault that took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<'h> {
    /// Unix microseconds.
    pub at_us: u64,
    /// Call of our facilitator it touched, if one.
    pub call: Option<u64>,
    /// Exchange it touched, if one; with none of the three it touched all that was under way.
    pub exchange: Option<u32>,
    /// Authorization it was aimed at, if one.
    pub authorization: Option<u32>,
    /// Its name.
    pub name: &'h str,
}

/// A moment of rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Position in the history.
    pub seq: u64,
    /// Chain whose ledger was read.
    pub chain_id: u64,
    /// Block up to which it was read.
    pub block: u64,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending<'h> {
    /// True when it was stopped before its end.
    pub interrupted: bool,
    /// Why it could not go on.
    pub trouble: Option<&'h str>,
}
