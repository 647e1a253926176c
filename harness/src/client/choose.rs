//! Choosing the offer to pay (wire-format section 11).

use std::collections::BTreeSet;

use x402_assay_protocol::challenge::NotPayable;
use x402_assay_protocol::{Challenge, Requirement, Terms};

/// The offer that will be paid.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its position in `accepts`.
    pub index: usize,
    /// The offer as it came.
    pub offer: Requirement,
    /// Its terms, typed.
    pub terms: Terms,
}

/// Why no offer can be paid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// The challenge offers nothing.
    #[error("the challenge offers nothing")]
    Nothing,
    /// Every offer has a scheme, network or flow the bench has no payer for.
    #[error("no payer for {}", .0.join(", "))]
    NoPayer(Vec<String>),
    /// An offer of a known kind lacks something, for example `accepts[0]: amount is missing or unusable`.
    #[error("{}", .0.join("; "))]
    Unusable(Vec<String>),
}

/// Chooses the first offer the bench can pay, one with the `authorization` flow if there is one.
///
/// With `chain_id` only offers on that chain count. Offers with an unknown `paymentFlow` are never paid.
///
/// # Errors
/// Names what the bench has no payer for, or what is wrong with the offers it would have paid.
pub fn choose(challenge: &Challenge, chain_id: Option<u64>) -> Result<Choice, NoChoice> {
    let (mut no_payer, mut unusable) = (BTreeSet::new(), Vec::new());
    let mut upfront = None;
    for (index, offer) in challenge.accepts.iter().enumerate() {
        let terms = match offer.terms() {
            Ok(terms) => terms,
            Err(NotPayable::NoPayer(what)) => {
                no_payer.insert(what);
                continue;
            }
            Err(NotPayable::Unusable(why)) => {
                unusable.push(format!("accepts[{index}]: {why}"));
                continue;
            }
        };
        if chain_id.is_some_and(|wanted| wanted != terms.domain.chain_id) {
            no_payer.insert(format!("exact on {} in this run", terms.network));
            continue;
        }
        let flow = offer.payment_flow();
        let choice = Choice {
            index,
            offer: offer.clone(),
            terms,
        };
        match flow {
            "authorization" => return Ok(choice),
            "upfront" => upfront = upfront.or(Some(choice)),
            other => {
                no_payer.insert(format!("payment flow {other}"));
            }
        }
    }
    if let Some(choice) = upfront {
        return Ok(choice);
    }
    Err(if !unusable.is_empty() {
        NoChoice::Unusable(unusable)
    } else if no_payer.is_empty() {
        NoChoice::Nothing
    } else {
        NoChoice::NoPayer(no_payer.into_iter().collect())
    })
}

/// Chooses another offer than an earlier choice: the next one after it that can be paid in the same flow.
pub fn choose_after(
    challenge: &Challenge,
    earlier: &Choice,
    chain_id: Option<u64>,
) -> Option<Choice> {
    let mut rest = challenge.clone();
    let passed = (earlier.index + 1).min(rest.accepts.len());
    rest.accepts.drain(..passed);
    let mut choice = choose(&rest, chain_id).ok()?;
    choice.index += earlier.index + 1;
    (choice.offer.payment_flow() == earlier.offer.payment_flow()).then_some(choice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::offer_v2;
    use serde_json::{Value, json};
    use x402_assay_protocol::Version;
    use x402_assay_protocol::write::set;

    fn choose_from(offers: Vec<Value>, chain_id: Option<u64>) -> Result<usize, String> {
        let challenge = Challenge::read(Version::V2, json!({ "accepts": offers }));
        choose(&challenge, chain_id)
            .map(|choice| choice.index)
            .map_err(|error| error.to_string())
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut offer = offer_v2();
        set(&mut offer, pointer, Some(value));
        offer
    }

    #[test]
    fn the_authorization_flow_is_preferred_and_unknown_flows_are_not_paid() {
        let upfront = with("/extra/paymentFlow", json!("upfront"));
        let escrow = with("/extra/paymentFlow", json!("escrow"));
        assert_eq!(choose_from(vec![upfront.clone(), offer_v2()], None), Ok(1));
        assert_eq!(choose_from(vec![escrow.clone(), upfront], None), Ok(1));
        assert_eq!(
            choose_from(vec![escrow], None),
            Err("no payer for payment flow escrow".to_owned())
        );
    }

    #[test]
    fn foreign_offers_are_passed_over_and_named_when_there_is_nothing_else() {
        let upto = with("/scheme", json!("upto"));
        let solana = with("/network", json!("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"));
        assert_eq!(
            choose_from(vec![solana, upto.clone(), offer_v2()], None),
            Ok(2)
        );
        assert_eq!(
            choose_from(vec![upto], None),
            Err("no payer for upto on eip155:84532".to_owned())
        );
        assert_eq!(
            choose_from(vec![], None),
            Err("the challenge offers nothing".to_owned())
        );
    }

    #[test]
    fn an_unusable_offer_says_what_it_lacks() {
        assert_eq!(
            choose_from(vec![with("/amount", json!("0.01"))], None),
            Err("accepts[0]: amount is missing or unusable".to_owned())
        );
    }

    #[test]
    fn another_offer_is_the_next_one_that_can_be_paid() {
        let upto = with("/scheme", json!("upto"));
        let other = with("/maxTimeoutSeconds", json!(77));
        let offers = json!({ "accepts": [offer_v2(), upto, other] });
        let challenge = Challenge::read(Version::V2, offers);
        let first = choose(&challenge, None).unwrap();
        let second = choose_after(&challenge, &first, None).unwrap();
        assert_eq!((first.index, second.index), (0, 2));
        assert_eq!(second.terms.max_timeout_seconds, 77);
        assert!(choose_after(&challenge, &second, None).is_none());
    }

    #[test]
    fn the_chain_of_the_run_is_kept_to() {
        let base = with("/network", json!("eip155:8453"));
        assert_eq!(
            choose_from(vec![base.clone(), offer_v2()], Some(84532)),
            Ok(1)
        );
        assert_eq!(
            choose_from(vec![base], Some(84532)),
            Err("no payer for exact on eip155:8453 in this run".to_owned())
        );
    }
}
