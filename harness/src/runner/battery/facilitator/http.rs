//! Requests that hold no question, and odd ones around a good payment.

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use x402_mock_facilitator::event::Endpoint;

use super::{Battery, Section};
use crate::runner::session::SendError;

pub(super) const SECTION: Section = Section {
    calls: 14,
    run: |battery| odd(battery).boxed(),
};

async fn odd(battery: &Battery<'_>) -> Result<(), SendError> {
    let good = battery.good();
    let (payment, terms) = (&good.ask.message, &good.ask.requirements);
    let number = battery.version.number();
    let bodies: [(&str, Value); 3] = [
        (
            "no-payload",
            json!({ "x402Version": number, "paymentRequirements": terms }),
        ),
        (
            "no-requirements",
            json!({ "x402Version": number, "paymentPayload": payment }),
        ),
        ("empty-object", json!({})),
    ];
    for (place, endpoint) in [("verify", Endpoint::Verify), ("settle", Endpoint::Settle)] {
        for (name, body) in &bodies {
            let probe = format!("http/{place}/{name}");
            battery
                .post(&probe, endpoint, body.to_string().into(), None)
                .await?;
        }
        let probe = format!("http/{place}/not-json");
        let text = Bytes::from_static(b"{\"x402Version\": ");
        battery.post(&probe, endpoint, text, None).await?;
    }
    let outer = [
        (
            "no-outer-version",
            json!({ "paymentPayload": payment, "paymentRequirements": terms }),
        ),
        (
            "other-outer-version",
            json!({ "x402Version": 3 - number, "paymentPayload": payment, "paymentRequirements": terms }),
        ),
    ];
    for (name, body) in outer {
        let body = body.to_string().into();
        battery
            .post(
                &format!("http/{name}"),
                Endpoint::Verify,
                body,
                Some(good.number),
            )
            .await?;
    }
    if battery.leads {
        battery.get("http/get-verify", "/verify").await?;
        battery.get("http/get-settle", "/settle").await?;
        battery
            .get("http/unknown-path", "/x402-assay-nowhere")
            .await?;
    }
    battery.verify_good("after-http").await?;
    Ok(())
}
