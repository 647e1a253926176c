use std::fs;
use std::time::Duration;

use super::super::{Flow, Price, RouteKind, TargetKind};
use super::parse_in;

/// The profile of the design, every key used.
const COMPLETE: &str = r#"
name: shop-api
server: http://127.0.0.1:{port}
launch: { command: node server.mjs, cwd: ., ready: /health, timeout: 30s, env: { LOG: warn, N: 3, API_KEY: hidden-key } }
versions: [2]
headers: { Authorization: "Bearer ${TOKEN}" }
auth: { command: ./jwt.sh, ttl: 100s }
tls: { ca: ca.pem, insecure: false }
limits: { rps: 50, requests: 2000 }
timeout: 30s
routes:
  - { path: /paid }
  - { path: "/items/{id}", example: /items/7, kind: parameter }
  - { path: "/files/*", example: /files/a.txt, kind: wildcard }
  - { path: /generate, method: POST, headers: { Content-Type: application/json, X-Route: route-secret }, body: '{"q":1}' }
  - { path: /upload, body_file: body.bin }
  - { path: /expensive, price: "50000" }
  - { path: /dear, price: $0.05 }
free: [/health]
origin:
  marker: paid-content-7f3a
  executions: /_bench/executions
  status: "/paid/status/{code}"
  delay: "/paid/delay/{ms}"
  stream: /paid/stream
flow: authorization
idempotent_replay: false
dynamic_price: false
replicas: 1
fund: [0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266]
budget: "20000"
networks: ["eip155:84532"]
"#;

#[test]
fn the_complete_profile_is_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), "pem").unwrap();
    fs::write(dir.path().join("body.bin"), [0xff, 0]).unwrap();
    let profile = parse_in(dir.path(), COMPLETE).unwrap();
    let launch = profile.launch.as_ref().unwrap();
    assert_eq!(launch.timeout, Duration::from_secs(30));
    assert_eq!(launch.ready.as_deref(), Some("/health"));
    assert_eq!(launch.env[1].1.expose(), "3");
    assert_eq!(profile.headers[0].value.expose(), "Bearer s3cret-token");
    assert_eq!(profile.limits.requests, Some(2000));
    assert_eq!(profile.routes[1].kind, RouteKind::Parameter);
    assert_eq!(profile.routes[1].request_path(), "/items/7");
    assert_eq!(
        profile.routes[3].body.as_deref(),
        Some(br#"{"q":1}"#.as_slice())
    );
    assert_eq!(profile.routes[4].method, "POST");
    assert_eq!(
        profile.routes[4].body.as_deref(),
        Some([0xff, 0].as_slice())
    );
    assert_eq!(
        profile.routes[5].price,
        Some(Price::BaseUnits("50000".into()))
    );
    assert_eq!(profile.routes[6].price, Some(Price::Usd("0.05".into())));
    assert_eq!(
        profile.tls.ca.as_deref(),
        Some(dir.path().join("ca.pem").as_path())
    );
    assert_eq!(profile.flow, Flow::Authorization);
    assert_eq!(profile.fund.len(), 1);
    assert_eq!(
        profile.url_of("/paid?a=1", 81).unwrap().as_str(),
        "http://127.0.0.1:81/paid?a=1"
    );
}

#[test]
fn every_given_value_is_a_secret_and_no_debug_output_shows_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), "pem").unwrap();
    fs::write(dir.path().join("body.bin"), "x").unwrap();
    let profile = parse_in(dir.path(), COMPLETE).unwrap();
    let secrets = [
        "Bearer s3cret-token",
        "route-secret",
        "s3cret-token",
        "hidden-key",
    ];
    assert_eq!(profile.secrets(), secrets);
    let shown = format!("{profile:?}");
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
    let names = profile.secret_header_names();
    assert!(names.contains(&"x-route".to_owned()) && !names.contains(&"content-type".to_owned()));
}

#[test]
fn short_values_are_hidden_by_name_only() {
    let dir = tempfile::tempdir().unwrap();
    let text = "server: http://u:hunter22@h\nheaders: { X-Flag: \"${SHORT}\" }\n";
    let profile = parse_in(dir.path(), text).unwrap();
    assert_eq!(profile.secrets(), ["hunter22"]);
    assert!(profile.secret_header_names().contains(&"x-flag".to_owned()));
}

#[test]
fn a_bare_url_is_a_whole_profile() {
    let dir = tempfile::tempdir().unwrap();
    let profile = parse_in(dir.path(), "server: http://h:81/api/paid?x=1\n").unwrap();
    assert_eq!(profile.name, "h");
    assert_eq!(profile.routes.len(), 1);
    assert_eq!(profile.routes[0].path, "/api/paid?x=1");
    let url = profile.url_of(profile.routes[0].request_path(), 0).unwrap();
    assert_eq!(url.as_str(), "http://h:81/api/paid?x=1");
    assert_eq!(profile.timeout, None);
}

#[test]
fn routes_stand_below_the_path_of_the_url() {
    let dir = tempfile::tempdir().unwrap();
    let text = "server: http://h/api/\nroutes: [{ path: /paid }]\n";
    let profile = parse_in(dir.path(), text).unwrap();
    assert_eq!(
        profile.url_of("/paid", 0).unwrap().as_str(),
        "http://h/api/paid"
    );
}

#[test]
fn facilitators_and_clients_have_profiles_too() {
    let dir = tempfile::tempdir().unwrap();
    let facilitator = parse_in(dir.path(), "facilitator: http://h:4022\nfund: []\n").unwrap();
    assert!(matches!(facilitator.kind, TargetKind::Facilitator { .. }));
    assert!(facilitator.routes.is_empty());
    let client = parse_in(dir.path(), "client: node agent.js {url}\nbudget: $1\n").unwrap();
    assert_eq!(
        client.kind,
        TargetKind::Client {
            command: "node agent.js {url}".into()
        }
    );
    assert_eq!(client.name, "node");
}
