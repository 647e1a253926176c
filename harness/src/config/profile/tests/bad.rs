use std::fmt::Write;
use std::fs;

use super::super::{ProfileError, load};
use super::parse_in;

/// Every kind of wrong profile; the snapshot is what its author reads.
const BAD: &[(&str, &str)] = &[
    ("empty file", ""),
    ("only comments", "# nothing\n"),
    ("a list", "- server: http://h\n"),
    ("a word", "http://localhost:3000\n"),
    ("tab", "server: http://h\nlaunch:\n\tcommand: x\n"),
    ("unclosed list", "server: http://h\nfree: [/a, /b\n"),
    (
        "unquoted braces in a flow map",
        "server: http://h\nlaunch: { command: node {port} }\n",
    ),
    (
        "unset variable",
        "server: http://h\nheaders:\n  Authorization: Bearer ${NOPE}\n",
    ),
    ("unclosed variable", "server: http://h\nname: ${NOPE\n"),
    ("unknown key", "server: http://h\nlanch: { command: x }\n"),
    (
        "unknown nested key",
        "server: http://h\nlaunch: { comand: x }\n",
    ),
    (
        "unknown key, nothing near",
        "server: http://h\nthis_is_not_a_key: 1\n",
    ),
    (
        "unknown route key",
        "server: http://h\nroutes: [{ path: /a, metod: GET }]\n",
    ),
    ("key given twice", "server: http://h\nname: a\nname: b\n"),
    ("no target", "name: shop\n"),
    ("two targets", "server: http://h\nclient: node x.js\n"),
    ("no scheme", "server: localhost:3000/paid\n"),
    ("other scheme", "server: ws://localhost:3000/paid\n"),
    ("impossible port", "server: http://localhost:99999\n"),
    (
        "open port without launch",
        "server: http://127.0.0.1:{port}\n",
    ),
    (
        "other placeholder",
        "server: http://127.0.0.1:{prot}\nlaunch: { command: x }\n",
    ),
    ("URL that is a number", "server: 3000\n"),
    ("name that is a number", "server: http://h\nname: 42\n"),
    ("key without value", "server: http://h\nname:\n"),
    (
        "bare price",
        "server: http://h\nroutes: [{ path: /a, price: 0.05 }]\n",
    ),
    (
        "quoted ambiguous price",
        "server: http://h\nroutes: [{ path: /a, price: \"0.10\" }]\n",
    ),
    (
        "bare whole price",
        "server: http://h\nroutes: [{ path: /a, price: 50000 }]\n",
    ),
    (
        "price in words",
        "server: http://h\nroutes: [{ path: /a, price: five }]\n",
    ),
    (
        "negative price",
        "server: http://h\nroutes: [{ path: /a, price: -5 }]\n",
    ),
    ("duration without unit", "server: http://h\ntimeout: 30\n"),
    ("zero duration", "server: http://h\ntimeout: 0s\n"),
    (
        "odd unit",
        "server: http://h\nlaunch: { command: x, timeout: 3 days }\n",
    ),
    (
        "path without slash",
        "server: http://h\nroutes: [{ path: paid }]\nfree: [health]\n",
    ),
    (
        "path that is a URL",
        "server: http://h\nroutes: [{ path: \"http://h/paid\" }]\n",
    ),
    (
        "route without path",
        "server: http://h\nroutes: [{ method: GET }]\n",
    ),
    ("routes as text", "server: http://h\nroutes: /paid\n"),
    ("route as text", "server: http://h\nroutes: [/paid]\n"),
    ("no routes", "server: http://h\nroutes: []\n"),
    (
        "pattern without example",
        "server: http://h\nroutes: [{ path: \"/i/{id}\" }]\n",
    ),
    (
        "example that does not match",
        "server: http://h\nroutes: [{ path: \"/i/{id}\", example: /j/1 }]\n",
    ),
    (
        "kind that does not fit",
        "server: http://h\nroutes: [{ path: /a, kind: wildcard }]\n",
    ),
    (
        "unknown kind",
        "server: http://h\nroutes: [{ path: /a, kind: wildcrd }]\n",
    ),
    (
        "lower-case method",
        "server: http://h\nroutes: [{ path: /a, method: post }]\n",
    ),
    (
        "method with a space",
        "server: http://h\nroutes: [{ path: /a, method: GE T }]\n",
    ),
    (
        "body and body_file",
        "server: http://h\nroutes: [{ path: /a, body: x, body_file: y }]\n",
    ),
    (
        "body as a map",
        "server: http://h\nroutes: [{ path: /a, body: { q: 1 } }]\n",
    ),
    (
        "missing body file",
        "server: http://h\nroutes: [{ path: /a, body_file: gone.json }]\n",
    ),
    (
        "header name",
        "server: http://h\nheaders: { \"bad name\": x }\n",
    ),
    (
        "header value",
        "server: http://h\nheaders: { X-A: \"a\\nb\" }\n",
    ),
    (
        "header twice",
        "server: http://h\nheaders: { X-A: a, x-a: b }\n",
    ),
    (
        "header of ours",
        "server: http://h\nheaders: { X-PAYMENT: abc }\n",
    ),
    ("version", "server: http://h\nversions: [2, 3]\n"),
    ("version as text", "server: http://h\nversions: [v2]\n"),
    ("no versions", "server: http://h\nversions: []\n"),
    (
        "missing CA",
        "server: http://h\ntls: { ca: gone.pem, insecure: maybe }\n",
    ),
    (
        "limits",
        "server: http://h\nlimits: { rps: 0, requests: -1 }\n",
    ),
    (
        "missing folder",
        "server: http://h\nlaunch: { command: x, cwd: gone }\n",
    ),
    (
        "launch without command",
        "server: http://h\nlaunch: { ready: health }\n",
    ),
    (
        "origin",
        "server: http://h\norigin: { status: /s, delay: d, marker: \"\" }\n",
    ),
    ("flow", "server: http://h\nflow: authorisation\n"),
    ("boolean", "server: http://h\nidempotent_replay: \"yes\"\n"),
    ("replicas", "server: http://h\nreplicas: 0\n"),
    (
        "addresses",
        "server: http://h\nfund: [0x12, \"0xzz9Fd6e51aad88F6F4ce6aB8827279cffFb92266\"]\n",
    ),
    (
        "networks",
        "client: x\nnetworks: [base-sepolia, \"eip155:x\"]\n",
    ),
    ("budget", "client: x\nbudget: 0.5\n"),
    (
        "keys of another role",
        "client: x\nroutes: [{ path: /a }]\nlaunch: { command: y }\n",
    ),
    (
        "anchors and tags",
        "server: &s http://h\nname: *s\ntimeout: !!str 5s\n",
    ),
    ("two documents", "server: http://h\n---\nserver: http://i\n"),
    (
        "several at once",
        "sever: http://h\ntimeout: 5\nlimits: { rps: fast }\nfree: no\n",
    ),
];

