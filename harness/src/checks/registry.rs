//! Every check.

use super::check::{Check, Grade};
use super::extensions::{bazaar, echo, offers, receipts, sign_in};
use super::{
    batch, beside, challenge_notes, challenge_offers, challenge_true, challenge_v1, challenge_v2,
    facilitator, facilitator_requests, flow, handler, header_forms, http_browser, http_cache,
    http_messages, http_methods, identifier, identifier_repeats, inside, lost_answer,
    other_schemes, outage, paths, payment_header, privacy, privacy_requests, race,
    refusal_challenge, replay, request_intact, scheme_network, settle_refused, settle_trouble,
    settlement_header, terms, terms_offers, terms_recorded, trouble, version,
};

/// Every check: those of servers, then those of facilitators, each in catalogue order.
pub static CHECKS: &[Check] = &JOINED;

static JOINED: [Check; SERVER.len() + facilitator::ALL.len()] = {
    let mut all = [SERVER[0]; SERVER.len() + facilitator::ALL.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = match place < SERVER.len() {
            true => SERVER[place],
            false => facilitator::ALL[place - SERVER.len()],
        };
        place += 1;
    }
    all
};

/// Checks of servers, in catalogue order.
const SERVER: &[Check] = &[
    challenge_v2::STATUS,
    challenge_v2::HEADER,
    challenge_v2::ENCODING,
    challenge_v2::VERSION,
    challenge_v2::ACCEPTS,
    challenge_v2::MEMBERS,
    challenge_v2::NETWORK,
    challenge_v2::AMOUNT,
    challenge_offers::POSITIVE,
    challenge_v2::RESOURCE,
    challenge_offers::RESOURCE,
    challenge_offers::DOMAIN,
    other_schemes::FEE_PAYER,
    other_schemes::UPTO,
    challenge_offers::EXTENSIONS,
    challenge_true::FLOW,
    challenge_notes::BODY,
    challenge_notes::ERROR,
    challenge_notes::NO_CONTENT,
    challenge_notes::SIZE,
    challenge_true::STABLE,
    challenge_offers::SUPPORTED,
    challenge_v1::BODY,
    challenge_v1::MEMBERS,
    challenge_v1::AMOUNT,
    challenge_notes::V1_NETWORK,
    challenge_notes::V1_CONTENT_TYPE,
    challenge_notes::BOTH_AT_ONCE,
    payment_header::ACCEPTED_V2,
    payment_header::ACCEPTED_V1,
    header_forms::NAME_CASE,
    payment_header::UNDECODABLE,
    payment_header::NOTHING_SETTLED,
    payment_header::SHAPE,
    header_forms::EXTRA_MEMBER,
    header_forms::ENCODING,
    header_forms::TWICE,
    header_forms::OVERSIZED,
    header_forms::FOREIGN_NAME,
    header_forms::EMPTY,
    header_forms::REFUSAL_CHALLENGES,
    version::SUPPORTED,
    version::V1_SHAPED,
    scheme_network::SCHEME,
    scheme_network::NETWORK,
    version::V1_OVERWRITTEN,
    version::REASON,
    terms::AMOUNT,
    terms_recorded::MORE,
    terms::RECIPIENT,
    terms::ASSET,
    terms_recorded::LETTER_CASE,
    terms_recorded::TIMEOUT_AND_EXTRA,
    terms::OWN_TERMS,
    terms_offers::CHOSEN,
    terms::V1_TERMS,
    terms_recorded::OTHER_RESOURCE,
    terms_recorded::NO_RESOURCE,
    terms_recorded::UNANNOUNCED,
    terms_offers::FREE_ROUTE,
    terms_offers::OUTDATED_PRICE,
    flow::NOT_WITHOUT_VERIFICATION,
    flow::REFUSAL_STATUS,
    refusal_challenge::CHALLENGE_V2,
    refusal_challenge::REASON,
    refusal_challenge::CHALLENGE_V1,
    flow::VERIFY_FIRST,
    handler::FAILED_HANDLER,
    inside::NO_EARLY_BYTE,
    settlement_header::PRESENT,
    settlement_header::SHAPE,
    settlement_header::TRUE,
    handler::STATUS,
    handler::UPFRONT,
    request_intact::INTACT,
    inside::OVERRIDES_INSIDE,
    inside::EXTENSIONS_INSIDE,
    inside::CLIENT_GONE,
    handler::SLOW_HANDLER,
    settle_refused::NO_DELIVERY,
    settle_refused::STATUS,
    settle_refused::RECEIPT,
    settle_refused::RECEIPT_V1,
    settle_refused::CHALLENGE,
    settle_refused::TRANSACTION,
    settle_trouble::ERROR,
    settle_trouble::STILL_PENDING,
    settle_trouble::RETRY,
    settle_trouble::ELSEWHERE_SETTLED,
    replay::SERIAL,
    race::CONCURRENT,
    race::RUNS,
    race::LOSERS,
    race::REPLICAS,
    race::ROUTES,
    race::TRUST,
    other_schemes::SVM_DUPLICATE,
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
    http_cache::CHALLENGE,
    http_cache::PAID,
    http_browser::PAGE,
    http_browser::PAGE_HEADER,
    http_browser::V1_PAGE,
    http_browser::NOT_A_BROWSER,
    http_methods::OPTIONS,
    http_methods::METHOD_ALIASES,
    paths::VARIANTS,
    http_cache::CORS,
    http_cache::EXPOSE_HEADERS,
    http_cache::OTHER_HEADERS,
    http_messages::KEPT_CONNECTION,
    http_messages::BODIES_UNPAID,
    http_messages::SPOOFED_HEADERS,
    identifier::DECLARATION,
    identifier_repeats::SAME,
    identifier_repeats::OTHER_PAYMENT,
    identifier_repeats::REQUIRED,
    identifier::MALFORMED,
    identifier::CACHED_RECEIPT,
    identifier_repeats::FORGED,
    identifier_repeats::AT_ONCE,
    identifier::SCOPE,
    identifier_repeats::AFTER_FAILURE,
    identifier::ECHO,
    echo::NONE,
    echo::CHANGED,
    offers::FORM,
    offers::SIGNED,
    offers::MEMBERS,
    offers::NO_TYPES,
    offers::SIGNER,
    receipts::TRUE,
    receipts::TRANSACTION,
    offers::LATE,
    sign_in::CHALLENGE,
    sign_in::PROOF,
    sign_in::REPLAY,
    sign_in::STRANGER,
    sign_in::STATUS,
    bazaar::VALID,
    privacy::ERRORS,
    privacy::ECHO,
    privacy::SHARED_RECEIPT,
    privacy_requests::MARKUP,
    privacy_requests::HOST,
    batch::CORRECTIVE,
    batch::AFTER_HANDLER,
    batch::PARALLEL,
    batch::COMMITMENT,
];

