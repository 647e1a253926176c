//! Every check, in catalogue order.

use super::check::Check;
use super::{
    beside, challenge_v1, challenge_v2, facilitator_requests, flow, lost_answer, outage,
    payment_header, race, replay, scheme_network, settlement_header, terms, trouble,
};

/// Every check, in catalogue order.
pub const CHECKS: &[Check] = &[
    challenge_v2::STATUS,
    challenge_v2::HEADER,
    challenge_v2::ENCODING,
    challenge_v2::VERSION,
    challenge_v2::ACCEPTS,
    challenge_v2::MEMBERS,
    challenge_v2::NETWORK,
    challenge_v2::AMOUNT,
    challenge_v2::RESOURCE,
    challenge_v1::BODY,
    challenge_v1::MEMBERS,
    challenge_v1::AMOUNT,
    payment_header::ACCEPTED_V2,
    payment_header::ACCEPTED_V1,
    payment_header::UNDECODABLE,
    payment_header::NOTHING_SETTLED,
    payment_header::SHAPE,
    scheme_network::SCHEME,
    scheme_network::NETWORK,
    terms::AMOUNT,
    terms::RECIPIENT,
    terms::ASSET,
    terms::OWN_TERMS,
    terms::V1_TERMS,
    flow::NOT_WITHOUT_VERIFICATION,
    flow::REFUSAL_STATUS,
    flow::VERIFY_FIRST,
    settlement_header::PRESENT,
    settlement_header::SHAPE,
    settlement_header::TRUE,
    replay::SERIAL,
    race::CONCURRENT,
    race::RUNS,
    race::LOSERS,
    race::REPLICAS,
    race::ROUTES,
    race::TRUST,
    beside::DISTINCT,
    trouble::VERIFY_TROUBLE,
    trouble::STATUS,
    trouble::SETTLE_TROUBLE,
    trouble::GIVES_UP,
    outage::RECOVERS,
    outage::UNPAID_REQUESTS,
    outage::FREE_ROUTES,
    lost_answer::CHARGED_ONCE,
    lost_answer::OBTAINABLE,
    facilitator_requests::SHAPE,
    facilitator_requests::UNMODIFIED,
    trouble::DETOUR,
];

/// Checks that no defect of the reference server turns red in a run that ends in reasonable time: hand-written histories
/// show that they can.
pub const PROVEN_BY_HISTORIES: &[&str] = &["SRV-FAC-004"];

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    CHECKS
        .iter()
        .find(|check| check.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::checks::Grade;

    #[test]
    fn ids_are_unique_and_no_member_is_empty() {
        let mut ids = HashSet::new();
        for check in CHECKS {
            assert!(ids.insert(check.id), "{} stands twice", check.id);
            assert!(!check.versions.is_empty(), "{} has no generation", check.id);
            assert!(!check.probes.is_empty(), "{} has no probe", check.id);
            // What is only recorded cannot turn red.
            assert!(
                check.grade == Grade::Info
                    || PROVEN_BY_HISTORIES.contains(&check.id)
                    || !check.killed_by.is_empty(),
                "nothing kills {}",
                check.id
            );
            for text in [
                check.id,
                check.title,
                check.requirement,
                check.observe,
                check.good,
                check.bad,
                check.source,
                check.cause,
                check.fix,
            ] {
                assert!(!text.is_empty(), "{} has an empty member", check.id);
            }
        }
    }

    #[test]
    fn ids_have_the_form_of_the_catalogue() {
        for check in CHECKS {
            let parts: Vec<&str> = check.id.split('-').collect();
            let number = parts.last().copied().unwrap_or_default();
            assert_eq!(parts[0], "SRV", "{}", check.id);
            assert_eq!(number.len(), 3, "{}", check.id);
            assert!(number.bytes().all(|b| b.is_ascii_digit()), "{}", check.id);
        }
    }

    #[test]
    fn a_check_is_found_by_its_id() {
        assert_eq!(
            find("srv-hdr-001").map(|check| check.id),
            Some("SRV-HDR-001")
        );
        assert!(find("SRV-HDR-999").is_none());
    }
}
