//! Which calls a fault or hold is for.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::{Nth, Payers};
use crate::event::{AuthorizationKey, Endpoint};

/// Which calls: every condition given must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// `verify`, `settle` or `supported`; all three when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Which of the calls that meet `endpoint`, `payer` and `authorization`, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<Nth>,
    /// Payers whose calls are meant; so that runs beside each other do not disturb each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payers>,
    /// Nonce of the one authorization that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<B256>,
    /// How often a call that meets everything else is hit, 0 to 1; always when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl Match {
    /// True when the call meets what does not depend on counting or chance.
    pub(crate) fn meets(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> bool {
        let payer = key.map(|key| key.payer);
        let nonce = key.map(|key| key.nonce);
        endpoint != Endpoint::Other
            && self.endpoint.is_none_or(|wanted| wanted == endpoint)
            && self
                .payer
                .as_ref()
                .is_none_or(|w| payer.is_some_and(|p| w.0.contains(&p)))
            && self
                .authorization
                .is_none_or(|wanted| nonce == Some(wanted))
    }

    /// True when the rule can match calls of this endpoint.
    pub(crate) fn covers(&self, endpoint: Endpoint) -> bool {
        self.endpoint.is_none_or(|wanted| wanted == endpoint)
    }

    /// What is wrong with the rule.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.endpoint == Some(Endpoint::Other) {
            return Err("match.endpoint must be verify, settle or supported".to_owned());
        }
        if self.nth.as_ref().is_some_and(Nth::matches_nothing) {
            return Err("match.nth matches nothing: positions count from 1".to_owned());
        }
        if self
            .payer
            .as_ref()
            .is_some_and(|payers| payers.0.is_empty())
        {
            return Err("match.payer is an empty list: it would match nothing".to_owned());
        }
        match self.probability {
            Some(p) if !(0.0..=1.0).contains(&p) => Err(format!(
                "match.probability is {p}: it must lie between 0 and 1"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use serde_json::json;

    #[test]
    fn a_rule_is_met_only_when_all_of_it_is() {
        let key = AuthorizationKey {
            payer: Address::repeat_byte(1),
            nonce: B256::repeat_byte(2),
            asset: Address::ZERO,
            chain_id: 1,
        };
        let all = Match::default();
        assert!(all.meets(Endpoint::Verify, Some(&key)) && all.meets(Endpoint::Supported, None));
        assert!(!all.meets(Endpoint::Other, None));
        let settle = Match {
            endpoint: Some(Endpoint::Settle),
            ..Match::default()
        };
        assert!(settle.meets(Endpoint::Settle, None) && !settle.meets(Endpoint::Verify, None));
        let payer = Match {
            payer: Some(key.payer.into()),
            ..Match::default()
        };
        assert!(payer.meets(Endpoint::Verify, Some(&key)));
        let other = AuthorizationKey {
            payer: Address::repeat_byte(9),
            ..key
        };
        assert!(!payer.meets(Endpoint::Verify, Some(&other)));
        assert!(
            !payer.meets(Endpoint::Verify, None),
            "unknown payers are nobody's"
        );
        let nonce = Match {
            authorization: Some(key.nonce),
            ..Match::default()
        };
        let other = AuthorizationKey {
            nonce: B256::ZERO,
            ..key
        };
        assert!(nonce.meets(Endpoint::Verify, Some(&key)));
        assert!(!nonce.meets(Endpoint::Verify, Some(&other)));
    }

    #[test]
    fn impossible_rules_are_named() {
        let rule = |value| serde_json::from_value::<Match>(value).unwrap().validate();
        assert!(
            rule(json!({ "endpoint": "other" }))
                .unwrap_err()
                .contains("match.endpoint")
        );
        for wrong in [json!(1.5), json!(-0.1)] {
            let error = rule(json!({ "probability": wrong })).unwrap_err();
            assert!(error.contains("match.probability"), "{error}");
        }
        assert_eq!(
            rule(json!({ "probability": 0.5, "endpoint": "settle" })),
            Ok(())
        );
        for nth in [Nth::only(0), Nth::range(3, 2)] {
            assert!(
                Match {
                    nth: Some(nth),
                    ..Match::default()
                }
                .validate()
                .is_err()
            );
        }
        let nobody = Match {
            payer: Some(Payers(Vec::new())),
            ..Match::default()
        };
        assert!(nobody.validate().unwrap_err().contains("match.payer"));
    }
}
