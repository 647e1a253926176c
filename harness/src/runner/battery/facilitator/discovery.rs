//! The list of resources, and what a facilitator with `bazaar` puts on it.

use futures_util::FutureExt as _;
use serde_json::json;
use x402_assay_protocol::write;

use super::canary::Canary;
use super::{Battery, Section};
use crate::client::facilitator::How;
use crate::runner::session::SendError;

const LIST: &str = "/discovery/resources";

pub(super) const SECTION: Section = Section {
    calls: 7,
    run: |battery| discovery(battery).boxed(),
};

async fn discovery(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.leads {
        return Ok(());
    }
    look(battery).await?;
    match battery.extensions.iter().any(|name| name == "bazaar") {
        true => listed(battery).await,
        false => {
            let text = "/supported does not name the extension bazaar";
            battery.session.note(Some("bazaar/listed"), text);
            Ok(())
        }
    }
}

/// Asks for the list; where there is one, for parts of it.
pub(super) async fn look(battery: &Battery<'_>) -> Result<(), SendError> {
    let first = battery.get("discovery/all", LIST).await?;
    let is_there = first.response().is_some_and(|answer| {
        let body = serde_json::from_slice::<serde_json::Value>(&answer.body);
        answer.is_success() && body.is_ok_and(|body| body.is_object())
    });
    if is_there {
        for (name, query) in [
            ("one", "limit=1"),
            ("hundred", "limit=100"),
            ("second", "limit=1&offset=1"),
        ] {
            let probe = format!("discovery/{name}");
            battery.get(&probe, &format!("{LIST}?{query}")).await?;
        }
    }
    Ok(())
}

/// Settles a payment whose resource asks to be listed: its information fails its schema, and the schema refers to a
/// document elsewhere.
async fn listed(battery: &Battery<'_>) -> Result<(), SendError> {
    let Ok(canary) = Canary::start().await else {
        battery
            .session
            .note(Some("bazaar/listed"), "no port for the canary is free");
        return Ok(());
    };
    let mut ask = battery.desk().ask(How::Honest);
    let declared = json!({
        "bazaar": {
            "info": { "input": { "type": "http", "method": 7 } },
            "schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": { "input": { "$ref": canary.url() } },
                "required": ["input", "never-there"],
            },
        },
    });
    write::set(&mut ask.message, "/extensions", Some(declared));
    let signed = battery.record(ask, None);
    battery.verify("bazaar-bad", &signed).await?;
    battery.settle("bazaar-bad", &signed).await?;
    battery.get("bazaar/listed", LIST).await?;
    if canary.was_fetched() {
        battery.session.note(Some("bazaar/fetched"), canary.url());
    }
    Ok(())
}
