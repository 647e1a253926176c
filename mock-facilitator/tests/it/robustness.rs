//! No body, however odd, breaks the facilitator or moves money it should not.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use x402_assay_protocol::Version;

use crate::bench::Bench;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "0x[0-9a-f]{0,140}".prop_map(Value::from),
        "[0-9]{1,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((".{0,10}", inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Every place of a body that a mutation can hit.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            let pointer = format!("{at}/{name}");
            found.push(pointer.clone());
            pointers(member, &pointer, found);
        }
    }
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config).run(&strategy, test).unwrap();
}

fn check_shape(status: u16, verify: &Value, settle: &Value) -> Result<(), TestCaseError> {
    prop_assert!(matches!(status, 200 | 400), "{status}: {verify}");
    prop_assert!(verify["isValid"].is_boolean(), "{verify}");
    prop_assert!(settle["success"].is_boolean(), "{settle}");
    prop_assert!(
        settle["transaction"].is_string() && settle["network"].is_string(),
        "{settle}"
    );
    Ok(())
}

#[test]
fn arbitrary_bytes_and_json_are_refused_in_shape() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start());
    let ask = |body: Vec<u8>| {
        runtime.block_on(async {
            let (status, verify) = bench.send("/verify", body.clone()).await;
            let (_, settle) = bench.send("/settle", body).await;
            check_shape(status, &verify, &settle)?;
            prop_assert_eq!(&verify["isValid"], &json!(false));
            prop_assert_eq!(&settle["success"], &json!(false));
            Ok(())
        })
    };
    run(64, prop::collection::vec(any::<u8>(), 0..200), ask);
    run(64, any_json(), |body| ask(body.to_string().into_bytes()));
    run(
        128,
        (any_json(), any_json(), any_json()),
        |(version, payment, requirements)| {
            let body = json!({
                "x402Version": version, "paymentPayload": payment, "paymentRequirements": requirements,
            });
            ask(body.to_string().into_bytes())
        },
    );
    assert!(runtime.block_on(bench.transfers()).is_empty());
}

/// Whatever one member is replaced with, verify and settle agree, and a success moved what was signed.
#[test]
fn one_odd_member_never_splits_verify_from_settle() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::start());
    let versions = prop_oneof![Just(Version::V1), Just(Version::V2)];
    run(
        256,
        (versions, any::<prop::sample::Index>(), any_json()),
        |(version, place, new)| {
            runtime.block_on(async {
                let mut body = bench.honest(version);
                let mut places = Vec::new();
                pointers(&body, "", &mut places);
                let place = place.get(&places);
                *body.pointer_mut(place).unwrap() = new;
                let before = bench.transfers().await.len();
                let text = body.to_string();
                let (status, verify) = bench.send("/verify", text.clone()).await;
                prop_assert_eq!(bench.transfers().await.len(), before, "verify moved money");
                let (_, settle) = bench.send("/settle", text).await;
                check_shape(status, &verify, &settle)?;
                prop_assert_eq!(
                    &verify["isValid"],
                    &settle["success"],
                    "{} {} {}",
                    place,
                    verify,
                    settle
                );
                let moved = bench.transfers().await.len() - before;
                prop_assert_eq!(moved, usize::from(settle["success"] == true));
                Ok(())
            })
        },
    );
}
