//! No JSON makes a reader panic, and headers carry it unchanged.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use x402_assay_protocol::header::{self, Encoding};
use x402_assay_protocol::write::{self, Mutation};
use x402_assay_protocol::{Challenge, Payment, Requirement, Settlement, Version, network};

/// Member names of the protocol, so that random objects get past the first look.
const NAMES: &[&str] = &[
    "x402Version",
    "accepts",
    "scheme",
    "network",
    "amount",
    "maxAmountRequired",
    "asset",
    "payTo",
    "maxTimeoutSeconds",
    "extra",
    "name",
    "version",
    "resource",
    "url",
    "payload",
    "signature",
    "authorization",
    "from",
    "to",
    "value",
    "validAfter",
    "validBefore",
    "nonce",
    "accepted",
    "success",
    "transaction",
    "payer",
    "error",
    "errorReason",
    "paymentFlow",
];
const TEXTS: &[&str] = &[
    "",
    "exact",
    "eip155:84532",
    "eip155:",
    "eip155:99999999999999999999",
    "base-sepolia",
    "cloudflare:402",
    "0x",
    "0x1",
    "10000",
    "-1",
    "1e4",
    "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    "💸",
    "\u{0}",
    "é:é",
];

/// Arbitrary JSON; fractions are halves, which every parser keeps.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 2.0)),
        (0u64..4).prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        let name = prop_oneof![
            4 => prop::sample::select(NAMES).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn read_every_way(value: &Value) -> usize {
    let mut problems = 0;
    for version in [Version::V1, Version::V2] {
        let challenge = Challenge::read(version, value.clone());
        for offer in &challenge.accepts {
            let _ = (offer.terms(), offer.payment_flow(), offer.amount());
        }
        let _ = Requirement::from_raw(version, value.clone()).terms();
        problems += challenge.problems.len();
        problems += Settlement::read(version, value.clone()).problems.len();
    }
    let payment = Payment::read(value.clone());
    let _ = (payment.scheme_and_network(), payment.ecdsa());
    for problem in &payment.problems {
        assert!(!problem.to_string().is_empty());
    }
    problems + payment.problems.len()
}

proptest! {
    #[test]
    fn no_json_makes_a_reader_panic_and_none_is_every_message(value in any_json()) {
        // A challenge, a payment and a settlement have no member set in common.
        prop_assert!(read_every_way(&value) > 0);
    }

    #[test]
    fn objects_survive_a_header(
        members in prop::collection::vec((any::<String>(), any_json()), 0..6),
    ) {
        let object = Value::Object(members.into_iter().collect());
        let text = header::encode(&object);
        prop_assert!(text.is_ascii());
        let decoded = header::decode(text.as_bytes()).unwrap();
        prop_assert_eq!(decoded.encoding, Encoding::Standard);
        prop_assert_eq!(decoded.bytes, object.to_string().into_bytes());
        prop_assert_eq!(&decoded.value, &object);

        let unpadded = header::decode(text.trim_end_matches('=').as_bytes()).unwrap();
        prop_assert_eq!(&unpadded.value, &object);
        prop_assert_eq!(unpadded.encoding == Encoding::Standard, !text.ends_with('='));

        let safe = text.replace('+', "-").replace('/', "_");
        let url_safe = header::decode(safe.as_bytes()).unwrap();
        prop_assert_eq!(&url_safe.value, &object);
        prop_assert_eq!(url_safe.encoding == Encoding::Standard, safe == text);
    }

    #[test]
    fn what_is_no_object_survives_no_header(value in any_json()) {
        let decoded = header::decode(header::encode(&value).as_bytes());
        prop_assert_eq!(decoded.is_ok(), value.is_object());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        for raw in [&bytes[..], text.as_bytes(), header::encode_bytes(&bytes).as_bytes()] {
            if let Ok(decoded) = header::decode(raw) {
                prop_assert!(decoded.value.is_object());
            }
        }
    }

    #[test]
    fn no_pointer_makes_the_writer_panic(
        value in any_json(),
        pointer in "(/[a-z0-9~]{0,3}){0,4}",
        new in any_json(),
    ) {
        let mutations = [Mutation::Set(pointer.clone(), new), Mutation::Remove(pointer)];
        let text = write::encode_mutated(&value, &mutations);
        prop_assert!(text.is_ascii());
    }

    #[test]
    fn a_member_that_was_set_is_read_back(new in any_json()) {
        let mut message = crate::samples::payment_v2();
        for pointer in [
            "/payload/authorization/value",
            "/accepted",
            "/brandNew",
            "/accepted/extra/a~1b",
        ] {
            write::set(&mut message, pointer, Some(new.clone()));
            prop_assert_eq!(message.pointer(pointer), Some(&new));
            write::set(&mut message, pointer, None);
            prop_assert_eq!(message.pointer(pointer), None);
            message = crate::samples::payment_v2();
        }
    }

    #[test]
    fn chain_ids_come_from_decimal_digits_only(number in any::<u64>(), text in any::<String>()) {
        prop_assert_eq!(network::chain_id(&network::caip2(number)), Some(number));
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            prop_assert_eq!(network::chain_id(&format!("eip155:{text}")), None);
        }
    }
}
