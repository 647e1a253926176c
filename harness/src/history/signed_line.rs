//! How a signed authorization stands in a line of the history: the offer once, and what was signed instead of it only
//! where the two differ.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::AuthorizationKey;

use super::event::{Offered, Signed, SignedUpto};

/// The line's form of [`Signed`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignedLine {
    number: u32,
    version: Version,
    from: Address,
    nonce: B256,
    asset: Address,
    chain_id: u64,
    to: Address,
    value: U256,
    /// Unix seconds: `validAfter` and `validBefore`.
    valid: (u64, u64),
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead: Option<Box<Instead>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upto: Option<SignedUpto>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
}

/// Terms that were signed in place of the offered ones.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Instead {
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<U256>,
}

impl From<Signed> for SignedLine {
    fn from(signed: Signed) -> Self {
        let (key, offered) = (signed.key, signed.offered);
        let instead = Instead {
            asset: (key.asset != offered.asset).then_some(key.asset),
            chain_id: (key.chain_id != offered.chain_id).then_some(key.chain_id),
            to: (signed.to != offered.pay_to).then_some(signed.to),
            value: (signed.value != offered.amount).then_some(signed.value),
        };
        Self {
            number: signed.authorization,
            version: signed.version,
            from: key.payer,
            nonce: key.nonce,
            asset: offered.asset,
            chain_id: offered.chain_id,
            to: offered.pay_to,
            value: offered.amount,
            valid: (signed.valid_after, signed.valid_before),
            instead: (instead != Instead::default()).then(|| Box::new(instead)),
            upto: signed.upto,
            wrong: signed.wrong,
        }
    }
}

impl From<SignedLine> for Signed {
    fn from(line: SignedLine) -> Self {
        let instead = line.instead.map(|instead| *instead).unwrap_or_default();
        Self {
            authorization: line.number,
            version: line.version,
            key: AuthorizationKey {
                payer: line.from,
                nonce: line.nonce,
                asset: instead.asset.unwrap_or(line.asset),
                chain_id: instead.chain_id.unwrap_or(line.chain_id),
            },
            to: instead.to.unwrap_or(line.to),
            value: instead.value.unwrap_or(line.value),
            valid_after: line.valid.0,
            valid_before: line.valid.1,
            offered: Offered {
                asset: line.asset,
                chain_id: line.chain_id,
                pay_to: line.to,
                amount: line.value,
            },
            upto: line.upto,
            wrong: line.wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::event::{Event, What};

    fn honest() -> Signed {
        let asset = Address::repeat_byte(1);
        let (pay_to, amount) = (Address::repeat_byte(2), U256::from(1_000_000_000_u64));
        Signed {
            authorization: 1_999_999,
            version: Version::V2,
            key: AuthorizationKey {
                payer: Address::repeat_byte(3),
                nonce: B256::repeat_byte(4),
                asset,
                chain_id: 11_155_111,
            },
            to: pay_to,
            value: amount,
            valid_after: 1_770_000_000,
            valid_before: 1_770_000_660,
            offered: Offered {
                asset,
                chain_id: 11_155_111,
                pay_to,
                amount,
            },
            upto: None,
            wrong: None,
        }
    }

    fn line(signed: &Signed) -> String {
        let event = Event {
            seq: 1_999_999,
            at_us: 1_770_000_000_000_000,
            what: What::Signed(Box::new(signed.clone())),
        };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        line
    }

    #[test]
    fn an_honest_payment_fits_into_a_small_line() {
        let line = line(&honest());
        assert!(line.len() < 400, "{}: {line}", line.len());
        assert!(!line.contains("instead"), "{line}");
    }

    #[test]
    fn a_ceiling_is_told_from_an_amount() {
        for price in [None, Some(U256::from(4_000))] {
            let mut signed = honest();
            signed.upto = Some(SignedUpto { price });
            assert!(line(&signed).contains("upto"));
        }
        assert!(!line(&honest()).contains("upto"));
    }

    #[test]
    fn each_term_that_differs_from_the_offer_is_kept() {
        let changes: [fn(&mut Signed); 4] = [
            |signed| signed.key.asset = Address::ZERO,
            |signed| signed.key.chain_id = 1,
            |signed| signed.to = Address::ZERO,
            |signed| signed.value = U256::ZERO,
        ];
        for change in changes {
            let mut signed = honest();
            signed.wrong = Some("on-purpose".to_owned());
            change(&mut signed);
            let line = line(&signed);
            assert!(line.contains("instead"), "{line}");
        }
    }
}
