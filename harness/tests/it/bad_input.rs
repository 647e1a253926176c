//! Bad input gets an error that names it, the right exit code, and never a panic.

use serde_json::json;

use crate::support::{FREE_SERVICES, Ran, assay, assay_in, shop};

fn calm(ran: &Ran) {
    let said = ran.said();
    assert!(
        !said.contains("panicked") && !said.contains("RUST_BACKTRACE"),
        "{said}"
    );
}

/// Runs with these arguments and asserts usage error 2 with all of the words.
async fn refused(args: &[&str], words: &[&str]) {
    let ran = assay(args).await.exits(2);
    calm(&ran);
    for word in words {
        assert!(ran.stderr.contains(word), "{word:?} in {}", ran.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags() {
    refused(&["--sever", "x"], &["--sever", "--server"]).await;
    refused(
        &["run", "--server", "localhost:3000/paid"],
        &["http://localhost:3000/paid"],
    )
    .await;
    refused(&["run", "--server", "nowhere.yaml"], &["nowhere.yaml"]).await;
    refused(&["run", "--server", "ftp://a/b"], &["http"]).await;
    refused(
        &["--defect", "no-such-defect", "--chain", "memory"],
        &["no-such-defect"],
    )
    .await;
    refused(
        &["--chain", "anvil", "--anvil", "/nowhere/anvil"],
        &["/nowhere/anvil"],
    )
    .await;
    refused(
        &["--chain", "http://127.0.0.1:1"],
        &["--chain", "127.0.0.1:1"],
    )
    .await;
    refused(
        &["run", "--server", "http://203.0.113.9/paid"],
        &["--i-own 203.0.113.9"],
    )
    .await;
    refused(
        &["--bind", "192.0.2.77", "--chain", "memory"],
        &["--bind", "192.0.2.77"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_names_say_so() {
    refused(&["interop", "anything"], &["interop", "reserved"]).await;
    refused(
        &["run", "--client", "node agent.js {url}"],
        &["--client", "reserved"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facilitator_is_not_tested_on_the_memory_ledger() {
    let facilitator = ["run", "--facilitator", "http://127.0.0.1:4022"];
    refused(
        &[&facilitator[..], &["--chain", "memory"]].concat(),
        &["--chain memory", "settle"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_with_its_flag() {
    let held = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    for flag in ["--facilitator-port", "--control-port", "--rpc-port"] {
        let mut args = vec![
            "run",
            "--server",
            "http://127.0.0.1:9/paid",
            "--chain",
            "memory",
        ];
        for other in ["--facilitator-port", "--control-port", "--rpc-port"] {
            args.extend([other, if other == flag { &port } else { "0" }]);
        }
        refused(&args, &[&port, flag]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_tell_every_problem_with_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let profile = "server: http://127.0.0.1:3000\nlanch: { command: x }\nheaders: { A: \"${ASSAY_TEST_UNSET}\" }\nroutes:\n  - { path: /paid, price: 0.05 }\n";
    std::fs::write(dir.path().join("target.yaml"), profile).unwrap();
    std::fs::write(dir.path().join("empty.yaml"), "").unwrap();
    let ran = assay_in(dir, &["run", "--server", "target.yaml"])
        .await
        .exits(2);
    calm(&ran);
    for words in [
        "target.yaml:2:1",
        "launch",
        "target.yaml:3",
        "ASSAY_TEST_UNSET",
        "target.yaml:5",
        "\"50000\"",
        "\"$0.05\"",
    ] {
        assert!(ran.stderr.contains(words), "{words:?} in {}", ran.said());
    }
    let ran = assay_in(ran.dir, &["run", "--server", "empty.yaml"])
        .await
        .exits(2);
    assert!(ran.stderr.contains("empty.yaml"), "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let ran = assay_in(dir, &["--chain", "memory", "--out", "file/below"])
        .await
        .exits(2);
    assert!(
        ran.stderr.contains("--out") && ran.stderr.contains("file/below"),
        "{}",
        ran.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_the_result_is_still_printed() {
    // /dev/full refuses every write: the history goes there through a link.
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x402-assay-report");
    std::fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink("/dev/full", out.join("history.jsonl")).unwrap();
    let ran = assay_in(dir, &["--chain", "memory"]).await.exits(1);
    calm(&ran);
    assert!(ran.stderr.contains("history"), "{}", ran.said());
    assert_eq!(ran.report()["verdict"], "conformant");
}

/// What was recorded and written before is kept, and each file is whole or not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_at_the_end_keeps_the_history_and_the_other_files() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x402-assay-report");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("report.html"), "of an earlier run").unwrap();
    std::os::unix::fs::symlink("/dev/full", out.join("report.html.partial")).unwrap();
    let ran = assay_in(dir, &["--chain", "memory"]).await;
    calm(&ran);
    assert_eq!(ran.code, 1, "{}", ran.said());
    assert!(ran.stderr.contains("report.html"), "{}", ran.said());
    assert_eq!(ran.report()["verdict"], "conformant");
    let out = ran.dir.path().join("x402-assay-report");
    let kept = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(kept, "of an earlier run");
    let ran = assay_in(ran.dir, &["judge", "x402-assay-report/history.jsonl"]).await;
    ran.exits(0);
}

/// A folder that cannot be written is named before the minutes of measuring.
#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_that_cannot_be_written_is_not_measured() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let ran = assay_in(dir, &["selftest", "--out", "file/below"])
        .await
        .exits(2);
    assert!(ran.stderr.contains("--out"), "{}", ran.said());
    assert!(ran.stderr.contains("file/below"), "{}", ran.said());
    assert_eq!(ran.stdout, "");
}

/// Targets that answer nonsense: no panic, a verdict that is never conformant, and the report on disk.
#[tokio::test(flavor = "multi_thread")]
async fn targets_that_answer_nonsense() {
    let big = "x".repeat(5 << 20);
    let base64url = shop::challenge(|offer| offer["extra"]["name"] = json!("USD₮0?>~"))
        .replace('+', "-")
        .replace('/', "_");
    let offer_text = shop::challenge(|offer| *offer = json!("an offer"));
    let numbers = shop::challenge(|offer| {
        offer["amount"] = json!(10_000);
        offer["maxTimeoutSeconds"] = json!("60");
    });
    let shops = [
        ("5 MB body", shop::always(402, &[], &big).await),
        (
            "base64url",
            shop::always(402, &[("payment-required", &base64url)], "").await,
        ),
        (
            "array",
            shop::always(402, &[("payment-required", "W10=")], "[]").await,
        ),
        (
            "offer is text",
            shop::always(402, &[("payment-required", &offer_text)], "").await,
        ),
        (
            "numbers",
            shop::always(402, &[("payment-required", &numbers)], "").await,
        ),
        (
            "not base64",
            shop::always(402, &[("payment-required", "!!!")], "<html>").await,
        ),
    ];
    for (name, shop) in &shops {
        let url = format!("{}/paid", shop.url);
        let mut args = vec!["run", "--server", &url, "--patience", "300ms"];
        args.extend(FREE_SERVICES);
        let ran = assay(&args).await.exits(5);
        calm(&ran);
        assert_eq!(ran.report()["verdict"], "inconclusive", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_that_are_no_clean_http() {
    let large = format!(
        "HTTP/1.1 402 Payment Required\r\npayment-required: {}\r\n\r\n",
        "A".repeat(5 << 20)
    );
    let answers: [(&str, Vec<u8>); 4] = [
        ("5 MB header", large.into_bytes()),
        ("not UTF-8", b"HTTP/1.1 402 Payment Required\r\npayment-required: \xff\xfe\xfd\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("garbage", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("cut off", b"HTTP/1.1 402 Payment Required\r\ncontent-length: 100\r\n\r\nabc".to_vec()),
    ];
    for (name, bytes) in answers {
        let address = raw(bytes).await;
        let url = format!("http://{address}/paid");
        let mut args = vec![
            "run",
            "--server",
            &url,
            "--patience",
            "300ms",
            "--timeout",
            "5s",
        ];
        args.extend(FREE_SERVICES);
        let ran = assay(&args).await.exits(5);
        calm(&ran);
        assert_eq!(ran.report()["verdict"], "inconclusive", "{name}");
    }
}

/// Answers every connection with these bytes and closes it.
async fn raw(bytes: Vec<u8>) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                let _ = stream.read(&mut request).await;
                // The bench may hang up in the middle of 5 MB: that is what it should do.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_command_that_dies_shows_its_log() {
    let args = [
        "run",
        "--server",
        "http://127.0.0.1:{port}/paid",
        "--launch",
        "echo cannot find module express >&2; exit 3",
        "--chain",
        "memory",
    ];
    let ran = assay(&args).await.exits(5);
    calm(&ran);
    assert!(
        ran.said().contains("cannot find module express"),
        "{}",
        ran.said()
    );
    assert_eq!(ran.report()["verdict"], "inconclusive");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anvil_that_does_not_start_is_an_error_and_no_fallback() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let fake = dir.path().join("anvil");
    std::fs::write(
        &fake,
        "#!/bin/sh\n[ \"$1\" = --version ] && echo anvil 9.9.9 && exit 0\necho boom >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let fake = fake.to_str().unwrap().to_owned();
    let ran = assay_in(dir, &["--anvil", &fake]).await.exits(5);
    calm(&ran);
    assert!(
        ran.said().contains("boom") || ran.said().contains("9.9.9"),
        "{}",
        ran.said()
    );
}
