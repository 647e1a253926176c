//! Section Q: channels (batch-settlement).

use alloy_primitives::{Address, B256, Keccak256, U256, address, b256, hex, keccak256};
use serde_json::Value;
use x402_assay_protocol::eip3009::parse_address;
use x402_assay_protocol::{Signature, TokenDomain, Version, network};

use super::asked::ROW;
use super::bytes::{Seen, refused, same, seen, units};
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;

/// The contract of channels (wire-format section 7.2).
const CONTRACT: Address = address!("4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");
const CONFIG_TYPE: &[u8] = b"ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)";
const VOUCHER_TYPE: B256 =
    b256!("1e1bd6ff84c3e0d9029a292b212e039c0ca97ec497c55191a4a5874294609a69");

pub(super) const CHANNEL: Check = Check {
    id: "FAC-BATCH-001",
    title: "Channels: the id is that of the configuration",
    requirement: "The channel id equals the EIP-712 hash of its configuration; token, receiver, authorizer and delay match the requirement.",
    observe: "Every call with a channelConfig, judged from its bytes: the bench opens no channel.",
    good: "invalid_batch_settlement_evm_channel_id_mismatch",
    bad: "valid for another channel",
    source: "newer scheme_batch_settlement_evm, \"Verification Rules\"",
    versions: V2,
    level: Level::Must,
    judge: channel,
    cause: "the id is taken as it came",
    fix: "hash the configuration, and compare its members with the requirement",
    tags: &["facilitator", "batch"],
    ..ROW
};

pub(super) const VOUCHER: Check = Check {
    id: "FAC-BATCH-002",
    title: "Channels: the voucher is signed by its authorizer",
    requirement: "The voucher's signature is checked, and its ceiling lies within the balance and above what was claimed.",
    observe: "Every call with a voucher and its channelConfig, judged from its bytes: the signature, and the state that the answer names.",
    good: "invalid_batch_settlement_evm_voucher_signature",
    bad: "valid for anybody's signature",
    judge: voucher,
    cause: "the signature is not recovered",
    fix: "recover it over the voucher's EIP-712 digest and compare with payerAuthorizer",
    ..CHANNEL
};

pub(super) const SNAPSHOT: Check = Check {
    id: "FAC-BATCH-003",
    title: "Channels: answers show the channel's state",
    requirement: "Verify returns the channel's state in `extra`, settle in `extra.channelState`.",
    observe: "Every positive answer about a channel.",
    good: "\"extra\": {\"channelId\": \"0x...\", \"balance\": \"...\", \"totalClaimed\": \"...\"}",
    bad: "no extra: the server cannot follow the channel",
    grade: Grade::Warn,
    judge: snapshot,
    cause: "the answer is that of exact",
    fix: "add the state that was read",
    ..CHANNEL
};

const WHAT: &str = "batch-settlement";

fn is_batch(seen: &Seen<'_>) -> bool {
    seen.term("scheme") == "batch-settlement"
}

fn config_text<'c>(one: &Seen<'c>, name: &str) -> &'c str {
    one.payload_text(&format!("/channelConfig/{name}"))
}

/// The voucher, which a deposit carries as well.
fn voucher_text<'c>(one: &Seen<'c>, name: &str) -> &'c str {
    one.payload_text(&format!("/voucher/{name}"))
}

fn separator(one: &Seen<'_>) -> Option<B256> {
    let domain = TokenDomain {
        name: "x402 Batch Settlement".to_owned(),
        version: "1".to_owned(),
        chain_id: network::chain_id(one.term("network"))?,
        verifying_contract: CONTRACT,
    };
    Some(domain.separator())
}

fn digest(separator: B256, hash: B256) -> B256 {
    let mut keccak = Keccak256::new();
    keccak.update([0x19, 0x01]);
    keccak.update(separator);
    keccak.update(hash);
    keccak.finalize()
}

/// The id that the configuration has.
fn channel_id(one: &Seen<'_>) -> Option<B256> {
    let mut words = vec![keccak256(CONFIG_TYPE)];
    for name in [
        "payer",
        "payerAuthorizer",
        "receiver",
        "receiverAuthorizer",
        "token",
    ] {
        words.push(parse_address(config_text(one, name))?.into_word());
    }
    let delay = one.payload("/channelConfig/withdrawDelay")?;
    let delay = match delay {
        Value::String(text) => units(text)?,
        number => U256::from(number.as_u64()?),
    };
    words.push(delay.into());
    words.push(config_text(one, "salt").parse().ok()?);
    Some(digest(separator(one)?, keccak256(words.concat())))
}

fn channel(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    refused(&seen(judged, version, is_batch), WHAT, |one| {
        one.payload("/channelConfig")?;
        if !same(config_text(one, "token"), one.term("asset")) {
            return Some("the channel's token is not the asset".to_owned());
        }
        if !same(config_text(one, "receiver"), one.term("payTo")) {
            return Some("the channel's receiver is not payTo".to_owned());
        }
        let wanted = one.extra("receiverAuthorizer");
        if wanted.is_some_and(|wanted| !same(wanted, config_text(one, "receiverAuthorizer"))) {
            return Some("the receiver's authorizer is not the required one".to_owned());
        }
        let named = voucher_text(one, "channelId").parse::<B256>().ok()?;
        (named != channel_id(one)?)
            .then(|| "the channel id is not that of its configuration".to_owned())
    })
}

fn voucher(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_batch);
    refused(&all, WHAT, |one| {
        let id = voucher_text(one, "channelId").parse::<B256>().ok()?;
        let ceiling = units(voucher_text(one, "maxClaimableAmount"))?;
        let state = |name: &str| {
            let extra = one.call.response()?.get("extra")?;
            let state = extra.get("channelState").unwrap_or(extra);
            units(state.get(name)?.as_str()?)
        };
        if state("balance").is_some_and(|balance| ceiling > balance) {
            return Some("the ceiling exceeds the balance".to_owned());
        }
        if state("totalClaimed").is_some_and(|claimed| ceiling <= claimed) {
            return Some("the ceiling is claimed already".to_owned());
        }
        let authorizer = parse_address(config_text(one, "payerAuthorizer"))
            .filter(|address| !address.is_zero())
            .or_else(|| parse_address(config_text(one, "payer")))?;
        let words = [VOUCHER_TYPE, id, ceiling.into()];
        let digest = digest(separator(one)?, keccak256(words.concat()));
        let signature = voucher_text(one, "signature");
        // Longer ones are those of contracts, which the chain alone can judge.
        if hex::decode(signature).is_ok_and(|bytes| bytes.len() > 65) {
            return None;
        }
        let signer =
            Signature::from_hex(signature).and_then(|signature| signature.recover(&digest));
        (signer != Some(authorizer)).then(|| "the voucher is signed by somebody else".to_owned())
    })
}

fn snapshot(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let all = seen(judged, version, is_batch);
    let outcome: Outcome = all
        .iter()
        .filter(|one| one.call.says_yes())
        .map(|one| {
            let pointer = match one.is_settle() {
                true => "/extra/channelState",
                false => "/extra/channelId",
            };
            let there = one
                .call
                .response()
                .is_some_and(|body| body.pointer(pointer).is_some());
            match there {
                true => Outcome::pass("the channel's state is there", one.evidence()),
                false => Outcome::warn(
                    format!("{} without {pointer}", one.call.path()),
                    one.evidence(),
                ),
            }
        })
        .collect();
    outcome.or_skipped(format!(
        "no payer for {WHAT}: no call about a channel was seen"
    ))
}
