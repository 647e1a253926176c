//! Flags of the binary.

use std::net::IpAddr;
use std::path::Path;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use clap::{Parser, ValueEnum};
use url::Url;
use x402_assay_protocol::eip3009::{parse_address, parse_decimal};
use x402_assay_protocol::network;
use x402_mock_facilitator::personality::named_or_file;
use x402_mock_facilitator::{Defect, Personality};

/// A correct, strict x402 facilitator for tests. Not for production: its keys are public.
#[derive(Debug, Parser)]
#[command(name = "x402-mock-facilitator", version)]
pub(crate) struct Args {
    /// Address both ports listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,

    /// Port of the facilitator; 0 takes a free one
    #[arg(long, default_value_t = 4402)]
    pub(crate) port: u16,

    /// Port of the control API; 0 takes a free one. It listens on loopback only
    #[arg(long, default_value_t = 4403)]
    pub(crate) control_port: u16,

    /// Where money moves when there is no --rpc-url
    #[arg(long, value_enum, default_value_t = Chain::Memory, conflicts_with = "rpc_url")]
    pub(crate) chain: Chain,

    /// Settle on the chain behind this URL, a development node
    #[arg(long, value_name = "URL")]
    pub(crate) rpc_url: Option<Url>,

    /// Network: a v1 name such as base-sepolia, or CAIP-2. With --rpc-url it must be the node's
    #[arg(long, default_value = "eip155:84532", value_parser = parse_network)]
    pub(crate) network: u64,

    /// Gives an account some of the network's USDC, in base units; repeatable, memory only
    #[arg(long, value_name = "ADDRESS=AMOUNT", value_parser = parse_mint, conflicts_with = "rpc_url")]
    pub(crate) mint: Vec<(Address, U256)>,

    /// Seed of faults and holds; drawn and printed when absent
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    /// Makes the facilitator wrong on purpose; repeatable, or separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) defect: Vec<Defect>,

    /// Behaves as a known kind of facilitator: a name of `x402-assay list --personalities`, or a file
    #[arg(long, value_name = "NAME|FILE", value_parser = parse_personality)]
    pub(crate) personality: Option<Personality>,

    /// Key that sends settlements, in hex; repeatable. Default: the well-known development accounts
    #[arg(long, value_name = "HEX", requires = "rpc_url")]
    private_key: Vec<String>,
}

/// A ledger without a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Chain {
    /// In-process ledger: real signatures, no EVM
    Memory,
}

fn parse_network(text: &str) -> Result<u64, String> {
    network::chain_id(text).ok_or_else(|| {
        let names: Vec<&str> = network::NETWORKS.iter().filter_map(|n| n.v1_name).collect();
        format!(
            "no such network; use eip155:N or one of {}",
            names.join(", ")
        )
    })
}

fn parse_personality(text: &str) -> Result<Personality, String> {
    named_or_file(text, Path::new("")).map_err(|error| error.to_string())
}

fn parse_mint(text: &str) -> Result<(Address, U256), String> {
    let (owner, amount) = text.split_once('=').ok_or("expected ADDRESS=AMOUNT")?;
    let owner = parse_address(owner).ok_or("the address must be 0x and 40 hex digits")?;
    let amount = parse_decimal(amount).ok_or("the amount must be a whole number of base units")?;
    Ok((owner, amount))
}

impl Args {
    /// The keys of `--private-key`; read here and not by the parser, whose message would repeat a wrong one.
    pub(crate) fn signers(&self) -> Result<Vec<PrivateKeySigner>, String> {
        self.private_key
            .iter()
            .zip(1..)
            .map(|(text, nth)| {
                text.parse()
                    .map_err(|_| format!("value {nth} of --private-key is no 32-byte hex key"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(flags: &[&str]) -> Result<Args, String> {
        let flags = std::iter::once("x402-mock-facilitator").chain(flags.iter().copied());
        Args::try_parse_from(flags).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn networks_go_by_either_name() {
        assert_eq!(parse(&[]).unwrap().network, 84532);
        assert_eq!(parse(&["--network", "base"]).unwrap().network, 8453);
        assert_eq!(parse(&["--network", "eip155:5"]).unwrap().network, 5);
        let error = parse(&["--network", "basee"]).unwrap_err();
        assert!(
            error.contains("--network") && error.contains("base-sepolia"),
            "{error}"
        );
    }

    #[test]
    fn mints_are_addresses_and_whole_numbers() {
        let owner = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
        let args = parse(&[
            "--mint",
            &format!("{owner}=10000"),
            "--mint",
            &format!("{owner}=1"),
        ]);
        assert_eq!(args.unwrap().mint[0].1, U256::from(10_000));
        for bad in ["0x12=5", "5", &format!("{owner}=0.05")] {
            let error = parse(&["--mint", bad]).unwrap_err();
            assert!(error.contains("--mint"), "{error}");
        }
    }

    #[test]
    fn a_wrong_key_is_not_repeated() {
        let args = parse(&[
            "--rpc-url",
            "http://127.0.0.1:1",
            "--private-key",
            "0xsecretkey",
        ]);
        let error = args.unwrap().signers().unwrap_err();
        assert!(
            error.contains("--private-key") && !error.contains("secretkey"),
            "{error}"
        );
    }

    #[test]
    fn defects_go_by_name() {
        let args = parse(&["--defect", "verify-settles,window-ignored", "--seed", "7"]).unwrap();
        assert_eq!(args.defect, [Defect::VerifySettles, Defect::WindowIgnored]);
        assert_eq!(args.seed, Some(7));
        let error = parse(&["--defect", "verify-setles"]).unwrap_err();
        assert!(error.contains("did you mean `verify-settles`?"), "{error}");
    }

    #[test]
    fn personalities_go_by_name_or_file() {
        let args = parse(&["--personality", "slow-settle"]).unwrap();
        assert_eq!(args.personality.unwrap().name, "slow-settle");
        let error = parse(&["--personality", "slow-setle"]).unwrap_err();
        assert!(error.contains("did you mean `slow-settle`?"), "{error}");
    }

    #[test]
    fn memory_flags_and_rpc_flags_exclude_each_other() {
        let url = ["--rpc-url", "http://127.0.0.1:1"];
        assert!(parse(&[url[0], url[1], "--chain", "memory"]).is_err());
        assert!(parse(&["--private-key", &format!("0x{}", "11".repeat(32))]).is_err());
    }
}
