//! Verification of an `exact` EIP-3009 payment: strict, read-only (wire-format section 5.1).
//!
//! Two halves: what the request and the token's constants decide, and what the ledger's state decides. Settling
//! needs them apart: between the halves it claims the authorization, so that only one caller asks the state.

use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, B256, U256};
use x402_assay_protocol::{TokenDomain, Version};

use crate::ledger::{Ledger, LedgerKind, SignedAuthorization};
use crate::refusal::{Refusal, reason};
use crate::request::Claim;

/// An authorization must live at least this much longer, in seconds (wire-format section 13).
pub(crate) const LIFETIME_MIN_S: u64 = 6;

/// A claim that holds as far as request and token can tell.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The signed authorization.
    pub(crate) payment: SignedAuthorization,
    /// The ledger's clock when the window was checked, unix seconds.
    now: u64,
}

/// Everything that is in scope: the answer to `/verify`.
pub(crate) async fn verify(
    ledger: &dyn Ledger,
    claim: Claim,
    scope: Scope,
) -> Result<Checked, Refusal> {
    let checked = check_claim(ledger, claim, scope).await?;
    if scope.state {
        check_state(ledger, &checked).await?;
    }
    Ok(checked)
}

/// What is looked at: everything, unless the facilitator has a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The time window.
    pub(crate) window: Window,
    /// Whose signature it is.
    pub(crate) signature: bool,
    /// The ledger's state.
    pub(crate) state: bool,
}

impl Scope {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        window: Window::Checked,
        signature: true,
        state: true,
    };
}

/// How the time window is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// `validAfter` and `validBefore` must hold, the latter with a margin.
    Checked,
    /// As `Checked`, with half the margin: time passed since verification said yes.
    Settling,
    /// They must hold now.
    WithoutMargin,
    /// Not at all: they held when the transaction was sent, for one that is already on its way.
    Ignored,
}

/// The half that does not change with the ledger's state.
pub(crate) async fn check_claim(
    ledger: &dyn Ledger,
    claim: Claim,
    scope: Scope,
) -> Result<Checked, Refusal> {
    let asset = claim.payment.asset;
    let (now, has_code, separator) = futures_util::try_join!(
        ledger.now(),
        ledger.code_exists(asset),
        ledger.domain_separator(asset)
    )?;
    if !has_code {
        let message = format!("asset {asset} has no code on eip155:{}", ledger.chain_id());
        return Err(Refusal::new(reason::ASSET, message));
    }
    let separator = check_domain(ledger, &claim, separator).await?;
    check_terms(&claim)?;
    match scope.window {
        Window::Checked => check_window(&claim.payment, now, LIFETIME_MIN_S)?,
        Window::Settling => check_window(&claim.payment, now, LIFETIME_MIN_S / 2)?,
        Window::WithoutMargin => check_window(&claim.payment, now, 1)?,
        Window::Ignored => {}
    }
    if scope.signature {
        check_signature(ledger, &claim.payment, &separator).await?;
    }
    Ok(Checked {
        payment: claim.payment,
        now,
    })
}

/// The half that the next block may change.
pub(crate) async fn check_state(ledger: &dyn Ledger, checked: &Checked) -> Result<(), Refusal> {
    let payment = &checked.payment;
    let authorization = &payment.authorization;
    let at = checked.first_valid_block();
    let state = async {
        futures_util::try_join!(
            ledger.authorization_used(payment.asset, authorization.from, authorization.nonce),
            ledger.balance(payment.asset, authorization.from)
        )
    };
    let (state, simulated) = futures_util::join!(state, ledger.simulate(payment, at));
    let (used, balance) = state?;
    if used {
        let message = format!(
            "nonce {} of {} is used",
            authorization.nonce, authorization.from
        );
        return Err(Refusal::new(reason::NONCE_USED, message));
    }
    if balance < authorization.value {
        let message = format!(
            "{} holds {balance} and signed {}",
            authorization.from, authorization.value
        );
        return Err(Refusal::new(reason::BALANCE, message));
    }
    simulated
}

impl Checked {
    /// Time of the first block that can carry the payment: the token wants it strictly after `validAfter`,
    /// so an authorization that begins this very second begins in the next one.
    pub(crate) fn first_valid_block(&self) -> u64 {
        let begins = self
            .payment
            .authorization
            .valid_after
            .saturating_to::<u64>();
        self.now.max(begins.saturating_add(1))
    }

