//! The recorder and the reader, together.

use std::io::Write as _;
use std::sync::Arc;

use x402_assay_protocol::{Version, header};

use super::bodies::MAX_BODY_BYTES;
use super::event::{Answered, Event, Sent, What};
use super::reader::{self, ReadError};
use super::recorder::{Limits, Recorder, RecorderError, Redactor};
use super::script::Script;

fn plain() -> Redactor {
    Arc::new(str::to_owned)
}

fn hiding(secret: &'static str) -> Redactor {
    Arc::new(move |text| text.replace(secret, "<redacted>"))
}

fn note(text: &str) -> What {
    What::Note {
        probe: None,
        text: text.to_owned(),
    }
}

/// Records the events of a script into a file and hands back its bytes.
fn written(script: &Script) -> (Vec<Event>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let recorder = Recorder::create(&path, plain(), Limits::default()).unwrap();
    let events = script.events();
    for event in &events {
        recorder.append(event.at_us, event.what.clone());
    }
    recorder.finish().unwrap();
    (events, std::fs::read(&path).unwrap())
}

#[test]
fn what_was_recorded_is_read_back() {
    let (events, bytes) = written(&Script::honest(Version::V1).and_honest(Version::V2));
    let history = reader::read_from(bytes.as_slice()).unwrap();
    assert_eq!(history.damage, None);
    assert_eq!(history.events, events);
    let sizes = bytes.split(|byte| *byte == b'\n').zip(&events);
    for (line, event) in sizes {
        let bound = match &event.what {
            What::Body { .. } | What::RunStarted(_) => continue,
            // A payment that is wrong on purpose says what differs from the offer; a run signs few of them.
            What::Signed(signed) if signed.wrong.is_some() => 500,
            _ => 400,
        };
        assert!(line.len() <= bound, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn each_event_is_on_disk_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let recorder = Recorder::create(&path, plain(), Limits::default()).unwrap();
    for count in 1..=3 {
        recorder.append(1, note("x"));
        assert_eq!(reader::read(&path).unwrap().events.len(), count);
    }
}

#[test]
fn a_cut_history_is_read_up_to_the_damage() {
    let (events, bytes) = written(&Script::honest(Version::V2));
    let history = reader::read_from(&bytes[..bytes.len() - 5]).unwrap();
    let damage = history.damage.unwrap();
    assert_eq!(history.events, events[..events.len() - 1]);
    assert_eq!(
        (damage.line, damage.cause.as_str()),
        (events.len(), "the line is cut off")
    );
}

#[test]
fn a_line_that_is_no_event_stops_the_reading() {
    let (events, bytes) = written(&Script::honest(Version::V2));
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for broken in [&b"not json\n"[..], b"{\"seq\":4}\n", b"\xff\xfe\n", b"\n"] {
        lines[4] = broken;
        let history = reader::read_from(lines.concat().as_slice()).unwrap();
        assert_eq!(history.events, events[..4]);
        assert_eq!(history.damage.unwrap().line, 5);
    }
    lines.remove(4);
    let history = reader::read_from(lines.concat().as_slice()).unwrap();
    let cause = history.damage.unwrap().cause;
    assert_eq!(cause, "event 5 stands where 4 belongs");
}

#[test]
fn a_file_without_a_history_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = reader::read(&folder.path().join("none.jsonl")).unwrap_err();
    assert!(matches!(missing, ReadError::Io { .. }), "{missing}");
    let path = folder.path().join("empty.jsonl");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(b"")
        .unwrap();
    let empty = reader::read(&path).unwrap_err().to_string();
    assert!(
        empty.contains("empty.jsonl") && empty.contains("it is empty"),
        "{empty}"
    );
}

#[test]
fn a_body_is_stored_once_and_cut_above_the_bound() {
    let recorder = Recorder::in_memory(plain());
    let large = vec![b'a'; MAX_BODY_BYTES + 1];
    let hash = recorder.body(1, &large);
    assert_eq!(recorder.body(2, &large), hash);
    assert_eq!(hash.len(), 16);
    let events = recorder.snapshot();
    assert_eq!(events.len(), 1);
    let What::Body {
        text,
        truncated_from,
        ..
    } = &events[0].what
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (text.len(), *truncated_from),
        (MAX_BODY_BYTES, Some(large.len() as u64))
    );
}

