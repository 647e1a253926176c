//! Compiled contracts, embedded from `contracts/artifacts/`.

use std::sync::LazyLock;

use alloy_primitives::Bytes;
use serde::Deserialize;

/// A contract of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// The FiatToken-like token.
    AssayToken,
    /// Several calls in one.
    Multicall3,
    /// ERC-1271 and ERC-6492 signature checks.
    SignatureValidator,
    /// Zoo: keeps one percent of every transfer.
    FeeOnTransferToken,
    /// Zoo: answers false and moves nothing.
    ReturnsFalseToken,
    /// Zoo: a used nonce succeeds and moves nothing.
    SilentNonceToken,
}

#[derive(Deserialize)]
struct Artifact {
    runtime: Bytes,
}

macro_rules! runtime {
    ($name:literal) => {{
        static CODE: LazyLock<Bytes> = LazyLock::new(|| {
            parse(include_str!(concat!(
                "../../contracts/artifacts/",
                $name,
                ".json"
            )))
        });
        &CODE
    }};
}

impl Contract {
    /// Every contract.
    pub const ALL: [Self; 6] = [
        Self::AssayToken,
        Self::Multicall3,
        Self::SignatureValidator,
        Self::FeeOnTransferToken,
        Self::ReturnsFalseToken,
        Self::SilentNonceToken,
    ];

    /// The code to place; no constructor ever runs.
    pub fn runtime(self) -> &'static Bytes {
        match self {
            Self::AssayToken => runtime!("AssayToken"),
            Self::Multicall3 => runtime!("Multicall3"),
            Self::SignatureValidator => runtime!("SignatureValidator"),
            Self::FeeOnTransferToken => runtime!("FeeOnTransferToken"),
            Self::ReturnsFalseToken => runtime!("ReturnsFalseToken"),
            Self::SilentNonceToken => runtime!("SilentNonceToken"),
        }
    }
}

fn parse(json: &str) -> Bytes {
    let artifact: Artifact =
        serde_json::from_str(json).expect("a test reads every committed artifact");
    artifact.runtime
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artifact_is_readable_and_within_the_code_size_limit() {
        for contract in Contract::ALL {
            let size = contract.runtime().len();
            assert!(
                (100..=24_576).contains(&size),
                "{contract:?} has {size} bytes"
            );
        }
    }
}
