//! Payments with a payment identifier, where the challenge declares the extension (wire-format section 14.1): what buys,
//! what repeats it, what forges it, and identifiers that are none.

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use x402_assay_protocol::{Signature, Version, header, write};

use super::purchase::Quote;
use super::{Battery, Section};
use crate::client::{VARIATIONS, identifier, vary};
use crate::config::profile::Route;
use crate::runner::session::{PaymentHeader, SendError};

/// Copies of one payment that are sent at the same time.
const COPIES: usize = 10;
/// Payments signed anew for one identifier that are sent at the same time.
const SIGNED_ANEW: usize = 3;

/// Identifiers that are none: too short, too long, and of other characters.
const NO_IDENTIFIERS: &[(&str, &str)] = &[
    ("id/short", "pay_0123456789a"),
    (
        "id/long",
        concat!(
            "pay_0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-"
        ),
    ),
    ("id/space", "pay_0123456789 a b c"),
    ("id/unicode", "pay_0123456789äöü_ß€"),
];

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V1 => 0,
        // A quote where nothing is declared; all of it is said in the plan where it is.
        Version::V2 => 1 + 2 * NO_IDENTIFIERS.len() + COPIES + 2 * SIGNED_ANEW + 16,
    },
    run: |battery| identifiers(battery).boxed(),
};

async fn identifiers(battery: &Battery<'_>) -> Result<(), SendError> {
    if battery.version != Version::V2 {
        return Ok(());
    }
    let Some(quote) = battery.quote(&battery.probe("id")).await? else {
        return Ok(());
    };
    if identifier::declaration(quote.extensions()).is_none() {
        return Ok(());
    }
    battery.repeats().await?;
    battery.other_body().await?;
    for (probe, id) in NO_IDENTIFIERS {
        battery.pay_with_id(probe, id).await?;
    }
    battery.odd_echoes().await?;
    battery.at_once().await?;
    battery.after_failure().await
}

