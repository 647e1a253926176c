//! Amounts at their edges.

use alloy_primitives::U256;
use proptest::prelude::*;
use serde_json::json;
use x402_assay_protocol::challenge::is_caip2;
use x402_assay_protocol::eip3009::parse_decimal;
use x402_assay_protocol::problem::whole_number;

#[test]
fn decimals_at_the_edges() {
    let max = U256::MAX.to_string();
    let above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    assert_eq!(max.len(), 78);
    assert_eq!(parse_decimal(&max), Some(U256::MAX));
    assert_eq!(parse_decimal(above), None, "2^256");
    assert_eq!(parse_decimal(&"9".repeat(78)), None);
    assert_eq!(
        parse_decimal(&format!("0{max}")),
        None,
        "longer than any value of 256 bits"
    );
    assert_eq!(parse_decimal("0"), Some(U256::ZERO));
    assert_eq!(parse_decimal("007"), Some(U256::from(7)));
    for text in [
        "", " 1", "1 ", "+1", "-1", "-0", "1.0", "1e3", "0x1", "1_000", "1,000", "١", "１", "\u{0}",
    ] {
        assert_eq!(parse_decimal(text), None, "{text:?}");
    }
}

#[test]
fn whole_numbers_at_the_edges() {
    assert_eq!(whole_number(&json!(u64::MAX)), Some(u64::MAX));
    assert_eq!(whole_number(&json!(60.0)), Some(60));
    assert_eq!(whole_number(&json!(0.0)), Some(0));
    assert_eq!(
        whole_number(&json!(9_007_199_254_740_991.0)),
        Some(9_007_199_254_740_991)
    );
    for value in [
        json!(-1),
        json!(-1.0),
        json!(0.5),
        json!(1e300),
        json!(9_007_199_254_740_992.0),
        json!("60"),
        json!(null),
    ] {
        assert_eq!(whole_number(&value), None, "{value}");
    }
}

#[test]
fn caip2_at_the_edges() {
    for good in [
        "eip155:1",
        "abc:_",
        "a-1:x",
        "abcdefgh:A",
        &format!("eip155:{}", "9".repeat(32)),
    ] {
        assert!(is_caip2(good), "{good}");
    }
    for bad in [
        "",
        ":",
        "eip155",
        "eip155:",
        ":1",
        "ab:1",
        "abcdefghi:1",
        "EIP155:1",
        "eip155:1:1",
        "eip155:é",
        &format!("eip155:{}", "9".repeat(33)),
    ] {
        assert!(!is_caip2(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn every_value_survives_its_decimal_form(limbs in any::<[u64; 4]>()) {
        let value = U256::from_limbs(limbs);
        prop_assert_eq!(parse_decimal(&value.to_string()), Some(value));
    }

    #[test]
    fn leading_zeros_change_nothing(value in any::<u64>(), zeros in 0usize..50) {
        let text = format!("{}{value}", "0".repeat(zeros));
        prop_assert_eq!(parse_decimal(&text), Some(U256::from(value)));
    }
}
