use std::fs;
use std::time::Duration;

use x402_assay_protocol::Version;

use super::super::{RequestFlags, Role, TargetKind, TargetProfile};
use super::parse_in;

fn from(role: Role, target: &str, flags: &RequestFlags) -> Result<TargetProfile, Vec<String>> {
    TargetProfile::from_url(role, target, flags, std::path::Path::new("."))
}

fn given(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn a_post_with_body_and_headers() {
    let flags = RequestFlags {
        headers: given(&[
            "Content-Type: application/json",
            "Authorization: Bearer abcdef",
        ]),
        data: Some(r#"{"q":1}"#.into()),
        ..RequestFlags::default()
    };
    let profile = from(Role::Server, "http://127.0.0.1:3000/generate", &flags).unwrap();
    assert_eq!(profile.routes[0].method, "POST");
    assert_eq!(profile.routes[0].path, "/generate");
    assert_eq!(
        profile.routes[0].body.as_deref(),
        Some(br#"{"q":1}"#.as_slice())
    );
    assert_eq!(profile.secrets(), ["Bearer abcdef", "abcdef"]);
}

#[test]
fn a_body_comes_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("q.json"), "{}").unwrap();
    let mut flags = RequestFlags {
        method: Some("PUT".into()),
        data: Some("@q.json".into()),
        ..RequestFlags::default()
    };
    let from_dir = |flags: &RequestFlags| {
        TargetProfile::from_url(Role::Server, "http://h/x", flags, dir.path())
    };
    let profile = from_dir(&flags).unwrap();
    assert_eq!(profile.routes[0].method, "PUT");
    assert_eq!(profile.routes[0].body.as_deref(), Some(b"{}".as_slice()));
    for (data, expected) in [
        ("@gone", "cannot read"),
        ("@", "file name"),
        ("@-", "standard input"),
    ] {
        flags.data = Some(data.into());
        assert!(
            from_dir(&flags).unwrap_err()[0].contains(expected),
            "{data}"
        );
    }
}

#[test]
fn launch_fills_the_port_in() {
    let flags = RequestFlags {
        launch: Some("node s.js".into()),
        ..RequestFlags::default()
    };
    let profile = from(Role::Server, "http://127.0.0.1:{port}/paid", &flags).unwrap();
    assert_eq!(profile.launch.unwrap().command, "node s.js");
    let error = from(
        Role::Server,
        "http://127.0.0.1:{port}/paid",
        &RequestFlags::default(),
    );
    assert!(error.unwrap_err()[0].contains("--launch"));
}

#[test]
fn all_problems_are_told_at_once() {
    let flags = RequestFlags {
        method: Some("post".into()),
        headers: given(&["no colon", "X-A: ok", "bad name: x"]),
        data: Some("@gone".into()),
        marker: Some(" ".into()),
        ..RequestFlags::default()
    };
    let problems = from(Role::Server, "http://h/x", &flags).unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert_eq!(
        from(
            Role::Server,
            "localhost:3000/paid",
            &RequestFlags::default()
        )
        .unwrap_err(),
        ["--server: a URL needs a scheme: http://localhost:3000/paid"]
    );
}

#[test]
fn flags_that_mean_nothing_for_a_role_are_refused() {
    let post = RequestFlags {
        method: Some("POST".into()),
        ..RequestFlags::default()
    };
    assert!(from(Role::Facilitator, "http://h", &post).unwrap_err()[0].contains("--facilitator"));
    let launch = RequestFlags {
        launch: Some("x".into()),
        ..RequestFlags::default()
    };
    assert!(from(Role::Client, "node a.js {url}", &launch).unwrap_err()[0].contains("--launch"));
    let marker = RequestFlags {
        marker: Some("x".into()),
        ..RequestFlags::default()
    };
    assert!(from(Role::Facilitator, "http://h", &marker).unwrap_err()[0].contains("--marker"));
    let client = from(Role::Client, "node a.js {url}", &RequestFlags::default()).unwrap();
    assert!(matches!(client.kind, TargetKind::Client { .. }));
}

#[test]
fn flags_win_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = "server: http://h\ntimeout: 9s\nversions: [1]\nheaders: { X-A: old-value, X-B: kept-value }\n";
    let mut profile = parse_in(dir.path(), text).unwrap();
    let flags = RequestFlags {
        headers: given(&["x-a: new-value"]),
        marker: Some("paid".into()),
        timeout: Some(Duration::from_secs(3)),
        versions: Some(vec![Version::V2]),
        ..RequestFlags::default()
    };
    profile.apply(&flags).unwrap();
    assert_eq!(profile.timeout, Some(Duration::from_secs(3)));
    assert_eq!(profile.versions, Some(vec![Version::V2]));
    assert_eq!(profile.origin.marker.as_deref(), Some("paid"));
    assert_eq!(profile.secrets(), ["kept-value", "new-value"]);
    profile.apply(&RequestFlags::default()).unwrap();
    assert_eq!(profile.timeout, Some(Duration::from_secs(3)));
}
