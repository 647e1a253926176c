//! Networks the bench can stand in for, with their canonical USDC (wire-format section 4).

use alloy_primitives::{Address, address};

use crate::eip3009::TokenDomain;

/// One EVM network of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// CAIP-2 identifier, used by v2.
    pub caip2: &'static str,
    /// Short name used by v1; Arbitrum has none.
    pub v1_name: Option<&'static str>,
    /// Name for people.
    pub title: &'static str,
    /// Canonical USDC contract (6 decimals).
    pub usdc: Address,
    /// EIP-712 domain name of that USDC.
    pub usdc_name: &'static str,
    /// EIP-712 domain version of that USDC.
    pub usdc_version: &'static str,
}

/// The network used when nothing else is said: Base Sepolia.
pub const DEFAULT_CHAIN_ID: u64 = 84532;

/// Every EVM network of the table.
pub const NETWORKS: &[Network] = &[
    entry(
        8453,
        "eip155:8453",
        Some("base"),
        "Base",
        address!("833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
        "USD Coin",
    ),
    entry(
        84532,
        "eip155:84532",
        Some("base-sepolia"),
        "Base Sepolia",
        address!("036CbD53842c5426634e7929541eC2318f3dCF7e"),
        "USDC",
    ),
    entry(
        1,
        "eip155:1",
        Some("ethereum"),
        "Ethereum",
        address!("A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
        "USD Coin",
    ),
    entry(
        11_155_111,
        "eip155:11155111",
        Some("sepolia"),
        "Sepolia",
        address!("1c7D4B196Cb0C7B01d743Fbc6116a902379C7238"),
        "USDC",
    ),
    entry(
        137,
        "eip155:137",
        Some("polygon"),
        "Polygon",
        address!("3c499c542cEF5E3811e1192ce70d8cC03d5c3359"),
        "USD Coin",
    ),
    entry(
        80002,
        "eip155:80002",
        Some("polygon-amoy"),
        "Polygon Amoy",
        address!("41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582"),
        "USDC",
    ),
    entry(
        42161,
        "eip155:42161",
        None,
        "Arbitrum One",
        address!("af88d065e77c8cC2239327C5EDb3A432268e5831"),
        "USD Coin",
    ),
    entry(
        421_614,
        "eip155:421614",
        None,
        "Arbitrum Sepolia",
        address!("75faf114eafb1BDbe2F0316DF893fd58CE46AA4d"),
        "USD Coin",
    ),
    entry(
        43114,
        "eip155:43114",
        Some("avalanche"),
        "Avalanche",
        address!("B97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E"),
        "USD Coin",
    ),
    entry(
        43113,
        "eip155:43113",
        Some("avalanche-fuji"),
        "Avalanche Fuji",
        address!("5425890298aed601595a70AB815c96711a31Bc65"),
        "USD Coin",
    ),
];

/// Solana networks advertised in `/supported`, as (CAIP-2, v1 name); the bench cannot settle there.
pub const SOLANA: &[(&str, &str)] = &[
    ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana"),
    ("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "solana-devnet"),
];

const fn entry(
    chain_id: u64,
    caip2: &'static str,
    v1_name: Option<&'static str>,
    title: &'static str,
    usdc: Address,
    usdc_name: &'static str,
) -> Network {
    Network {
        chain_id,
        caip2,
        v1_name,
        title,
        usdc,
        usdc_name,
        usdc_version: "2",
    }
}

impl Network {
    /// The EIP-712 domain of this network's USDC.
    pub fn usdc_domain(&self) -> TokenDomain {
        TokenDomain {
            name: self.usdc_name.to_owned(),
            version: self.usdc_version.to_owned(),
            chain_id: self.chain_id,
            verifying_contract: self.usdc,
        }
    }
}

/// The table's entry for a chain id.
pub fn by_chain_id(chain_id: u64) -> Option<&'static Network> {
    NETWORKS.iter().find(|network| network.chain_id == chain_id)
}

/// The chain id behind a network name of either version: any `eip155:N`, or a v1 name of the table.
pub fn chain_id(name: &str) -> Option<u64> {
    match name.strip_prefix("eip155:") {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
        Some(_) => None,
        None => NETWORKS
            .iter()
            .find(|n| n.v1_name == Some(name))
            .map(|n| n.chain_id),
    }
}

/// The CAIP-2 identifier of a chain id.
pub fn caip2(chain_id: u64) -> String {
    format!("eip155:{chain_id}")
}
