//! The part of an honest run that is about unusual versions and terms, and about payment identifiers.

use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};

use super::honest::{challenge_v2, refusal, refused, sale};
use super::{CONTENT, Call, Payment, Probe, Reply, Script, encode};

/// Messages that the server cannot read as a payment of its version.
const OTHER_VERSIONS: &[&str] = &[
    "version/0",
    "version/3",
    "version/99",
    "version/text",
    "version/null",
    "version/v1-shape",
    "version/v1-shape-caip2",
];
/// Claims that match no offer.
const UNMATCHED: &[(&str, &str, &str)] = &[
    (
        "terms/address-case",
        "/accepted/asset",
        "\"0x036cbd53842c5426634e7929541ec2318f3dcf7e\"",
    ),
    ("terms/max-timeout", "/accepted/maxTimeoutSeconds", "77"),
    (
        "terms/extra-changed",
        "/accepted/extra/name",
        "\"Another Token\"",
    ),
];
/// Where a payment carries its identifier.
const ID: &str = "/extensions";

/// What the payment's extensions say with this identifier.
fn echo(id: &str) -> Value {
    json!({ "payment-identifier": { "info": { "required": false, "id": id }, "schema": {} } })
}

impl Script {
    /// Adds the payments that say something unusual.
    #[must_use]
    pub(crate) fn and_open_terms(mut self, version: Version) -> Self {
        let name = |probe: &str| format!("{version}/{probe}");
        if version == Version::V2 {
            for probe in OTHER_VERSIONS {
                let mut probe = refused(version, probe, "invalid_x402_version");
                probe.alone();
                self = self.then(probe);
            }
            let mut high = refused(version, "terms/amount-high", "no matching requirements");
            high.alone();
            self = self.then(high);
            for (probe, place, json) in UNMATCHED {
                let claim = serde_json::from_str(json).expect("the table holds JSON");
                let mut probe = refused(version, probe, "no matching requirements");
                probe.payment = Some(Payment::With(vec![(place, claim)]));
                probe.alone();
                self = self.then(probe);
            }
            for (probe, place, claim) in [
                (
                    "terms/extra-added",
                    "/accepted/extra/note",
                    json!("unknown"),
                ),
                (
                    "terms/other-resource",
                    "/resource",
                    json!({ "url": "http://127.0.0.1/other" }),
                ),
            ] {
                let mut probe = sale(version, probe);
                probe.payment = Some(Payment::With(vec![(place, claim)]));
                self = self.then(probe);
            }
            self = self.then(sale(version, "terms/no-resource"));
        } else {
            let mut other = refused(version, "version/v1-99", "invalid_x402_version");
            other.alone();
            self = self.then(other);
        }
        self = self.then(sale(version, "terms/unannounced"));
        let mut free = Probe::new(&name("free/with-payment"), Reply::answer(200, "ok"));
        free.route = "/health".to_owned();
        free.payment = Some(Payment::Fresh(None));
        self.then(free)
    }

    /// Declares payment identifiers in every v2 challenge.
    #[must_use]
    pub(crate) fn declaring(mut self, declared: &Value) -> Self {
        let mut challenge = challenge_v2();
        challenge["extensions"] = json!({ "payment-identifier": declared });
        for probe in &mut self.probes {
            if probe.name.starts_with("v2/") && probe.payment.is_none() {
                probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
            }
        }
        self
    }

