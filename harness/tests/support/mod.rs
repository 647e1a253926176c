//! What several test programs share.

pub(crate) mod chain;
pub(crate) mod requirements;
