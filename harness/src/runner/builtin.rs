//! The built-in target: our own reference server, described like any other target.

use crate::config::TargetProfile;
use crate::config::profile;
use crate::reference_server::{MARKER, PREMIUM_PRICE, PRICE};

/// The profile of the built-in reference server listening at `url`: a paid route of every kind.
///
/// # Panics
/// Never: the text is fixed but for the URL, and a test parses it.
pub fn builtin_profile(url: &str) -> TargetProfile {
    let others = others();
    let text = format!(
        "name: built-in reference server\nserver: {url}\nroutes:\n  - {{ path: /paid, price: \"{PRICE}\" }}{others}\nfree: [/health]\norigin:\n  marker: {MARKER}\n  executions: /_bench/executions\n  status: /paid/status/{{code}}\n  delay: /paid/delay/{{ms}}\n  stream: /paid/stream\nreplicas: 16\n"
    );
    profile::parse(&text, "built-in", std::path::Path::new("."), &|_| None)
        .expect("the built-in profile is valid")
}

fn others() -> String {
    let lines = [
        "{ path: \"/items/{id}\", example: /items/7, kind: parameter }",
        "{ path: \"/files/*\", example: /files/a.txt, kind: wildcard }",
        "{ path: /generate, method: POST, headers: { Content-Type: application/json }, body: '{\"q\":1}' }",
        &format!("{{ path: /premium, price: \"{PREMIUM_PRICE}\" }}"),
    ];
    lines.map(|line| format!("\n  - {line}")).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profile_is_valid() {
        let profile = builtin_profile("http://127.0.0.1:3000");
        assert_eq!(profile.routes.len(), 5);
        assert!(profile.origin.marker.is_some());
    }
}