/// Catalogue groups about schemes and extensions that the reference server does not sell by: hand-written histories
/// show each of them red, and no defect can.
const SHOWN_BY_HISTORIES: &[&str] = &[
    "SRV-V2-402-013",
    "SRV-V2-402-014",
    "SRV-REPL-008",
    // Nobody waits two minutes for a defect.
    "SRV-FAC-004",
    "SRV-EXT-OR-",
    "SRV-EXT-SIWX-",
    "SRV-EXT-BAZ-",
    "SRV-BATCH-",
    // The token moves what was signed, or nothing: who calls it cannot change that.
    "FAC-SETTLE-011",
    // The built-in facilitator has these right wherever it lists anything.
    "FAC-DISC-002",
    "FAC-DISC-003",
    "FAC-DISC-004",
    "FAC-P2-",
    "FAC-UPTO-",
    "FAC-GAS-",
    "FAC-BATCH-",
    "FAC-SVM-",
];

/// True when no defect of what is built in can turn a check red: it records only, or is about what that does not offer.
pub fn is_shown_by_histories(check: &Check) -> bool {
    let foreign = SHOWN_BY_HISTORIES
        .iter()
        .any(|start| check.id.starts_with(start));
    foreign || check.grade == Grade::Info
}

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
    use crate::checks::check::Role;

    #[test]
    fn ids_are_unique_and_no_member_is_empty() {
        let mut ids = HashSet::new();
        for check in CHECKS {
            assert!(ids.insert(check.id), "{} stands twice", check.id);
            assert!(!check.versions.is_empty(), "{} has no generation", check.id);
            assert!(!check.probes.is_empty(), "{} has no probe", check.id);
            let killed = !check.killed_by.is_empty();
            assert!(
                killed || is_shown_by_histories(check),
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
            let family = match check.role {
                Role::ResourceServer => "SRV",
                Role::Facilitator => "FAC",
                Role::Client => "CLI",
            };
            assert_eq!(parts[0], family, "{}", check.id);
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
