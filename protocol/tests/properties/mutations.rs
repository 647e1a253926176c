//! One changed member never reads as clean, and is named as missing, of another type, or of another value.

use proptest::prelude::*;
use serde_json::{Value, json};
use x402_assay_protocol::problem::type_name;
use x402_assay_protocol::{Challenge, Payment, Problem, ProblemKind, Settlement, Version, write};

use crate::any_json::any_json;
use crate::samples;

/// A message that is clean, and its described members.
struct Message {
    name: &'static str,
    valid: Value,
    read: fn(Value) -> Vec<Problem>,
    members: &'static [Member],
}

/// JSON pointer, JSON type, whether it is required, and a value of the right type that is refused.
struct Member(&'static str, &'static str, bool, Option<&'static str>);

const REQUIRED: bool = true;
const OPTIONAL: bool = false;
const NUMBER: Option<&str> = Some("-1");
const DECIMAL: Option<&str> = Some("\"0x10\"");

const MESSAGES: &[fn() -> Message] = &[
    || Message {
        name: "challenge v2",
        valid: samples::challenge_v2(),
        read: |value| Challenge::read(Version::V2, value).problems,
        members: &[
            Member("/x402Version", "a number", REQUIRED, Some("1")),
            Member("/error", "a string", OPTIONAL, None),
            Member("/resource", "an object", REQUIRED, None),
            Member("/resource/url", "a string", REQUIRED, None),
            Member("/resource/description", "a string", OPTIONAL, None),
            Member("/resource/mimeType", "a string", OPTIONAL, None),
            Member("/accepts", "an array", REQUIRED, Some("[]")),
            Member("/accepts/0", "an object", OPTIONAL, None),
            Member("/accepts/0/scheme", "a string", REQUIRED, None),
            Member(
                "/accepts/0/network",
                "a string",
                REQUIRED,
                Some("\"base-sepolia\""),
            ),
            Member("/accepts/0/amount", "a string", REQUIRED, DECIMAL),
            Member("/accepts/0/asset", "a string", REQUIRED, None),
            Member("/accepts/0/payTo", "a string", REQUIRED, None),
            Member("/accepts/0/maxTimeoutSeconds", "a number", REQUIRED, NUMBER),
            Member("/accepts/0/extra", "an object", OPTIONAL, None),
            Member("/extensions", "an object", OPTIONAL, None),
        ],
    },
    || Message {
        name: "challenge v1",
        valid: samples::challenge_v1(),
        read: |value| Challenge::read(Version::V1, value).problems,
        members: &[
            Member("/x402Version", "a number", REQUIRED, Some("2")),
            Member("/error", "a string", REQUIRED, None),
            Member("/accepts", "an array", REQUIRED, Some("[]")),
            Member("/accepts/0", "an object", OPTIONAL, None),
            Member("/accepts/0/scheme", "a string", REQUIRED, None),
            Member("/accepts/0/network", "a string", REQUIRED, None),
            Member(
                "/accepts/0/maxAmountRequired",
                "a string",
                REQUIRED,
                DECIMAL,
            ),
            Member("/accepts/0/asset", "a string", REQUIRED, None),
            Member("/accepts/0/payTo", "a string", REQUIRED, None),
            Member("/accepts/0/resource", "a string", REQUIRED, None),
            Member("/accepts/0/description", "a string", REQUIRED, None),
            Member("/accepts/0/mimeType", "a string", OPTIONAL, None),
            Member("/accepts/0/maxTimeoutSeconds", "a number", REQUIRED, NUMBER),
            Member("/accepts/0/outputSchema", "an object", OPTIONAL, None),
            Member("/accepts/0/extra", "an object", OPTIONAL, None),
        ],
    },
    || Message {
        name: "payment v2",
        valid: samples::payment_v2(),
        read: |value| Payment::read(value).problems,
        members: &[
            Member("/x402Version", "a number", REQUIRED, Some("3")),
            Member("/accepted", "an object", REQUIRED, None),
            Member("/resource", "an object", OPTIONAL, None),
            Member("/extensions", "an object", OPTIONAL, None),
            Member("/payload", "an object", REQUIRED, None),
            Member("/payload/signature", "a string", REQUIRED, None),
            Member("/payload/authorization", "an object", REQUIRED, None),
            Member(
                "/payload/authorization/from",
                "a string",
                REQUIRED,
                Some("\"0x12\""),
            ),
            Member(
                "/payload/authorization/to",
                "a string",
                REQUIRED,
                Some("\"merchant\""),
            ),
            Member(
                "/payload/authorization/value",
                "a string",
                REQUIRED,
                DECIMAL,
            ),
            Member(
                "/payload/authorization/validAfter",
                "a string",
                REQUIRED,
                DECIMAL,
            ),
            Member(
                "/payload/authorization/validBefore",
                "a string",
                REQUIRED,
                DECIMAL,
            ),
            Member(
                "/payload/authorization/nonce",
                "a string",
                REQUIRED,
                Some("\"0x11\""),
            ),
        ],
    },
    || Message {
        name: "payment v1",
        valid: samples::payment_v1(),
        read: |value| Payment::read(value).problems,
        members: &[
            Member("/scheme", "a string", REQUIRED, None),
            Member("/network", "a string", REQUIRED, None),
            Member("/payload", "an object", REQUIRED, None),
            Member("/payload/signature", "a string", REQUIRED, None),
            Member("/payload/authorization", "an object", REQUIRED, None),
            Member(
                "/payload/authorization/nonce",
                "a string",
                REQUIRED,
                Some("\"11\""),
            ),
        ],
    },
    || Message {
        name: "settlement v2",
        valid: samples::settlement(),
        read: |value| Settlement::read(Version::V2, value).problems,
        members: &[
            Member("/success", "a boolean", REQUIRED, None),
            Member("/errorReason", "a string", OPTIONAL, None),
            Member("/transaction", "a string", REQUIRED, None),
            Member("/network", "a string", REQUIRED, None),
            Member("/payer", "a string", OPTIONAL, None),
            Member("/amount", "a string", OPTIONAL, None),
            Member("/extensions", "an object", OPTIONAL, None),
        ],
    },
    || Message {
        name: "settlement v1",
        valid: samples::settlement(),
        read: |value| Settlement::read(Version::V1, value).problems,
        members: &[
            Member("/success", "a boolean", REQUIRED, None),
            Member("/errorReason", "a string", OPTIONAL, None),
            Member("/transaction", "a string", REQUIRED, None),
            Member("/network", "a string", REQUIRED, None),
            Member("/payer", "a string", REQUIRED, None),
        ],
    },
];

/// `/accepts/0/amount` as problems write it: `accepts[0].amount`.
fn path(pointer: &str) -> String {
    pointer[1..].replace("/0", "[0]").replace('/', ".")
}

fn problems(message: &Message, pointer: &str, new: Option<Value>) -> Vec<Problem> {
    let mut changed = message.valid.clone();
    assert!(
        changed.pointer(pointer).is_some(),
        "{pointer} is in the sample"
    );
    write::set(&mut changed, pointer, new);
    (message.read)(changed)
}

#[test]
fn the_samples_are_clean() {
    for message in MESSAGES.iter().map(|make| make()) {
        assert_eq!(
            (message.read)(message.valid.clone()),
            [],
            "{}",
            message.name
        );
    }
}

#[test]
fn a_removed_member_is_missing_if_it_was_required() {
    for message in MESSAGES.iter().map(|make| make()) {
        for Member(pointer, _, required, _) in message.members {
            if *pointer == "/accepts/0" {
                continue; // leaves the empty array, which has its own finding
            }
            let found = problems(&message, pointer, None);
            let expected: &[Problem] = &[Problem::missing(path(pointer))];
            let expected = if *required { expected } else { &[] };
            assert_eq!(found, expected, "{} {pointer}", message.name);
        }
    }
}

#[test]
fn a_refused_value_is_called_one() {
    for message in MESSAGES.iter().map(|make| make()) {
        for Member(pointer, _, _, wrong) in message.members {
            let Some(wrong) = wrong else { continue };
            let found = problems(
                &message,
                pointer,
                Some(serde_json::from_str(wrong).unwrap()),
            );
            let of_value = |problem: &&Problem| {
                problem.path == path(pointer)
                    && matches!(problem.kind, ProblemKind::WrongValue { .. })
            };
            let count = found.iter().filter(of_value).count();
            assert_eq!(
                (count, found.len()),
                (1, 1),
                "{} {pointer}: {found:?}",
                message.name
            );
        }
    }
}

fn an_amount_or_not() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9]{1,77}", "[-+0-9.ex ]{0,8}"]
}

