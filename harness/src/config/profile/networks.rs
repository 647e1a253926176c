//! Network names in profiles and flags.

use x402_assay_protocol::network::{NETWORKS, SOLANA, caip2 as caip2_of, chain_id};

use crate::config::did_you_mean;

/// Checks a CAIP-2 identifier (`eip155:84532`); the error names the right form.
pub fn caip2(text: &str) -> Result<String, String> {
    let Some((namespace, reference)) = text.split_once(':') else {
        return Err(match chain_id(text) {
            Some(id) => format!(
                "networks are CAIP-2 identifiers; `{text}` is \"{}\"",
                caip2_of(id)
            ),
            None => format!("`{text}` is not a CAIP-2 identifier like \"eip155:84532\""),
        });
    };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let wide = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let good = (3..=8).contains(&namespace.len())
        && namespace.chars().all(lower)
        && (1..=32).contains(&reference.len())
        && reference.chars().all(wide)
        && (namespace != "eip155" || reference.parse::<u64>().is_ok_and(|id| id > 0));
    if good {
        Ok(text.into())
    } else {
        Err(format!(
            "`{text}` is not a CAIP-2 identifier like \"eip155:84532\""
        ))
    }
}

/// Reads `--network`: `auto` is `None`, a CAIP-2 identifier or a v1 name is an EVM chain id.
pub fn parse_network_flag(text: &str) -> Result<Option<u64>, String> {
    if text == "auto" {
        return Ok(None);
    }
    if text.starts_with("solana")
        || SOLANA
            .iter()
            .any(|(caip2, v1)| *caip2 == text || *v1 == text)
    {
        return Err(format!(
            "the bench cannot settle on `{text}`; name an EVM network or `auto`"
        ));
    }
    if let Some(id) = chain_id(text).filter(|id| *id > 0) {
        return Ok(Some(id));
    }
    let names = NETWORKS.iter().filter_map(|network| network.v1_name);
    let hint = did_you_mean(text, names.chain(["auto"]));
    Err(format!(
        "`{text}` is no network: write `auto`, `eip155:84532` or a v1 name such as `base-sepolia`{hint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caip2_identifiers_are_checked() {
        for good in [
            "eip155:1",
            "eip155:84532",
            "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        ] {
            assert_eq!(caip2(good).as_deref(), Ok(good));
        }
        assert!(
            caip2("base-sepolia")
                .unwrap_err()
                .ends_with("`base-sepolia` is \"eip155:84532\"")
        );
        for bad in [
            "",
            "84532",
            "eip155:",
            "eip155:x",
            "eip155:0",
            "EIP155:1",
            "ab:1",
            "eip155:1:2",
        ] {
            assert!(caip2(bad).unwrap_err().contains("eip155:84532"), "{bad}");
        }
    }

    #[test]
    fn the_flag_takes_both_generations_of_names() {
        assert_eq!(parse_network_flag("auto"), Ok(None));
        assert_eq!(parse_network_flag("base"), Ok(Some(8453)));
        assert_eq!(parse_network_flag("eip155:31337"), Ok(Some(31337)));
        assert!(
            parse_network_flag("base-sepola")
                .unwrap_err()
                .ends_with("did you mean `base-sepolia`?")
        );
        assert!(
            parse_network_flag("solana-devnet")
                .unwrap_err()
                .contains("cannot settle")
        );
        assert!(
            parse_network_flag("84532")
                .unwrap_err()
                .contains("eip155:84532")
        );
    }
}