#[test]
fn every_bad_profile_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().to_string_lossy().into_owned();
    let mut shown = String::new();
    for (name, text) in BAD {
        let problems = parse_in(dir.path(), text).expect_err(name).to_string();
        writeln!(shown, "## {name}\n{}\n", problems.replace(&base, "DIR")).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn no_message_shows_a_variable_value() {
    let dir = tempfile::tempdir().unwrap();
    for key in [
        "timeout",
        "replicas",
        "flow",
        "limits",
        "routes",
        "versions",
        "dynamic_price",
    ] {
        let text = format!("server: http://h\n{key}: \"${{TOKEN}}\"\n");
        let message = parse_in(dir.path(), &text).expect_err(key).to_string();
        assert!(!message.contains("s3cret-token"), "{message}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let unset = |_: &str| None;
    let missing = load(&dir.path().join("gone.yaml"), "gone.yaml", &unset).unwrap_err();
    assert!(matches!(missing, ProfileError::Unreadable { .. }));
    assert!(
        missing
            .to_string()
            .starts_with("cannot read the target profile gone.yaml: No such")
    );
    let folder = load(dir.path(), "somewhere", &unset).unwrap_err();
    assert!(folder.to_string().contains("somewhere"), "{folder}");
    let binary = dir.path().join("b.yaml");
    fs::write(&binary, b"server: \xff\xfe").unwrap();
    let message = load(&binary, "b.yaml", &unset).unwrap_err().to_string();
    assert_eq!(
        message,
        "b.yaml: is not UTF-8 text (byte 8); is this the right file?"
    );
    let large = dir.path().join("l.yaml");
    fs::write(&large, vec![b'#'; (1 << 20) + 10]).unwrap();
    let message = load(&large, "l.yaml", &unset).unwrap_err().to_string();
    assert!(message.contains("larger than 1024 KiB"), "{message}");
}
