//! `quote`, `sign`, `mutate` and `reencode`: making payments.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use serde_json::Value;
use x402_assay_protocol::{Version, header, write};

use super::Stage;
use super::encode::reencode;
use super::round::Broken;
use super::state::{OnChain, Paying, Quoted, State};
use crate::chain::chaos::SignedTransfer;
use crate::client::identifier;
use crate::client::{self, Payer, SignOptions, SignedPayment, SignedPermit};
use crate::config::profile::{PRICE_DECIMALS, Route};
use crate::http::Response;
use crate::scenario::Scheme;
use crate::scenario::steps::{Change, Generation, Mutate, Mutated, Reencode, Sign};

/// Reads the offer a response makes.
pub(super) fn offer_of(
    stage: &Stage<'_>,
    response: &Response,
    route: &Route,
    (wanted, scheme): (Option<Generation>, Scheme),
) -> Result<Quoted, String> {
    let version = match scheme {
        Scheme::Upto => Version::V2,
        Scheme::Exact => wanted.map_or(stage.version, Generation::version),
    };
    let read =
        client::read(version, response).map_err(|why| format!("no {version} challenge: {why}"))?;
    let (choice, settler) = match scheme {
        Scheme::Exact => {
            let choice = client::choose(&read.challenge, stage.chain_id);
            (choice.map_err(|why| why.to_string())?, None)
        }
        Scheme::Upto => {
            let (choice, settler) = client::choose_upto(&read.challenge, stage.chain_id)?;
            (choice, Some(settler))
        }
    };
    Ok(Quoted {
        choice,
        settler,
        resource: read.challenge.resource().cloned(),
        extensions: read.challenge.raw.get("extensions").cloned(),
        route: route.clone(),
        version,
    })
}

/// Signs what a `sign` step says and names it.
pub(super) fn sign(stage: &Stage<'_>, state: &mut State, step: &Sign) -> Result<(), Broken> {
    let quoted = state.offers.get(&step.offer);
    let quoted =
        quoted.ok_or_else(|| Broken::Trouble(format!("there is no offer `{}`", step.offer)))?;
    let payer = state.payer(&step.payer);
    let payer =
        payer.ok_or_else(|| Broken::Trouble(format!("there is no payer `{}`", step.payer)))?;
    let payments = (0..step.count)
        .map(|_| sign_one(stage, quoted, payer, step))
        .collect::<Result<Vec<Paying>, Broken>>()?;
    state.payments.push((step.name.clone(), payments));
    Ok(())
}

fn sign_one(
    stage: &Stage<'_>,
    quoted: &Quoted,
    payer: &Arc<Payer>,
    step: &Sign,
) -> Result<Paying, Broken> {
    let clocks = &stage.session.clocks;
    let (now, honest) = clocks.honest(quoted.choice.terms.domain.chain_id);
    let resource = quoted.resource.as_ref();
    if let Some(settler) = quoted.settler {
        let (options, wrong) = options(step, quoted, now, honest)?;
        let choice = (&quoted.choice, settler);
        let mut signed = client::sign_upto(payer, choice, resource, now, &options);
        if let Some(id) = &step.id {
            signed.header_value = with_id(&signed.header_value, quoted, id)?;
        }
        return Ok(record_permit(stage, &signed, wrong, payer, quoted));
    }
    let (mut signed, wrong) = match step.variation() {
        Some(variation) => {
            let signed = client::vary(variation, payer, &quoted.choice, resource, now);
            (
                signed.map_err(|why| Broken::Trouble(why.to_string()))?,
                Some(variation.name),
            )
        }
        None => {
            let (options, wrong) = options(step, quoted, now, honest)?;
            (
                client::sign(payer, &quoted.choice, resource, now, &options),
                wrong,
            )
        }
    };
    if let Some(id) = &step.id {
        signed.header_value = with_id(&signed.header_value, quoted, id)?;
    }
    Ok(record(stage, &signed, wrong, payer, quoted))
}

/// The payment with the challenge's extensions echoed and the identifier put in (wire-format section 14.1).
fn with_id(value: &str, quoted: &Quoted, id: &str) -> Result<String, Broken> {
    let extensions = quoted.extensions.as_ref();
    if identifier::declaration(extensions).is_none() {
        let why = "the challenge does not declare payment-identifier";
        return Err(Broken::Trouble(why.to_owned()));
    }
    identifier::with_id(value, extensions, id).ok_or_else(|| {
        Broken::Trouble("a payment that is no JSON carries no identifier".to_owned())
    })
}

/// An honest payment for a fresh challenge, as a retrying client makes it.
pub(super) fn sign_anew(stage: &Stage<'_>, quoted: &Quoted, payer: &Arc<Payer>) -> Paying {
    let clocks = &stage.session.clocks;
    let (now, honest) = clocks.honest(quoted.choice.terms.domain.chain_id);
    let resource = quoted.resource.as_ref();
    if let Some(settler) = quoted.settler {
        let choice = (&quoted.choice, settler);
        let signed = client::sign_upto(payer, choice, resource, now, &honest);
        return record_permit(stage, &signed, None, payer, quoted);
    }
    let signed = client::sign(payer, &quoted.choice, resource, now, &honest);
    record(stage, &signed, None, payer, quoted)
}