fn an_address_or_not() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "(0x)?[0-9a-fA-F]{38,42}", "0x[0-9a-g]{40}"]
}

proptest! {
    #[test]
    fn another_type_is_called_one(value in any_json()) {
        for message in MESSAGES.iter().map(|make| make()) {
            for Member(pointer, expected, required, _) in message.members {
                let absent = value.is_null() && !required && *pointer != "/accepts/0";
                if type_name(&value) == *expected || absent {
                    continue;
                }
                let found = problems(&message, pointer, Some(value.clone()));
                let wanted = Problem::wrong_type(path(pointer), expected, &value);
                prop_assert_eq!(&found, &[wanted], "{} {}", message.name, pointer);
            }
        }
    }

    #[test]
    fn an_amount_is_clean_exactly_when_it_is_digits(text in an_amount_or_not()) {
        let digits = (1..=77).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        for (message, pointer) in [
            (0, "/accepts/0/amount"),
            (1, "/accepts/0/maxAmountRequired"),
            (2, "/payload/authorization/value"),
        ] {
            let found = problems(&MESSAGES[message](), pointer, Some(json!(text)));
            prop_assert_eq!(found.is_empty(), digits, "{:?}", found);
        }
    }

    #[test]
    fn an_address_is_clean_exactly_when_it_has_its_shape(text in an_address_or_not()) {
        let shaped = text
            .strip_prefix("0x")
            .is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let found = problems(&MESSAGES[2](), "/payload/authorization/to", Some(json!(text)));
        prop_assert_eq!(found.is_empty(), shaped, "{:?}", found);
    }
}
