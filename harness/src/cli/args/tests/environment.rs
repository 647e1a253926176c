//! Variables are read by clap from this process, and tests share one process: each case runs this
//! test program again with the variables set, and reads what the child made of them.

use std::path::Path;
use std::process::Command as Program;

use super::super::Command;
use super::invoke;

/// The words the child parses, one per line.
const WORDS: &str = "ASSAY_TEST_WORDS";
const CHILD: &str = "cli::args::tests::environment::child_shows_what_it_was_told";

#[test]
#[ignore = "only means something when `ask` starts it"]
fn child_shows_what_it_was_told() {
    let words = std::env::var(WORDS).unwrap_or_default();
    let words: Vec<&str> = words.lines().collect();
    match invoke(Path::new("."), &words) {
        Ok(invocation) => {
            let Command::Run(run) = invocation.command else {
                panic!("not a run")
            };
            let target = run.setup.target.as_ref();
            let url = target
                .and_then(|target| target.url())
                .map(ToString::to_string);
            let headers = target.map_or(0, |target| target.headers.len());
            println!(
                "<seed={:?} quiet={} fail_on={:?} json={} checks={:?} url={url:?} headers={headers} out={}>",
                run.seed,
                invocation.verbosity.quiet,
                run.fail_on,
                run.json,
                run.selection.check,
                run.out.display()
            );
        }
        Err(message) => println!("<{message}>"),
    }
}

fn ask(words: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Program::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(WORDS, words.join("\n"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (start, end) = (text.find('<').unwrap(), text.rfind('>').unwrap());
    text[start + 1..end].to_owned()
}

#[test]
fn variables_stand_in_for_flags_and_flags_win() {
    let variables = [
        ("X402_ASSAY_SEED", "7"),
        ("X402_ASSAY_JSON", "1"),
        ("X402_ASSAY_CHECK", "A-*,B-*"),
        ("X402_ASSAY_SERVER", "http://h/p"),
        ("X402_ASSAY_HEADER", "X-A: 1, 2\nX-B: 3"),
        ("X402_ASSAY_OUT", "there"),
    ];
    assert_eq!(
        ask(&[], &variables),
        r#"seed=Some(7) quiet=false fail_on=Fail json=true checks=["A-*", "B-*"] url=Some("http://h") headers=2 out=./there"#
    );
    let words = ["--seed", "8", "--server", "http://i/p", "--out", "here"];
    assert_eq!(
        ask(&words, &variables),
        r#"seed=Some(8) quiet=false fail_on=Fail json=true checks=["A-*", "B-*"] url=Some("http://i") headers=2 out=./here"#
    );
    // A typed target beats another kind of target from the environment.
    let facilitator = ask(&["--facilitator", "http://f"], &variables[..4]);
    assert!(
        facilitator.contains(r#"url=Some("http://f")"#),
        "{facilitator}"
    );
}

#[test]
fn a_typed_flag_beats_a_contradicting_variable() {
    let variables = [("X402_ASSAY_VERBOSE", "1"), ("X402_ASSAY_STRICT", "1")];
    let both_typed = ask(&["-q", "--fail-on", "fail"], &variables);
    assert!(
        both_typed.contains("quiet=true fail_on=Fail"),
        "{both_typed}"
    );
    let variables_only = ask(&[], &variables);
    assert!(
        variables_only.contains("quiet=false fail_on=Warn"),
        "{variables_only}"
    );
    let strict = ask(&["--strict"], &[("X402_ASSAY_FAIL_ON", "fail")]);
    assert!(strict.contains("fail_on=Warn"), "{strict}");
}

#[test]
fn an_empty_variable_is_not_set() {
    let variables = [
        ("X402_ASSAY_SEED", ""),
        ("X402_ASSAY_JSON", ""),
        ("X402_ASSAY_SERVER", ""),
    ];
    assert_eq!(
        ask(&[], &variables),
        "seed=None quiet=false fail_on=Fail json=false checks=[] url=None headers=0 out=./x402-assay-report"
    );
}

#[test]
fn a_wrong_variable_is_refused_like_the_flag() {
    let message = ask(&[], &[("X402_ASSAY_SEED", "many")]);
    assert!(
        message.contains("--seed") && message.contains("many"),
        "{message}"
    );
    let message = ask(&[], &[("X402_ASSAY_JSON", "flase")]);
    assert!(message.contains("--json"), "{message}");
    let both = [
        ("X402_ASSAY_SERVER", "http://h"),
        ("X402_ASSAY_CLIENT", "x"),
    ];
    assert!(ask(&[], &both).contains("X402_ASSAY_*"));
}
