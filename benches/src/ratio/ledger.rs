//! Settlements of the mock's ledger on a real Anvil that makes a block a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;
use x402_assay::chain::{
    AnvilChain, AnvilConfig, AnvilSearch, AssayToken, TokenSpec, connect, find_or_install,
};
use x402_assay_protocol::{Authorization, PayerKey, network, payment::fresh_nonce};
use x402_mock_facilitator::{
    EvmLedger, EvmOptions, Ledger, SettleOutcome, SignedAuthorization, dev_signers,
};

use super::row::Limit;
use super::{Row, Size, tool};
use crate::payment as sample;

const PAYMENTS: usize = 30_000;
const SIGNERS: u32 = 8;
/// Settlements a signer has open: with eight of them, more than a block of one second takes.
const LANE_DEPTH: usize = 1_024;
/// Settlements that are open at one time.
const OPEN: usize = SIGNERS as usize * LANE_DEPTH;
const BLOCK: Duration = Duration::from_secs(1);

pub(super) fn run(_: Size) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(settle_all())
}

async fn settle_all() -> Result<Vec<Row>> {
    let guard = tool::own()?;
    let search = AnvilSearch::from_env(None, true);
    let found = find_or_install(&search, &guard, &|_| ()).await?;
    let config = AnvilConfig {
        block_time: Some(BLOCK),
        ..AnvilConfig::new(found.path, guard, network::DEFAULT_CHAIN_ID)
    };
    let chain = AnvilChain::start(&config).await?;
    let provider = connect(chain.endpoint());
    let usdc = network::by_chain_id(network::DEFAULT_CHAIN_ID).context("the default network")?;
    let token = AssayToken::place(&provider, TokenSpec::usdc(usdc)).await?;
    let payer = sample::payer();
    token
        .mint(payer.address(), U256::from(PAYMENTS as u64))
        .await?;
    let options = EvmOptions {
        lane_depth: LANE_DEPTH,
        ..EvmOptions::default()
    };
    let ledger = EvmLedger::connect(chain.endpoint().clone(), dev_signers(SIGNERS), options).await;
    let ledger = Arc::new(ledger.map_err(|error| anyhow::anyhow!("{error:?}"))?);
    let now = ledger
        .now()
        .await
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let payments = signed_ahead(&payer, &token, now);

    let began = Instant::now();
    let (mut settling, mut at) = (JoinSet::new(), Vec::with_capacity(PAYMENTS));
    let mut left = payments.into_iter();
    loop {
        while settling.len() < OPEN
            && let Some(payment) = left.next()
        {
            let ledger = Arc::clone(&ledger);
            settling.spawn(async move {
                let outcome = ledger.settle(&payment, &|_| {}).await;
                (outcome, began.elapsed())
            });
        }
        let Some(settled) = settling.join_next().await else {
            break;
        };
        let (outcome, when) = settled?;
        ensure!(
            matches!(outcome, SettleOutcome::Mined { .. }),
            "a settlement ended as {outcome:?}"
        );
        at.push(when.as_secs_f64());
    }
    chain.stop().await;
    at.sort_by(f64::total_cmp);
    let tenth = PAYMENTS / 10;
    // Settlements become known a block at a time: a tenth is measured from the end of the block before it.
    let rate = |from: usize, to: usize| -> f64 {
        let before = if from == 0 { 0.0 } else { at[from - 1] };
        (to - from) as f64 / (at[to - 1] - before)
    };
    let all = rate(0, PAYMENTS);
    let (first, last) = (rate(0, tenth), rate(PAYMENTS - tenth, PAYMENTS));
    Ok(vec![
        Row::told("settled on Anvil, 30,000 payments", all, "/s").held_to(Limit::AtLeast(2_000.0)),
        Row::told("the first tenth", first, "/s"),
        Row::told("the last tenth", last, "/s"),
        Row::told("last tenth / first tenth", last / first, "x").held_to(Limit::AtLeast(0.85)),
    ])
}

fn signed_ahead(payer: &PayerKey, token: &AssayToken, now: u64) -> Vec<SignedAuthorization> {
    let separator: B256 = token.separator();
    let one = |_| {
        let authorization = Authorization {
            from: payer.address(),
            to: PayerKey::derived("bar-shop", 0, 0).address(),
            value: U256::from(1),
            valid_after: U256::ZERO,
            valid_before: U256::from(now + 3_600),
            nonce: fresh_nonce(),
        };
        let signature = payer.sign(&authorization.digest(&separator));
        SignedAuthorization::new(token.spec().asset, authorization, signature.0.into())
    };
    (0..PAYMENTS).map(one).collect()
}