fn record(
    stage: &Stage<'_>,
    signed: &SignedPayment,
    wrong: Option<&str>,
    payer: &Arc<Payer>,
    quoted: &Quoted,
) -> Paying {
    Paying {
        number: stage.session.record_signed(signed, wrong),
        header_name: signed.header_name,
        header_value: signed.header_value.clone(),
        nonce: signed.key.nonce,
        on_chain: Arc::new(OnChain {
            domain: signed.terms.domain.clone(),
            transfer: Some(SignedTransfer::new(
                &signed.authorization,
                &signed.signature,
            )),
        }),
        valid_before_s: signed.authorization.valid_before.saturating_to(),
        payer: Arc::clone(payer),
        route: quoted.route.clone(),
        version: quoted.version,
        scheme: Scheme::Exact,
        offer: quoted.choice.offer.raw.clone(),
    }
}

fn record_permit(
    stage: &Stage<'_>,
    signed: &SignedPermit,
    wrong: Option<&str>,
    payer: &Arc<Payer>,
    quoted: &Quoted,
) -> Paying {
    let price = quoted.route.price.as_ref();
    let price = price.and_then(|price| price.base_units(PRICE_DECIMALS));
    let price = price.and_then(|units| U256::from_str_radix(&units, 10).ok());
    let number = stage.session.next_authorization();
    stage
        .session
        .record_as_signed(signed.record(number, price, wrong));
    Paying {
        number,
        header_name: quoted.version.payment_header(),
        header_value: signed.header_value.clone(),
        nonce: signed.key.nonce,
        on_chain: Arc::new(OnChain {
            domain: signed.terms.domain.clone(),
            transfer: None,
        }),
        valid_before_s: signed.permit.deadline.saturating_to(),
        payer: Arc::clone(payer),
        route: quoted.route.clone(),
        version: quoted.version,
        scheme: Scheme::Upto,
        offer: quoted.choice.offer.raw.clone(),
    }
}

fn options(
    step: &Sign,
    quoted: &Quoted,
    now: u64,
    honest: SignOptions,
) -> Result<(SignOptions, Option<&'static str>), Broken> {
    let mut options = honest;
    let mut wrong = None;
    if let Some(amount) = step.value {
        let price = quoted.choice.terms.amount;
        let value = amount.of(price.saturating_to()).map(U256::from);
        let value = value.ok_or_else(|| Broken::Trouble("the amount is below zero".to_owned()))?;
        wrong = (value != price).then_some("value");
        options.value = Some(value);
    }
    if let Some(ahead) = step.window.valid_for {
        options.valid_before = Some(now + seconds(ahead));
    }
    if let Some(ahead) = step.window.valid_in {
        options.valid_after = Some(now + seconds(ahead));
        wrong = Some("not-yet-valid");
    }
    if let Some(back) = step.window.expired_for {
        options.valid_before = Some(now.saturating_sub(seconds(back)));
        wrong = Some("expired");
    }
    Ok((options, wrong))
}

/// Whole seconds, rounded up: the chain's clock knows no others.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Copies a message with members changed, under a new name.
pub(super) fn mutate(state: &mut State, step: &Mutate) -> Result<(), Broken> {
    match &step.of {
        Mutated::Payment(name) => {
            let changed = state.payment(name).iter().cloned().map(|mut payment| {
                if let Ok(decoded) = header::decode(payment.header_value.as_bytes()) {
                    let mut message = decoded.value;
                    apply(&mut message, &step.changes);
                    payment.header_value = header::encode(&message);
                }
                payment
            });
            let changed = changed.collect();
            state.payments.push((step.name.clone(), changed));
        }
        Mutated::Offer(name) => {
            let quoted = state.offers.get(name).cloned();
            let mut quoted =
                quoted.ok_or_else(|| Broken::Trouble(format!("there is no offer `{name}`")))?;
            apply(&mut quoted.choice.offer.raw, &step.changes);
            state.offers.insert(step.name.clone(), quoted);
        }
    }
    Ok(())
}

fn apply(message: &mut Value, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Set(pointer, value) => write::set(message, pointer, Some(value.clone())),
            Change::Remove(pointer) => write::set(message, pointer, None),
        }
    }
}

/// Writes payments in other bytes, under a new name.
pub(super) fn rewrite(state: &mut State, step: &Reencode) {
    let rewritten = state
        .payment(&step.payment)
        .iter()
        .cloned()
        .map(|mut payment| {
            payment.header_value = reencode(&payment.header_value, step.with);
            payment
        });
    let rewritten = rewritten.collect();
    state.payments.push((step.name.clone(), rewritten));
}
