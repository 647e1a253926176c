//! A correct, strict x402 facilitator for tests: verifies, settles on a chain or in a memory ledger, records every call.
//!
//! Not for production: its keys are public.

pub mod event;
