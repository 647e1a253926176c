//! Defects of paths, methods, bodies, doubled headers and identifiers: what the paywall misses and the router does not.

use http::Method;
use serde_json::json;
use x402_assay_protocol::{Version, header};

use super::super::Defect;
use super::rig::{Rig, granted};
use crate::client::SignedPayment;
use crate::http::Request;

/// Whether the deviation shows; `None` for defects of other kinds.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    let targets: &[&str] = match defect {
        Defect::BackslashUnpaid => &["/paid\\", "/paid%5C", "/items/7\\"],
        Defect::DoubleSlashUnpaid => &["//paid", "/items//7"],
        Defect::DotSegmentsUnpaid => &["/x/../paid"],
        Defect::PathParameterUnpaid => &["/paid;x=1", "/items/7;x=1"],
        Defect::BadEscapeUnpaid => &["/items/7%zz", "/files/a/x%zz"],
        Defect::EncodedSlashUnpaid => &["/items/7%2Fx", "/files/a%252Fx"],
        Defect::EncodedNewlineUnpaid => &["/files/a/x%0Ax", "/files/a/x%E2%80%A8x"],
        Defect::AbsoluteFormUnpaid => &["http://elsewhere.example/paid"],
        _ => return other(rig, defect).await,
    };
    for target in targets {
        let request = rig.request("/paid").with_target(*target);
        if !granted(&rig.send(request).await) {
            return Some(false);
        }
    }
    Some(rig.moved().await.is_empty())
}

async fn other(rig: &Rig, defect: Defect) -> Option<bool> {
    let unpaid = match defect {
        Defect::OtherMethodUnpaid => {
            let mut request = rig.request("/paid");
            request.method = Method::POST;
            request
        }
        Defect::BodyErrorUnpaid => rig.request("/generate").with_body("{"),
        Defect::BatchUnpaid => rig.request("/generate").with_body("[{},{}]"),
        Defect::RepeatedHeaderUnsettled => {
            let payment = rig.sign(Version::V2, "/paid").await;
            let request = rig.paying("/paid", &payment);
            request.with_header(payment.header_name, payment.header_value.clone())
        }
        _ => return by_id(rig, defect).await,
    };
    Some(granted(&rig.send(unpaid).await) && rig.moved().await.is_empty())
}

async fn by_id(rig: &Rig, defect: Defect) -> Option<bool> {
    let path = match defect {
        Defect::IdForAnyBody => "/generate",
        Defect::IdForAnyPayer | Defect::IdForAnyRoute => "/paid",
        _ => return None,
    };
    let payment = identified(rig, path, ID).await;
    assert!(granted(&rig.pay(path, &payment).await));
    let stolen: Request = match defect {
        Defect::IdForAnyBody => rig.paying(path, &payment).with_body("[1]"),
        Defect::IdForAnyRoute => rig.paying("/items/7", &payment),
        _ => {
            let mut forged = identified(rig, path, ID).await;
            let mut message = header::decode(forged.header_value.as_bytes())
                .unwrap()
                .value;
            message["payload"]["authorization"]["from"] = json!(super::rig::PAY_TO);
            forged.header_value = header::encode(&message);
            rig.paying(path, &forged)
        }
    };
    Some(granted(&rig.send(stolen).await) && rig.moved().await.len() == 1)
}

const ID: &str = "assay-test-identifier";

/// A payment with the challenge's extensions echoed and an identifier put in.
async fn identified(rig: &Rig, path: &str, id: &str) -> SignedPayment {
    let read = crate::client::read(Version::V2, &rig.get(path).await).unwrap();
    let mut extensions = read.challenge.raw["extensions"].clone();
    extensions["payment-identifier"]["info"]["id"] = json!(id);
    let mut payment = rig.sign(Version::V2, path).await;
    let mut message = header::decode(payment.header_value.as_bytes())
        .unwrap()
        .value;
    message["extensions"] = extensions;
    payment.header_value = header::encode(&message);
    payment
}

#[tokio::test]
async fn a_repeat_with_its_identifier_gets_the_first_answer_and_anything_else_a_conflict() {
    let rig = Rig::honest().await;
    let payment = identified(&rig, "/generate", ID).await;
    let first = rig.pay("/generate", &payment).await;
    let again = rig.pay("/generate", &payment).await;
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!((first.body, rig.server.executions()), (again.body, 1));
    assert!(again.headers.first(header::PAYMENT_RESPONSE).is_some());
    let other = identified(&rig, "/generate", ID).await;
    for request in [
        rig.paying("/generate", &other),
        rig.paying("/generate", &payment).with_body("[1]"),
        rig.paying("/paid", &payment),
    ] {
        let refused = rig.send(request).await;
        assert_eq!((refused.status, granted(&refused)), (409, false));
    }
    let short = identified(&rig, "/paid", "short").await;
    assert_eq!(rig.pay("/paid", &short).await.status, 400);
    assert_eq!(rig.moved().await.len(), 1);
}

#[tokio::test]
async fn a_path_in_another_form_is_refused_or_asked_to_pay() {
    let rig = Rig::honest().await;
    for (target, status) in [
        ("/paid\\", 404),
        ("//paid", 404),
        ("/paid/x%zz", 404),
        ("/items/7%2Fx", 402),
        ("/items/7%zz", 402),
        ("/items/7\\", 402),
        ("/files/a/x%0Ax", 402),
        ("http://elsewhere.example/paid", 402),
    ] {
        let answer = rig.send(rig.request("/paid").with_target(target)).await;
        assert_eq!(
            (answer.status, granted(&answer)),
            (status, false),
            "{target}"
        );
    }
    assert_eq!(rig.server.executions(), 0);
}