    /// Adds an honest server's answers to payments with identifiers.
    #[must_use]
    pub(crate) fn and_identifiers(mut self) -> Self {
        let version = Version::V2;
        self = self.declaring(&json!({ "info": { "required": false }, "schema": {} }));
        let with = |id: &str| Some(Payment::With(vec![(ID, echo(id))]));
        let bought = sold(version, "id/good", with("pay_0123456789abcdef"));
        let again = Payment::Again("v2/id/good".to_owned());
        let conflict = |name: &str, payment: Payment| Probe {
            payment: Some(payment),
            ..Probe::new(
                &format!("v2/{name}"),
                Reply::answer(409, r#"{"error":"conflict"}"#),
            )
        };
        let mut repeat = Probe::new("v2/id/repeat", bought.reply.clone());
        repeat.payment = Some(again.clone());
        repeat.header(version.settlement_header(), None);
        let forged = |pointer: &'static str, value: Value| {
            Payment::AgainWith("v2/id/good".to_owned(), vec![(pointer, value)])
        };
        self = self.then(bought).then(repeat);
        let signature = forged("/payload/signature", json!("0x22"));
        self = self.then(conflict("id/forged-signature", signature));
        let amount = forged("/accepted/amount", json!("20000"));
        self = self.then(conflict("id/forged-terms", amount));
        let mut stranger = refused(version, "id/forged-payer", "invalid_exact_evm_signature");
        stranger.payment = Some(Payment::Fresh(Some("signature-flipped".to_owned())));
        self = self.then(stranger);
        let mut other = conflict("id/other-route", again);
        other.route = "/items/7".to_owned();
        self = self.then(other);
        let fresh = Payment::With(vec![(ID, echo("pay_0123456789abcdef"))]);
        self = self.then(conflict("id/other-payment", fresh));
        for probe in ["id/short", "id/long", "id/space", "id/unicode"] {
            let mut malformed = conflict(probe, Payment::With(vec![(ID, echo("x"))]));
            malformed.status(400);
            self = self.then(malformed);
        }
        self = self.then(sold(
            version,
            "id/required-changed",
            with("pay_c123456789abcdef"),
        ));
        self = self.then(sold(version, "id/copies", with("pay_p123456789abcdef")));
        self = self.then(conflict(
            "id/copies",
            Payment::Again("v2/id/copies".to_owned()),
        ));
        self = self.then(sold(
            version,
            "id/signed-anew",
            with("pay_s123456789abcdef"),
        ));
        let anew = Payment::With(vec![(ID, echo("pay_s123456789abcdef"))]);
        self = self.then(conflict("id/signed-anew", anew));
        let mut failed = Probe::new("v2/id/failed", Reply::answer(502, "{}"));
        failed.payment = with("pay_f123456789abcdef");
        failed.calls = vec![Call {
            lied: true,
            ..Call::verify(false)
        }];
        let retried = sold(
            version,
            "id/retried",
            Some(Payment::Again("v2/id/failed".to_owned())),
        );
        self.then(failed).then(retried)
    }

    /// Adds a payment without an identifier where the challenge requires one, and its answer.
    #[must_use]
    pub(crate) fn requiring(self, answer: u16) -> Self {
        let mut absent = Probe::new("v2/id/absent", Reply::answer(answer, "{}"));
        absent.payment = Some(Payment::Fresh(None));
        if answer == 200 {
            absent = sale(Version::V2, "id/absent");
        }
        let declared = json!({ "info": { "required": true }, "schema": {} });
        self.declaring(&declared).then(absent)
    }

    /// Offers a second entry and pays it; the facilitator is asked about `forwarded`.
    #[must_use]
    pub(crate) fn and_second_offer(mut self, second: &Value, forwarded: u64) -> Self {
        let mut challenge = challenge_v2();
        challenge["accepts"] = json!([super::offer(Version::V2), second]);
        let mut shown = Probe::new("v2/quote", refusal(Version::V2, "Payment required"));
        shown.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
        let mut paid = sale(Version::V2, "terms/second-offer");
        paid.payment = Some(Payment::With(vec![("/accepted", second.clone())]));
        for call in &mut paid.calls {
            call.requirements = vec![("maxTimeoutSeconds", json!(forwarded))];
        }
        self = self.then(shown);
        self.then(paid)
    }
}

fn sold(version: Version, name: &str, payment: Option<Payment>) -> Probe {
    let mut probe = sale(version, name);
    probe.payment = payment;
    debug_assert!(matches!(&probe.reply, Reply::Answer { body, .. } if body == CONTENT));
    probe
}