    /// Takes another time for the ledger's clock.
    pub(crate) fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }

    /// The ledger's clock when the window was checked, unix seconds.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    /// True when no block of the second that was checked can carry the payment.
    pub(crate) fn begins_later(&self) -> bool {
        self.first_valid_block() > self.now
    }
}

/// The separator of a claimed domain. Request after request is about the same token, so the last one is kept.
fn separator_of(domain: &TokenDomain) -> B256 {
    static LAST: Mutex<Option<(TokenDomain, B256)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((known, separator)) if known == domain => *separator,
        _ => last.insert((domain.clone(), domain.separator())).1,
    }
}

/// Name and version of the requirements must be the token's own, or the signature can never be right.
async fn check_domain(
    ledger: &dyn Ledger,
    claim: &Claim,
    separator: Option<B256>,
) -> Result<B256, Refusal> {
    let asset = claim.payment.asset;
    let Some(separator) = separator else {
        let message = format!("asset {asset} has no EIP-712 domain separator");
        return Err(Refusal::new(reason::NO_EIP3009, message));
    };
    if separator_of(&claim.domain) == separator {
        return Ok(separator);
    }
    let (name, version) = ledger.name_and_version(asset).await?.unwrap_or_default();
    if name == claim.domain.name && version != claim.domain.version {
        let asked = &claim.domain.version;
        let message = format!("extra.version is {asked:?} and the token's {version:?}");
        return Err(Refusal::new(reason::TOKEN_VERSION, message));
    }
    let asked = &claim.domain.name;
    let message = format!("extra.name is {asked:?} and the token's {name:?}");
    Err(Refusal::new(reason::TOKEN_NAME, message))
}

/// Recipient and amount: exactly what the requirements say, in both versions.
fn check_terms(claim: &Claim) -> Result<(), Refusal> {
    let authorization = &claim.payment.authorization;
    if authorization.to != claim.pay_to {
        let message = format!(
            "the authorization pays {} and payTo is {}",
            authorization.to, claim.pay_to
        );
        return Err(Refusal::new(reason::RECIPIENT, message));
    }
    if authorization.value != claim.amount {
        let code = match claim.version {
            Version::V1 => reason::VALUE_V1,
            Version::V2 => reason::VALUE_V2,
        };
        let message = format!(
            "the authorization moves {} and {} is asked",
            authorization.value, claim.amount
        );
        return Err(Refusal::new(code, message));
    }
    Ok(())
}

fn check_window(
    payment: &SignedAuthorization,
    now: u64,
    lifetime_min_s: u64,
) -> Result<(), Refusal> {
    let authorization = &payment.authorization;
    if authorization.valid_before < U256::from(now.saturating_add(lifetime_min_s)) {
        let message = format!(
            "validBefore is {}: at {now} it must lie at least {lifetime_min_s} s ahead",
            authorization.valid_before
        );
        return Err(Refusal::new(reason::VALID_BEFORE, message));
    }
    if authorization.valid_after > U256::from(now) {
        let message = format!(
            "validAfter is {}: at {now} it lies ahead",
            authorization.valid_after
        );
        return Err(Refusal::new(reason::VALID_AFTER, message));
    }
    Ok(())
}

/// A plain account's signature must recover to it. An account with code decides itself: the simulation asks it.
async fn check_signature(
    ledger: &dyn Ledger,
    payment: &SignedAuthorization,
    separator: &B256,
) -> Result<(), Refusal> {
    let from = payment.authorization.from;
    let signer = payment.signer(separator);
    if signer == Some(from) {
        return Ok(());
    }
    if ledger.kind() == LedgerKind::Evm && ledger.code_exists(from).await? {
        return Ok(());
    }
    Err(Refusal::new(
        reason::SIGNATURE,
        signature_message(payment, signer, from),
    ))
}

fn signature_message(
    payment: &SignedAuthorization,
    signer: Option<Address>,
    from: Address,
) -> String {
    match signer {
        Some(signer) => format!("the signature is {signer}'s, not {from}'s"),
        None if payment.signature.len() != 65 => {
            let length = payment.signature.len();
            format!("the signature has {length} bytes; a plain account's has 65")
        }
        None => format!(
            "the signature is nobody's (v must be 27 or 28, s in the lower half); {from} did not sign this"
        ),
    }
}
