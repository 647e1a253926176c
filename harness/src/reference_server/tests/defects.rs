//! Every defect is seen where it is on, and nowhere else.

use futures_util::stream::{self, StreamExt as _};
use x402_assay_protocol::Version;

use super::super::Defect;
use super::rig::{Rig, granted};
use super::{
    browsers, defects_challenge, defects_hygiene, defects_identifier, defects_lost, defects_paths,
    defects_payment, defects_replay, defects_settlement, defects_terms, defects_trust, metered,
};

/// Whether the deviation shows on this server.
async fn observed(rig: &Rig, defect: Defect) -> bool {
    if let Some(seen) = defects_challenge::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = browsers::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_payment::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_paths::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_hygiene::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_lost::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_replay::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_trust::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_terms::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = defects_identifier::observed(rig, defect).await {
        return seen;
    }
    if let Some(seen) = metered::observed(rig, defect).await {
        return seen;
    }
    let seen = defects_settlement::observed(rig, defect).await;
    seen.unwrap_or_else(|| panic!("nothing looks for {defect}"))
}

#[tokio::test]
async fn every_defect_shows_and_the_correct_server_has_none() {
    let wrong: Vec<String> = stream::iter(Defect::ALL)
        .map(|defect| async move {
            let with = observed(&Rig::with_defect(*defect).await, *defect).await;
            let without = observed(&Rig::honest().await, *defect).await;
            (!with || without).then(|| format!("{defect}: with {with}, without {without}"))
        })
        .buffer_unordered(4)
        .filter_map(|wrong| async { wrong })
        .collect()
        .await;
    assert_eq!(wrong, Vec::<String>::new());
}

/// Defects that leave nothing to buy, or nothing to pay.
const NO_SALE: &[Defect] = &[
    Defect::ChallengeMissing,
    Defect::ChallengeTwice,
    Defect::ChallengeNotBase64,
    Defect::ChallengeNotObject,
    Defect::AcceptsEmpty,
    Defect::AcceptsNotArray,
    Defect::AcceptsMissingAmount,
    Defect::AcceptsMissingPayTo,
    Defect::AmountNumber,
    Defect::AmountDecimal,
    Defect::NetworkNotCaip2,
    Defect::ServeUnpaid,
    Defect::RouteError,
    Defect::RouteUnauthorized,
    Defect::RouteForbidden,
    Defect::RouteNotFound,
    Defect::RouteMethod,
    Defect::RouteLimited,
    Defect::RouteRedirect,
    Defect::RouteHangs,
    Defect::HugeHeader,
    Defect::SupportedOnly,
    Defect::AcceptAnyHeader,
    Defect::RefuseEverything,
    Defect::OtherAmountForwarded,
    Defect::VerifyOnly,
    Defect::ChargeWithoutService,
];

#[tokio::test]
async fn all_other_defects_still_sell_to_an_honest_client() {
    for defect in Defect::ALL
        .iter()
        .filter(|defect| !NO_SALE.contains(defect))
    {
        let rig = Rig::with_defect(*defect).await;
        let response = rig.buy(Version::V2, "/paid").await;
        assert!(
            response.status == 200 && granted(&response),
            "{defect}: {}",
            response.status
        );
        while *defect == Defect::SettleInBackground && rig.moved().await.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.moved().await.len(), 1, "{defect}");
    }
}