impl Battery<'_> {
    /// A purchase, its repeat, and what only looks like it.
    async fn repeats(&self) -> Result<(), SendError> {
        let id = identifier::fresh_id();
        let Some((quote, bought)) = self.pay_with_id("id/good", &id).await? else {
            return Ok(());
        };
        self.send_copy("id/repeat", self.route, &bought).await?;
        let forged_signature = changed(&bought, |message| {
            let signature = message
                .pointer("/payload/signature")
                .and_then(Value::as_str);
            let signature = signature.and_then(Signature::from_hex);
            let flipped = signature.map(|good| json!(good.with_flipped_byte().to_hex()));
            write::set(message, "/payload/signature", flipped);
        });
        self.send_copy("id/forged-signature", self.route, &forged_signature)
            .await?;
        let other_terms = changed(&bought, |message| {
            let doubled = quote
                .choice
                .terms
                .amount
                .saturating_mul(alloy_primitives::U256::from(2));
            write::set(
                message,
                "/accepted/amount",
                Some(json!(doubled.to_string())),
            );
        });
        self.send_copy("id/forged-terms", self.route, &other_terms)
            .await?;
        self.forged_payer(&id).await?;
        let others = &self.session.profile.routes;
        if let Some(other) = others.iter().find(|route| route.path != self.route.path) {
            self.send_copy("id/other-route", other, &bought).await?;
        }
        self.pay_with_id("id/other-payment", &id).await?;
        Ok(())
    }

    /// Another payer's payment with a broken signature and a known identifier.
    async fn forged_payer(&self, id: &str) -> Result<(), SendError> {
        let probe = self.probe("id/forged-payer");
        let flipped = VARIATIONS
            .iter()
            .find(|row| row.name == super::wrong::MUTATION);
        let (Some(variation), Some(quote)) = (flipped, self.quote(&probe).await?) else {
            return Ok(());
        };
        let now = self.session.clocks.now_s(quote.chain_id());
        let resource = quote.resource.as_ref();
        match vary(variation, self.payer(1), &quote.choice, resource, now) {
            Ok(payment) => {
                let number = self.session.record_signed(&payment, Some(variation.name));
                let header = PaymentHeader::of(&payment, number);
                let header = with_id(header, &quote, id);
                self.session.send(&probe, self.route, Some(&header)).await?;
            }
            Err(why) => self.session.note(Some(&probe), why.to_string()),
        }
        Ok(())
    }

    /// A purchase with a body, and the same payment with another body.
    async fn other_body(&self) -> Result<(), SendError> {
        let routes = &self.session.profile.routes;
        let Some((route, other)) = routes.iter().find_map(|route| {
            let mut body: Value = serde_json::from_slice(route.body.as_deref()?).ok()?;
            body.as_object_mut()?
                .insert("x402AssayOther".to_owned(), json!(1));
            let other = Route {
                body: Some(body.to_string().into_bytes()),
                ..route.clone()
            };
            Some((route, other))
        }) else {
            return Ok(());
        };
        let there = Battery { route, ..*self };
        let id = identifier::fresh_id();
        if let Some((_, bought)) = there.pay_with_id("id/body", &id).await? {
            self.send_copy("id/other-body", &other, &bought).await?;
        }
        Ok(())
    }

    /// An echo that says something else about `required`, and a payment without the extension where it is required.
    async fn odd_echoes(&self) -> Result<(), SendError> {
        let probe = self.probe("id/required-changed");
        if let Some(quote) = self.quote(&probe).await? {
            let required = identifier::requires_id(quote.extensions());
            let header = self.signed_with_id(&quote, &identifier::fresh_id());
            let header = changed(&header, |message| {
                let pointer = "/extensions/payment-identifier/info/required";
                write::set(message, pointer, Some(json!(!required)));
            });
            self.session.send(&probe, self.route, Some(&header)).await?;
            if required {
                let absent = self.probe("id/absent");
                if let Some(quote) = self.quote(&absent).await? {
                    let header = changed(&self.pay_for(&quote), |message| {
                        write::set(message, "/extensions", None);
                    });
                    self.session
                        .send(&absent, self.route, Some(&header))
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Copies of one payment at the same time, and payments signed anew for one identifier.
    async fn at_once(&self) -> Result<(), SendError> {
        let probe = self.probe("id/copies");
        if let Some(quote) = self.quote(&probe).await? {
            let header = self.signed_with_id(&quote, &identifier::fresh_id());
            let copies = (0..COPIES).map(|_| self.session.send(&probe, self.route, Some(&header)));
            try_join_all(copies).await?;
        }
        let probe = self.probe("id/signed-anew");
        if let Some(quote) = self.quote(&probe).await? {
            let id = identifier::fresh_id();
            let headers: Vec<PaymentHeader> = (0..SIGNED_ANEW)
                .map(|_| self.signed_with_id(&quote, &id))
                .collect();
            let sent = headers
                .iter()
                .map(|header| self.session.send(&probe, self.route, Some(header)));
            try_join_all(sent).await?;
        }
        Ok(())
    }

    /// One honest payment with this identifier, for a fresh challenge.
    async fn pay_with_id(
        &self,
        name: &str,
        id: &str,
    ) -> Result<Option<(Quote, PaymentHeader)>, SendError> {
        let probe = self.probe(name);
        let Some(quote) = self.quote(&probe).await? else {
            return Ok(None);
        };
        let header = self.signed_with_id(&quote, id);
        self.session.send(&probe, self.route, Some(&header)).await?;
        Ok(Some((quote, header)))
    }

    fn signed_with_id(&self, quote: &Quote, id: &str) -> PaymentHeader {
        with_id(self.pay_for(quote), quote, id)
    }

    pub(super) async fn send_copy(
        &self,
        name: &str,
        route: &Route,
        header: &PaymentHeader,
    ) -> Result<(), SendError> {
        let probe = self.probe(name);
        self.session.send(&probe, route, Some(header)).await?;
        Ok(())
    }
}

/// The same payment with this identifier in it.
pub(super) fn with_id(header: PaymentHeader, quote: &Quote, id: &str) -> PaymentHeader {
    let value = identifier::with_id(&header.value, quote.extensions(), id);
    PaymentHeader {
        value: value.unwrap_or_else(|| header.value.clone()),
        ..header
    }
}

/// The same payment with its message changed.
fn changed(header: &PaymentHeader, change: impl Fn(&mut Value)) -> PaymentHeader {
    let mut copy = header.clone();
    if let Ok(decoded) = header::decode(header.value.as_bytes()) {
        let mut message = decoded.value;
        change(&mut message);
        copy.value = header::encode(&message);
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_identifier_breaks_one_rule_each() {
        let [short, long, space, unicode] = NO_IDENTIFIERS else {
            panic!("four of them");
        };
        assert_eq!((short.1.len(), long.1.len()), (15, 129));
        for (_, id) in [space, unicode] {
            assert!((16..=128).contains(&id.len()));
        }
        assert!(space.1.is_ascii() && space.1.contains(' ') && !unicode.1.is_ascii());
    }
}
