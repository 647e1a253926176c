use std::fmt::Write;
use std::fs;

use super::invoke;

/// Wrong calls; the snapshot is what their user reads.
const BAD: &[&[&str]] = &[
    &["--serer", "http://h/p"],
    &["run", "--srict"],
    &["rnu"],
    &["lst"],
    &["--server"],
    &["--server", "localhost:3000/paid"],
    &["--server", "gone.yaml"],
    &["--server", "folder.yaml"],
    &["--server", "ws://h/p"],
    &["--server", "http://h:{port}/p"],
    &["--server", "http://h:99999/p"],
    &["--server", "empty.yaml"],
    &["--server", "bad.yaml", "--timeout", "5s"],
    &["--server", "facilitator.yaml"],
    &["--server", "good.yaml", "-X", "POST", "-d", "x"],
    &["--server", "http://h/p", "--client", "x"],
    &[
        "--server",
        "http://h/p",
        "-H",
        "Authorization Bearer s3cret",
    ],
    &[
        "--server",
        "http://h/p",
        "-H",
        "a: 1",
        "-H",
        "bad name: 1",
        "-X",
        "post",
        "-d",
        "@gone",
    ],
    &["--server", "http://h/p", "--defect", "x"],
    &["-X", "POST", "-d", "x", "--marker", "m", "--launch", "x"],
    &["--facilitator", "http://h", "-d", "x"],
    &["--chain", "anvl"],
    &["--chain", "ws://h"],
    &["--chain", "memory", "--anvil", "x"],
    &["--anvil", "gone"],
    &["--network", "base-sepola"],
    &["--network", "solana-devnet"],
    &["--network", "84532"],
    &["--x402", "v3"],
    &["--seed", "-1"],
    &["--seed", "abc"],
    &["--timeout", "30"],
    &["--timeout", "0s"],
    &["--patience", "soon"],
    &["--slow", "--patience", "3s"],
    &["--repeat", "3", "--cases", "1", "--minimise"],
    &["run", "all", "--repeat", "0"],
    &["replay", "gone.yaml"],
    &["--strict", "--fail-on", "fail"],
    &["--fail-on", "never"],
    &["--grading", "lax"],
    &["--bind", "0.0.0.0:4402"],
    &["--bind", "eth0"],
    &["--advertise-host", "http://host:80"],
    &["--i-own", "https://example.org/"],
    &["--facilitator-port", "70000"],
    &["--facilitator-port", "5000", "--rpc-port", "5000"],
    &["--attach", "localhost:4403"],
    &["--attach", "--chain", "memory", "--bind", "0.0.0.0"],
    &["--attach", "http://127.0.0.1:1", "--control-port", "2"],
    &["-q", "-v"],
    &["--check", ""],
    &["run", "gone/scenario"],
    &["--json", "doctor"],
    &["down", "--control-url", "127.0.0.1:4403"],
    &["list", "--role", "sever"],
    &["up", "--server", "http://h"],
    &["up", "extra"],
];

#[test]
fn every_bad_call_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("empty.yaml", "");
    write(
        "bad.yaml",
        "server: localhost:3000\nlanch: { command: x }\n",
    );
    write("good.yaml", "server: http://h\n");
    write("facilitator.yaml", "facilitator: http://h\n");
    fs::create_dir(dir.path().join("folder.yaml")).unwrap();
    let mut shown = String::new();
    for words in BAD {
        let message = invoke(dir.path(), words).expect_err(&words.join(" "));
        assert!(!message.contains("s3cret"), "{message}");
        let message = message.replace(&*dir.path().to_string_lossy(), "DIR");
        writeln!(
            shown,
            "$ x402-assay {}\n{}\n",
            words.join(" "),
            message.trim_end()
        )
        .unwrap();
    }
    insta::assert_snapshot!(shown);
}
