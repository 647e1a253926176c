//! The built-in target: our own reference server, described like any other target.

use crate::config::TargetProfile;
use crate::config::profile;
use crate::config::profile::Route;
use crate::reference_server::{MARKER, METERED_PRICE, PREMIUM_PRICE, PRICE};

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

/// The route of the built-in reference server that is sold by use; it is there for the scenarios that want it.
///
/// # Panics
/// Never: the text is fixed, and a test parses it.
pub fn metered_route() -> Route {
    let text = format!(
        "name: metered\nserver: http://127.0.0.1:1\nroutes:\n  - {{ path: /metered, price: \"{METERED_PRICE}\" }}\n"
    );
    let profile = profile::parse(&text, "built-in", std::path::Path::new("."), &|_| None);
    let mut routes = profile.expect("the built-in profile is valid").routes;
    routes.pop().expect("the built-in profile has a route")
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
        assert_eq!(metered_route().path, "/metered");
    }
}
