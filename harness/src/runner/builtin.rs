//! The built-in target: our own reference server, described like any other target.

use crate::config::TargetProfile;
use crate::config::profile;

/// The profile of the built-in reference server listening at `url`; the battery gets a second paid route, scenarios one of
/// every kind.
///
/// # Panics
/// Never: the text is fixed but for the URL, and a test parses it.
pub fn builtin_profile(url: &str, for_scenarios: bool) -> TargetProfile {
    let second = if for_scenarios {
        concat!(
            "\n  - { path: \"/items/{id}\", example: /items/7, kind: parameter }",
            "\n  - { path: \"/files/*\", example: /files/a.txt, kind: wildcard }",
            "\n  - { path: /generate, method: POST, headers: { Content-Type: application/json }, body: '{\"q\":1}' }"
        )
    } else {
        "\n  - { path: \"/items/{id}\", example: /items/7, kind: parameter }"
    };
    let text = format!(
        "name: built-in reference server\nserver: {url}\nroutes:\n  - {{ path: /paid }}{second}\nfree: [/health]\norigin:\n  marker: {}\n  executions: /_bench/executions\n  status: /paid/status/{{code}}\n  delay: /paid/delay/{{ms}}\n  stream: /paid/stream\nreplicas: 16\n",
        crate::reference_server::MARKER
    );
    profile::parse(&text, "built-in", std::path::Path::new("."), &|_| None)
        .expect("the built-in profile is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profile_is_valid() {
        let profile = builtin_profile("http://127.0.0.1:3000", false);
        assert_eq!(profile.routes.len(), 2);
        let profile = builtin_profile("http://127.0.0.1:3000", true);
        assert_eq!(profile.routes.len(), 4);
        assert!(profile.origin.marker.is_some());
    }
}
