//! Looking for the defects of challenges and of whole routes.

use std::time::Duration;

use http::Method;
use x402_assay_protocol::header::{Encoding, HeaderError, PAYMENT_REQUIRED};
use x402_assay_protocol::{ProblemKind, Version};

use super::super::Defect;
use super::rig::{Rig, granted};
use crate::client::{Unreadable, read};
use crate::history::event::Trouble;
use crate::http::Response;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    if let Some(seen) = whole_route(rig, defect).await {
        return Some(seen);
    }
    if let Some(seen) = paths(rig, defect).await {
        return Some(seen);
    }
    let path_and_kind =
        |version, path: &'static str, kind: fn(&ProblemKind) -> bool| (version, path, kind);
    let missing: fn(&ProblemKind) -> bool = |kind| *kind == ProblemKind::Missing;
    let mistyped: fn(&ProblemKind) -> bool = |kind| matches!(kind, ProblemKind::WrongType { .. });
    let wrong: fn(&ProblemKind) -> bool = |kind| matches!(kind, ProblemKind::WrongValue { .. });
    let (version, path, kind) = match defect {
        Defect::VersionString => path_and_kind(Version::V2, "x402Version", mistyped),
        Defect::VersionWrong => path_and_kind(Version::V1, "x402Version", wrong),
        Defect::AcceptsEmpty => path_and_kind(Version::V2, "accepts", wrong),
        Defect::AcceptsNotArray => path_and_kind(Version::V2, "accepts", mistyped),
        Defect::AcceptsMissingAmount => path_and_kind(Version::V2, "accepts[0].amount", missing),
        Defect::AcceptsMissingPayTo => path_and_kind(Version::V2, "accepts[0].payTo", missing),
        Defect::AmountNumber => path_and_kind(Version::V2, "accepts[0].amount", mistyped),
        Defect::AmountDecimal => path_and_kind(Version::V2, "accepts[0].amount", wrong),
        Defect::NetworkNotCaip2 => path_and_kind(Version::V2, "accepts[0].network", wrong),
        Defect::ResourceMissing => path_and_kind(Version::V2, "resource", missing),
        Defect::V1MissingField => path_and_kind(Version::V1, "accepts[0].resource", missing),
        Defect::V1AmountDecimal => {
            path_and_kind(Version::V1, "accepts[0].maxAmountRequired", wrong)
        }
        _ => return unreadable(&rig.get("/paid").await, defect),
    };
    let challenge = read(version, &rig.get("/paid").await).unwrap().challenge;
    let mut problems = challenge.problems.iter();
    Some(problems.any(|problem| problem.path == path && kind(&problem.kind)))
}

fn unreadable(response: &Response, defect: Defect) -> Option<bool> {
    let v2 = read(Version::V2, response);
    let v1 = read(Version::V1, response);
    let why = v2.as_ref().err();
    let in_header = |error: &Unreadable, test: fn(&HeaderError) -> bool| match error {
        Unreadable::Header(error) => test(error),
        _ => false,
    };
    Some(match defect {
        Defect::ChallengeMissing => {
            why == Some(&Unreadable::NoHeader) && matches!(v1, Err(Unreadable::EmptyBody))
        }
        Defect::ChallengeTwice => why == Some(&Unreadable::SeveralHeaders(2)),
        Defect::ChallengeNotBase64 => why.is_some_and(|error| {
            in_header(error, |error| matches!(error, HeaderError::NotBase64(_)))
        }),
        Defect::ChallengeNotObject => {
            let header = why.is_some_and(|error| {
                in_header(error, |error| matches!(error, HeaderError::NotObject(_)))
            });
            header && matches!(v1, Err(Unreadable::BodyNotObject(_)))
        }
        Defect::ChallengeBase64url => {
            v2.is_ok_and(|challenge| challenge.encoding == Some(Encoding::UrlSafe))
        }
        Defect::V1NotJson => matches!(v1, Err(Unreadable::BodyNotJson(_))),
        Defect::ChallengeStatus200 => response.status == 200 && v2.is_ok(),
        Defect::ChallengeStatus401 => response.status == 401 && v2.is_ok(),
        Defect::HugeBody => response.truncated_from == Some(5 << 20),
        Defect::CachePublic => {
            let cache = response.headers.text("cache-control");
            cache.is_some_and(|value| value.contains("public"))
        }
        Defect::ServeUnpaid => response.status == 200 && granted(response),
        _ => return None,
    })
}

async fn whole_route(rig: &Rig, defect: Defect) -> Option<bool> {
    let status = match defect {
        Defect::RouteError => 500,
        Defect::RouteUnauthorized => 401,
        Defect::RouteForbidden => 403,
        Defect::RouteNotFound => 404,
        Defect::RouteMethod => 405,
        Defect::RouteLimited => 429,
        Defect::RouteRedirect => 302,
        Defect::RouteHangs => {
            let asked = tokio::time::timeout(Duration::from_millis(500), rig.get("/paid"));
            return Some(asked.await.is_err());
        }
        Defect::HugeHeader => {
            let outcome = rig.exchange(rig.request("/paid")).await.outcome;
            return Some(outcome.is_err_and(|failure| failure.trouble == Trouble::TooLarge));
        }
        Defect::SupportedOnly => {
            let unpaid = rig.get("/paid").await.status == 402;
            return Some(unpaid && !rig.front.calls("supported").is_empty());
        }
        _ => return None,
    };
    let response = rig.get("/paid").await;
    let unchallenged = response.headers.first(PAYMENT_REQUIRED).is_none();
    Some(response.status == status && unchallenged)
}

async fn paths(rig: &Rig, defect: Defect) -> Option<bool> {
    let path = match defect {
        Defect::EncodedPathUnpaid => "/%70aid",
        Defect::UpperCasePathUnpaid => "/PAID",
        Defect::TrailingSlashUnpaid => "/paid/",
        Defect::HeadUnpaid => {
            let mut request = rig.request("/paid");
            request.method = Method::HEAD;
            let status = rig.send(request).await.status;
            return Some(status == 200 && rig.server.executions() == 1);
        }
        _ => return None,
    };
    let served = granted(&rig.get(path).await);
    Some(served && rig.verifies() == 0)
}
