//! The end of a load: the ledger at rest, and what it says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use x402_mock_facilitator::CallTally;

use super::audit::Audit;
use super::figures;
use super::run::{Field, LoadError};
use crate::http::{ProbeClient, ProbeClientOptions, Request};
use crate::service::ControlClient;

/// How often it is asked whether everything is at rest.
const REST_POLL: Duration = Duration::from_millis(100);
/// Blocks of the first page of the ledger; later ones are as long as fits.
const PAGE_BLOCKS: u64 = 256;
/// Most blocks on one page.
const PAGE_BLOCKS_MAX: u64 = 8_192;
/// Records of one page that are enough.
const PAGE_RECORDS: usize = 10_000;

/// Waits until no call is open and every settlement is mined; what the facilitator counted, and whether that came true.
pub(super) async fn at_rest(
    field: &Field<'_>,
    mut tally: CallTally,
) -> Result<(CallTally, bool), LoadError> {
    field
        .progress
        .stage("waiting for everything to come to rest");
    let deadline = Instant::now() + field.patience;
    if let Some((at, chain)) = field.stranger() {
        let rested = figures::at_rest(field.control, at, chain, deadline).await?;
        return Ok((tally, rested));
    }
    loop {
        let decided = tally.mined + tally.reverted;
        if tally.open == 0 && decided >= tally.broadcast {
            return Ok((tally, true));
        }
        if Instant::now() >= deadline {
            return Ok((tally, false));
        }
        tokio::time::sleep(REST_POLL).await;
        tally = field.control.call_tally().await?;
    }
}

/// Reads all of the ledger after a block, page by page.
pub(super) async fn read_ledger(
    control: &ControlClient,
    chain_id: u64,
    after: u64,
    audit: &mut Audit<'_>,
) -> Result<(), LoadError> {
    let (mut from, mut blocks) = (after + 1, PAGE_BLOCKS);
    loop {
        let to = from.saturating_add(blocks - 1);
        let page = control.records_between(chain_id, (from, to)).await?;
        audit.read(&page.records);
        if to >= page.head {
            return Ok(());
        }
        from = to + 1;
        blocks = match page.records.len() {
            few if few < PAGE_RECORDS / 2 => (blocks * 2).min(PAGE_BLOCKS_MAX),
            many if many > PAGE_RECORDS * 2 => (blocks / 2).max(1),
            _ => blocks,
        };
    }
}

/// The origin's counter of its paid handler's runs, if it has one and answers.
pub(super) async fn executions(field: &Field<'_>) -> Option<u64> {
    let path = field.profile.origin.executions.as_ref()?;
    let url = field.profile.url_of(path, field.port)?;
    let options = ProbeClientOptions {
        extra_ca: field.profile.tls.ca.clone(),
        insecure: field.profile.tls.insecure,
        ..ProbeClientOptions::default()
    };
    let client = ProbeClient::new(options).ok()?;
    let exchange = client.send(Request::get(url)).await;
    let answer: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&exchange.response()?.body).ok()?;
    answer.get("count")?.as_u64()
}