#[test]
fn secrets_are_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let recorder = Recorder::create(&path, hiding("s3cret"), Limits::default()).unwrap();
    let encoded = header::encode(&serde_json::json!({"echo": "s3cret"}));
    let long = format!("{}s3cret", "x".repeat(300));
    recorder.body(1, b"body with s3cret");
    recorder.append(
        1,
        What::Sent(Box::new(Sent {
            exchange: 0,
            probe: "v2/good".to_owned(),
            route: "/paid".to_owned(),
            method: "GET".to_owned(),
            path: "/paid?key=s3cret".to_owned(),
            headers: vec![
                ("Authorization".to_owned(), "Bearer s3cret".to_owned()),
                (header::PAYMENT_SIGNATURE.to_owned(), encoded.clone()),
            ],
            body: None,
            authorization: None,
            payment: None,
        })),
    );
    recorder.append(
        2,
        What::Answered(Answered {
            exchange: 0,
            status: 402,
            headers: vec![
                ("X-Echo".to_owned(), long),
                (header::PAYMENT_REQUIRED.to_owned(), encoded),
            ],
            body: recorder.body(2, b"{}"),
            headers_us: 1,
            total_us: 1,
        }),
    );
    recorder.append(
        3,
        What::RunEnded {
            interrupted: false,
            trouble: Some("s3cret".to_owned()),
        },
    );
    recorder.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let hidden = header::encode(&serde_json::json!({"echo": "s3cret"}));
    assert!(!text.contains(&hidden), "{text}");
    assert!(text.contains("<redacted>"));
}

#[test]
fn long_headers_and_payments_become_bodies_and_are_resolved() {
    let events = Script::honest(Version::V2).events();
    let facts = super::Facts::new(&events, None);
    let good = facts.paid(Version::V2, "good").next().unwrap();
    assert!(good.payment().is_some());
    let sent = &good.sent.headers[0].1;
    assert!(sent.starts_with("body:") && good.sent.payment.as_deref() == Some(&sent[5..]));
    let unpaid = facts.unpaid(Version::V2)[0];
    let raw = &unpaid.answer().unwrap().headers[0].1;
    assert!(raw.starts_with("body:"), "{raw}");
    assert!(unpaid.challenge(Version::V2).is_some());
    assert_eq!(unpaid.header("payment-required").unwrap().len() % 4, 0);
}

#[test]
fn a_full_history_keeps_its_end_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let limits = Limits {
        events: 3,
        bytes: u64::MAX,
    };
    let recorder = Recorder::create(&path, plain(), limits).unwrap();
    for _ in 0..5 {
        recorder.append(1, note("x"));
    }
    recorder.append(
        2,
        What::RunEnded {
            interrupted: false,
            trouble: None,
        },
    );
    let error = recorder.finish().unwrap_err();
    assert!(
        matches!(
            error,
            RecorderError::Full {
                kept: 4,
                dropped: 2
            }
        ),
        "{error}"
    );
    let history = reader::read(&path).unwrap();
    assert!(matches!(
        history.events.last().unwrap().what,
        What::RunEnded { .. }
    ));
}

/// `/dev/full` takes no byte: every write fails with "no space left on device".
#[test]
#[cfg(target_os = "linux")]
fn no_space_on_disk_loses_nothing_in_memory_and_is_told_at_the_end() {
    let path = std::path::Path::new("/dev/full");
    let recorder = Recorder::create(path, plain(), Limits::default()).unwrap();
    for _ in 0..3 {
        recorder.append(1, note("x"));
    }
    let error = recorder.finish().unwrap_err();
    assert!(
        matches!(
            error,
            RecorderError::Write {
                written: 0,
                total: 3,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("No space left"), "{error}");
    assert_eq!(recorder.snapshot().len(), 3);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_that_names_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/history.jsonl");
    let error = Recorder::create(&path, plain(), Limits::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("history.jsonl") && error.contains("--out"),
        "{error}"
    );
}

#[test]
fn many_actors_write_one_gapless_history() {
    let recorder = Recorder::in_memory(plain());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let recorder = recorder.clone();
            scope.spawn(move || {
                for count in 0..200u64 {
                    recorder.append(count, note("x"));
                    recorder.body(count, &count.to_le_bytes());
                }
            });
        }
    });
    let events = recorder.snapshot();
    assert_eq!(events.len(), 4 * 200 + 200);
    assert!(
        events
            .iter()
            .enumerate()
            .all(|(place, event)| event.seq == place as u64)
    );
}
