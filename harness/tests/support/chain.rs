//! A real Anvil for a test.

use std::path::PathBuf;

use x402_assay::chain::{AnvilChain, AnvilConfig, AnvilSearch, find_or_install};

use super::requirements::require;

/// The x402-assay executable, which is every child's guard.
pub(crate) fn guard_exe() -> PathBuf {
    env!("CARGO_BIN_EXE_x402-assay").into()
}

/// Anvil's binary, installed into the cache when the machine has none.
#[expect(clippy::print_stderr, reason = "a download must be seen")]
pub(crate) async fn anvil_binary() -> Option<PathBuf> {
    let search = AnvilSearch::from_env(None, true);
    let found = find_or_install(&search, &guard_exe(), &|line| eprintln!("{line}")).await;
    require("anvil", found.map(|found| found.path))
}

/// A fresh chain. Only a missing Anvil is skipped; one that does not start fails the test.
pub(crate) async fn start_anvil(chain_id: u64) -> Option<AnvilChain> {
    let config = AnvilConfig::new(anvil_binary().await?, guard_exe(), chain_id);
    match AnvilChain::start(&config).await {
        Ok(chain) => Some(chain),
        Err(error) => panic!("{error}"),
    }
}
