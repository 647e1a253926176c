//! What held a run back, by hand-written samples.

use std::time::Duration;

use x402_assay_reports::model::load::LimitedBy;

use super::cpu::{Side, Used};
use super::limits::{Known, judge};

fn good() -> Known {
    Known {
        due: 1_000,
        sent: 1_000,
        ended: 1_000,
        connections: 64,
        lateness_p99_us: 300,
        request_p50_us: 1_000,
        length: Duration::from_secs(10),
        cores: Some(2),
        ..Known::default()
    }
}

fn cpu(generator: u64, server: u64) -> Used {
    Used::from([
        (Side::Generator, Duration::from_secs(generator)),
        (Side::Server, Duration::from_secs(server)),
    ])
}

#[test]
fn nothing_limits_a_run_that_sent_what_was_due() {
    let limits = judge(&good());
    assert_eq!(limits.by, LimitedBy::None);
    assert!(limits.proof.contains("1000"), "{}", limits.proof);
}

#[test]
fn a_late_bench_is_the_limit_whatever_else_is() {
    let late = Known {
        lateness_p99_us: 20_000,
        dropped: 10,
        ..good()
    };
    let limits = judge(&late);
    assert_eq!(limits.by, LimitedBy::Generator);
    assert!(limits.proof.contains("20ms"), "{}", limits.proof);
}

#[test]
fn a_shortfall_is_where_the_time_went() {
    let short = Known {
        queue_high_water: 5,
        ..good()
    };
    assert_eq!(judge(&short).by, LimitedBy::Server);
    let settling = Known {
        verify_p50_us: 300,
        settle_p50_us: 400,
        ..short.clone()
    };
    assert_eq!(judge(&settling).by, LimitedBy::Facilitator);
    let mining = Known {
        settle_p50_us: 900,
        mining_p50_us: 800,
        ..short.clone()
    };
    assert_eq!(judge(&mining).by, LimitedBy::Chain);
    let starved = Known {
        cpu: cpu(11, 8),
        ..mining.clone()
    };
    assert_eq!(judge(&starved).by, LimitedBy::Generator);
    let served = Known {
        cpu: cpu(8, 11),
        ..short
    };
    let limits = judge(&served);
    assert_eq!(limits.by, LimitedBy::Server);
    assert_eq!(limits.cpu[1].cores, 1.1);
}

/// A server that answers everything with one and the same.
fn refusing(sample: Known, class: &str) -> Known {
    Known {
        wrong: sample.ended,
        mostly: Some(format!("buy: {class}")),
        ..sample
    }
}

#[test]
fn where_everything_is_refused_the_rate_was_not_limited() {
    for class in ["402", "500"] {
        let limits = judge(&refusing(good(), class));
        assert_eq!(limits.by, LimitedBy::None);
        let told = format!(
            "the rate was not limited: all 1000 due arrivals were sent, and none waited for a connection; 1000 of 1000 ended as was not meant, most of them as `buy: {class}`: that is why goodput is low"
        );
        assert_eq!(limits.proof, told);
    }
    let waited = Known {
        queue_high_water: 5,
        ..refusing(good(), "402")
    };
    let limits = judge(&waited);
    assert_eq!(limits.by, LimitedBy::None);
    assert!(limits.proof.contains("at most 5 waited"), "{limits:?}");
}

#[test]
fn users_that_are_refused_are_limited_by_nothing_but_their_own_pace() {
    let users = Known {
        closed: true,
        ..good()
    };
    assert_eq!(judge(&users).by, LimitedBy::Server);
    let limits = judge(&refusing(users, "402"));
    assert_eq!(limits.by, LimitedBy::None);
    assert!(
        limits.proof.contains("the answers set the pace"),
        "{limits:?}"
    );
    assert!(limits.proof.contains("`buy: 402`"), "{limits:?}");
}

#[test]
fn a_rate_that_fell_short_stays_the_limit_and_the_outcome_is_told_beside_it() {
    let slow = Known {
        sent: 900,
        dropped: 100,
        ended: 900,
        ..good()
    };
    let limits = judge(&refusing(slow, "500"));
    assert_eq!(limits.by, LimitedBy::Server);
    assert!(
        limits
            .proof
            .starts_with("100 of 1000 arrivals were dropped")
    );
    assert!(
        limits.proof.contains("besides, 900 of 900 ended"),
        "{limits:?}"
    );
    let late = Known {
        lateness_p99_us: 20_000,
        ..refusing(good(), "402")
    };
    assert_eq!(judge(&late).by, LimitedBy::Generator);
}

#[test]
fn a_few_failures_change_nothing() {
    let some = Known {
        wrong: 500,
        mostly: Some("buy: 500".to_owned()),
        ..good()
    };
    assert_eq!(judge(&some), judge(&good()));
}

#[test]
fn a_pause_the_target_asked_for_is_told() {
    let paused = Known {
        sent: 900,
        dropped: 100,
        throttled: 100,
        ..good()
    };
    assert!(
        judge(&paused)
            .proof
            .starts_with("100 of 1000 arrivals were not sent")
    );
}
