//! What stands between payment and delivery: a handler that fails or answers oddly, a settlement that comes late and says
//! no, what the facilitator tells the server alone.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;
use x402_assay_protocol::{Version, header};
use x402_mock_facilitator::event::Endpoint;
use x402_mock_facilitator::faults::{Headers, Latency, Lie};

use super::faulted::Trouble;
use super::{Battery, Section};
use crate::config::profile::{Route, RouteKind};
use crate::runner::session::SendError;

/// How late a settlement is that then fails: long for a server that does not wait for it, short for the run.
const LATE: Duration = Duration::from_millis(150);
/// What a handler may answer besides 200.
const STATUSES: [u16; 4] = [201, 204, 206, 302];
/// What the facilitator tells the server about an extension; the judge looks for it in what the client gets.
const ASIDE: &str = "x402-assay-aside";

pub(super) const SECTION: Section = Section {
    requests: |_| 2 * (1 + STATUSES.len() + 2 + 1),
    run: |battery| delivery(battery).boxed(),
};

async fn delivery(battery: &Battery<'_>) -> Result<(), SendError> {
    let origin = &battery.session.profile.origin;
    if let Some(template) = &origin.status {
        let names = STATUSES.map(|status| (status, format!("flow/status-{status}")));
        let failing = (500, "flow/handler-error".to_owned());
        for (status, name) in std::iter::once(failing).chain(names) {
            let route = route_to(battery, template.replace("{code}", &status.to_string()));
            battery.on(&route).buy(&name).await?;
        }
    }
    if !battery.can_fault("flow").await {
        return Ok(());
    }
    let late = LATE.min(battery.session.patience);
    let latency = Latency {
        delay_ms: u64::try_from(late.as_millis()).unwrap_or_default(),
        ..Latency::default()
    };
    let failing: [Trouble; 2] = [
        (Some(Endpoint::Settle), latency.into()),
        (Some(Endpoint::Settle), Lie::without_work(false).into()),
    ];
    battery.pay_under("flow/late-failure", &failing).await?;
    if let Some(path) = origin.stream.clone() {
        let route = route_to(battery, path);
        let streaming = battery.on(&route);
        let probe = "flow/late-failure-stream";
        streaming.pay_under(probe, &failing).await?;
    }
    if battery.version == Version::V2 {
        let aside = header::encode(&json!({ "bazaar": { "status": "processing" }, ASIDE: {} }));
        let told: [Trouble; 1] = [(None, Headers::one("extension-responses", aside).into())];
        battery.pay_under("flow/extension-responses", &told).await?;
    }
    Ok(())
}

/// A path of the origin, asked for as the first route is.
pub(super) fn route_to(battery: &Battery<'_>, path: String) -> Route {
    Route {
        path,
        example: None,
        kind: RouteKind::Static,
        ..battery.route.clone()
    }
}
