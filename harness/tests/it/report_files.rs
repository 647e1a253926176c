//! The report's files, and `report`, which renders them again.

use std::path::Path;

use serde_json::Value;

use crate::support::{assay, assay_in};

const FOLDER: &str = "x402-assay-report";

fn read(dir: &Path, name: &str) -> String {
    let path = dir.join(FOLDER).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_writes_the_usual_files_and_those_asked_for() {
    let args = ["--chain", "memory", "--also", "sarif,har", "--also", "csv"];
    let ran = assay(&args).await.exits(0);
    let dir = ran.dir.path();
    assert!(read(dir, "report.html").contains("<title>conformant"));
    assert!(read(dir, "junit.xml").contains("<testsuite name="));
    let sarif: Value = serde_json::from_str(&read(dir, "report.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let har: Value = serde_json::from_str(&read(dir, "report.har")).unwrap();
    let report = ran.report();
    let books = read(dir, "books.csv").lines().count() - 1;
    assert_eq!(books, report["books"].as_array().unwrap().len());
    assert!(books > 0 && !har["log"]["entries"].as_array().unwrap().is_empty());
    assert!(ran.stderr.contains("report.html"), "{}", ran.said());
    assert!(ran.stderr.contains("report.sarif"), "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_for_is_not_written() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    for name in ["report.sarif", "books.csv", "report.har"] {
        assert!(!ran.dir.path().join(FOLDER).join(name).exists(), "{name}");
    }
    for name in ["report.json", "report.md", "report.html", "junit.xml"] {
        assert!(read(ran.dir.path(), name).len() > 100, "{name}");
    }
}

/// Every file of a run comes out of its history and, HAR apart, of its report.json again, byte by byte.
#[tokio::test(flavor = "multi_thread")]
async fn report_renders_what_the_run_wrote() {
    let args = ["--chain", "memory", "--also", "sarif,csv,har", "--defect"];
    for words in [
        &["run", "settle-says-no", "settle-ignored"][..],
        &["run", "replay-cache"],
    ] {
        let (defect, words) = words.split_last().unwrap();
        let words = [words, &args[..], &[defect]].concat();
        let ran = assay(&words).await.exits(3);
        let mut dir = ran.dir;
        for (format, file) in [
            ("html", "report.html"),
            ("md", "report.md"),
            ("json", "report.json"),
            ("junit", "junit.xml"),
            ("sarif", "report.sarif"),
            ("csv", "books.csv"),
            ("har", "report.har"),
        ] {
            for input in ["history.jsonl", "report.json"] {
                // A report holds no messages; a history does not name the replay files that a run left.
                let lacks = match input {
                    "report.json" => format == "har",
                    _ => {
                        words.contains(&"settle-says-no")
                            && matches!(format, "json" | "md" | "html")
                    }
                };
                if lacks {
                    continue;
                }
                let input = format!("{FOLDER}/{input}");
                let again = assay_in(dir, &["report", &input, "--format", format])
                    .await
                    .exits(0);
                assert!(!again.stdout.is_empty());
                assert!(
                    again.stdout == read(again.dir.path(), file),
                    "{format} of {input} differs from {file}"
                );
                dir = again.dir;
            }
        }
        let shown = assay_in(dir, &["report", "x402-assay-report/report.json"])
            .await
            .exits(0);
        assert_eq!(shown.stdout, ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_makes_warnings_fail_in_junit() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let path = ran.dir.path().join(FOLDER).join("report.json");
    let mut report = ran.report();
    report["checks"][0]["verdict"] = "warn".into();
    std::fs::write(&path, report.to_string()).unwrap();
    let input = format!("{FOLDER}/report.json");
    let words = ["report", &input, "--format", "junit", "--out"];
    let calm = assay_in(ran.dir, &[&words[..], &["calm.xml"]].concat())
        .await
        .exits(0);
    let strict = [&words[..], &[FOLDER, "--fail-on", "warn"]].concat();
    let strict = assay_in(calm.dir, &strict).await.exits(0);
    let calm = std::fs::read_to_string(strict.dir.path().join("calm.xml")).unwrap();
    assert!(!calm.contains("<failure"), "{calm}");
    // A folder gets a file of the usual name.
    assert!(read(strict.dir.path(), "junit.xml").contains("<failure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rendered_is_told() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let mut dir = ran.dir;
    let whole = read(dir.path(), "report.json");
    let newer = whole.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let unknown = whole.replacen("\"schema\": 1", "\"schema\": 0", 1);
    for (name, text) in [
        ("newer.json", newer.as_bytes()),
        ("unknown.json", unknown.as_bytes()),
        ("cut.json", &whole.as_bytes()[..whole.len() / 2]),
        ("empty.json", b""),
        ("other.json", b"{\"a\":1}\n"),
        ("bytes.json", b"\xff\xfe\x00"),
        ("cut.jsonl", b"{\"seq\":0,\"at_us\":1"),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let report = format!("{FOLDER}/report.json");
    let cases: [(&[&str], &[&str]); 12] = [
        (&["newer.json"], &["newer.json", "schema 2", "update"]),
        (&["unknown.json"], &["unknown.json", "schema"]),
        (&["cut.json"], &["cut.json", "truncated"]),
        (&["empty.json"], &["empty.json", "empty"]),
        (&["other.json"], &["other.json", "history.jsonl"]),
        (&["bytes.json"], &["bytes.json", "UTF-8"]),
        (&["cut.jsonl"], &["cut.jsonl", "cut off"]),
        (&["nowhere.json"], &["nowhere.json"]),
        (&["."], &["cannot read"]),
        (&[&report, "--format", "har"], &["har", "history.jsonl"]),
        (&[&report, "--format", "pdf"], &["pdf", "html"]),
        (
            &[&report, "--out", "no/such/file"],
            &["--out", "no/such/file"],
        ),
    ];
    for (words, told) in cases {
        let again = assay_in(dir, &[&["report"], words].concat()).await.exits(2);
        for word in told {
            assert!(again.stderr.contains(word), "{word:?} in {}", again.said());
        }
        assert!(!again.said().contains("panicked"), "{}", again.said());
        dir = again.dir;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_what_was_there() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let folder = ran.dir.path().join(FOLDER);
    let before = read(ran.dir.path(), "report.html");
    // /dev/full refuses every write: the file in the making goes there.
    std::os::unix::fs::symlink("/dev/full", folder.join("report.html.partial")).unwrap();
    let input = format!("{FOLDER}/history.jsonl");
    let words = ["report", &input, "--format", "html", "--out", FOLDER];
    let again = assay_in(ran.dir, &words).await.exits(2);
    assert!(again.stderr.contains("--out"), "{}", again.said());
    assert!(again.stderr.contains("report.html"), "{}", again.said());
    assert_eq!(read(again.dir.path(), "report.html"), before);
}
