//! A facilitator on the published `x402-facilitator-local`: exact EIP-3009 and Permit2 for one network, protocol
//! versions 1 and 2, with the settings its documentation shows.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use serde_json::json;
use x402_chain_eip155::chain::Eip155ChainProvider;
use x402_chain_eip155::chain::config::Eip155ChainConfig;
use x402_chain_eip155::{V1Eip155Exact, V2Eip155Exact};
use x402_facilitator_local::util::SigDown;
use x402_facilitator_local::{FacilitatorLocal, handlers};
use x402_types::chain::{ChainId, ChainProviderOps, ChainRegistry, FromConfig};
use x402_types::scheme::{
    SchemeBlueprints, SchemeConfig, SchemeRegistry, X402SchemeFacilitator,
    X402SchemeFacilitatorBuilder,
};

/// The chain's provider; a type of our own, so that schemes can be built on it.
struct Evm(Arc<Eip155ChainProvider>);

impl ChainProviderOps for Evm {
    fn signer_addresses(&self) -> Vec<String> {
        ChainProviderOps::signer_addresses(self.0.as_ref())
    }

    fn chain_id(&self) -> ChainId {
        self.0.chain_id()
    }
}

type Built = Result<Box<dyn X402SchemeFacilitator>, Box<dyn Error>>;

impl X402SchemeFacilitatorBuilder<&Evm> for V1Eip155Exact {
    fn build(&self, provider: &Evm, config: Option<serde_json::Value>) -> Built {
        self.build(Arc::clone(&provider.0), config)
    }
}

impl X402SchemeFacilitatorBuilder<&Evm> for V2Eip155Exact {
    fn build(&self, provider: &Evm, config: Option<serde_json::Value>) -> Built {
        self.build(Arc::clone(&provider.0), config)
    }
}

#[tokio::main]
async fn main() {
    if let Err(error) = serve().await {
        eprintln!("error: {error}");
        std::process::exit(2);
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let network = optional(&["NETWORK"]).unwrap_or_else(|| "eip155:84532".to_owned());
    let id: ChainId = network.parse()?;
    let config = Eip155ChainConfig {
        chain_reference: (&id).try_into()?,
        inner: serde_json::from_value(json!({
            "signers": [required(&["PRIVATE_KEY", "EVM_PRIVATE_KEY"])?],
            "rpc": [{ "http": required(&["RPC_URL", "EVM_RPC_URL"])? }],
        }))?,
    };
    let provider = Evm(Arc::new(Eip155ChainProvider::from_config(&config).await?));
    let chains = ChainRegistry::new(HashMap::from([(id, provider)]));
    let blueprints = SchemeBlueprints::new()
        .and_register(V1Eip155Exact)
        .and_register(V2Eip155Exact);
    let schemes: Vec<SchemeConfig> = serde_json::from_value(json!([
        { "id": "v1-eip155-exact", "chains": network },
        { "id": "v2-eip155-exact", "chains": network },
    ]))?;
    let facilitator = FacilitatorLocal::new(SchemeRegistry::build(chains, blueprints, &schemes));
    let app = handlers::routes().with_state(Arc::new(facilitator));

    let host = optional(&["HOST"]).unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = optional(&["PORT"]).unwrap_or_else(|| "4022".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("{host}:{port}")).await?;
    println!(
        "rust facilitator listening on http://{}",
        listener.local_addr()?
    );
    let ended = SigDown::try_new()?.cancellation_token();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move { ended.cancelled().await })
        .await?;
    Ok(())
}

/// The first of `names` that is set and not empty.
fn optional(names: &[&str]) -> Option<String> {
    let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
    values.find(|value| !value.is_empty())
}

fn required(names: &[&str]) -> Result<String, String> {
    optional(names).ok_or_else(|| format!("set {}", names.join(" or ")))
}
