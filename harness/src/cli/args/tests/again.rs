//! The command in a report, typed as it is, means what was typed first.

use std::path::Path;
use std::process::Command as Program;

use super::super::{Again, Command, Setup};
use super::invoke;

fn setup(command: &Command) -> &Setup {
    match command {
        Command::Run(run) => &run.setup,
        Command::Load(load) => &load.setup,
        Command::Replay(replay) => &replay.setup,
        other => panic!("it runs nothing: {other:?}"),
    }
}

fn again(folder: &Path, words: &[&str]) -> Again {
    let invocation = invoke(folder, words).unwrap();
    setup(&invocation.command).again.clone().unwrap()
}

/// The whole command on a node, with seed 7.
fn whole(words: &[&str]) -> String {
    again(Path::new("."), words).whole(7, "anvil", str::to_owned)
}

/// The words that a shell makes of a command, the program's name left out.
fn words_of(command: &str) -> Vec<String> {
    let arguments = command.strip_prefix("x402-assay ").expect(command);
    let script = format!(r"printf '%s\0' {arguments}");
    let output = Program::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{command}");
    let text = String::from_utf8(output.stdout).unwrap();
    let words = text.split_terminator('\0');
    words.map(str::to_owned).collect()
}

/// What is typed, and what the report says of it with seed 7 on a node.
const KINDS: &[(&[&str], &str)] = &[
    (&[], "x402-assay run --seed 7"),
    (
        &["--chain", "memory", "--json", "--out", "there", "-q"],
        "x402-assay run --chain memory --seed 7",
    ),
    (
        &["--defect", "guard-inserts-after-verify,verify-ignored"],
        "x402-assay run --defect guard-inserts-after-verify --defect verify-ignored --seed 7",
    ),
    (
        &[
            "--facilitator",
            "builtin",
            "--facilitator-port",
            "0",
            "--seed",
            "3",
        ],
        "x402-assay run --facilitator builtin --facilitator-port 0 --seed 7",
    ),
    (
        &[
            "run",
            "settle-says-no",
            "all",
            "--repeat",
            "3",
            "--cases",
            "2",
            "--strict",
        ],
        "x402-assay run settle-says-no all --repeat 3 --cases 2 --strict --seed 7",
    ),
    (
        &[
            "run",
            "--check",
            "SRV-*,-X",
            "--skip",
            "SRV-TERM-*",
            "--x402",
            "v2",
            "--network",
            "base",
        ],
        "x402-assay run --x402 v2 --network base --check 'SRV-*' --check=-X --skip 'SRV-TERM-*' --seed 7",
    ),
    (
        &[
            "--server",
            "http://127.0.0.1:{port}/pa'id",
            "--launch",
            "node server.js --name 'a b'",
            "-X",
            "PUT",
            "-d",
            r#"{"q": "it's $1"}"#,
            "-H",
            "Content-Type: application/json",
            "--marker",
            "gold",
            "--timeout",
            "9s",
        ],
        r#"x402-assay run --server 'http://127.0.0.1:{port}/pa'\''id' --launch 'node server.js --name '\''a b'\''' --method PUT --header 'Content-Type: application/json' --data '{"q": "it'\''s $1"}' --marker gold --timeout 9s --seed 7"#,
    ),
    (
        &[
            "--server",
            "http://127.0.0.1:3000/paid",
            "--attach",
            "--update-expectations",
        ],
        "x402-assay run --server http://127.0.0.1:3000/paid --attach --seed 7",
    ),
    (&["load"], "x402-assay load --seed 7"),
    (
        &[
            "load",
            "--arrivals",
            "poisson:500/s",
            "--for",
            "3s",
            "--mix",
            "buy=90,duplicate=10",
            "--threshold",
            "goodput >= 190/s",
            "--threshold",
            "p99(paid) < 250ms",
            "--defect",
            "guard-inserts-after-verify",
            "--warm-up",
            "1s",
            "--connections",
            "new:9",
            "--queue",
            "5",
        ],
        "x402-assay load --defect guard-inserts-after-verify --rate poisson:500/s --for 3s --mix buy=90,duplicate=10 --connections new:9 --queue 5 --warm-up 1s --threshold 'goodput >= 190/s' --threshold 'p99(paid) < 250ms' --seed 7",
    ),
    (
        &[
            "load",
            "--server",
            "http://127.0.0.1:3000/paid",
            "--rate",
            "5/s",
            "--search",
            "--threshold",
            "errors < 1%",
        ],
        "x402-assay load --server http://127.0.0.1:3000/paid --rate 5/s --threshold 'errors < 1%' --search --seed 7",
    ),
    (
        &["load", "load-constant", "--threshold", "dropped == 0"],
        "x402-assay load load-constant --threshold 'dropped == 0' --seed 7",
    ),
    (
        &[
            "load",
            "--facilitator",
            "builtin",
            "--calls",
            "verify",
            "--signers",
            "3",
            "--block-time",
            "1s",
        ],
        "x402-assay load --facilitator builtin --calls verify --block-time 1s --signers 3 --seed 7",
    ),
    (
        &[
            "load",
            "--users",
            "50",
            "--journey",
            "pay=70,quote=30",
            "--think",
            "1s..2s",
            "--for",
            "30s",
        ],
        "x402-assay load --for 30s --users 50 --journey pay=70,quote=30 --think 1s..2s --seed 7",
    ),
    (
        &["load", "--closed", "--unpaid", "--patience", "9s"],
        "x402-assay load --closed --unpaid --patience 9s --seed 7",
    ),
];

/// As far as the run goes: where its report lies and how it is judged by a file are the caller's.
fn run_alone(command: Command) -> Command {
    match command {
        Command::Run(mut run) => {
            run.seed = Some(7);
            (run.out, run.json) = (Default::default(), false);
            run.update_expectations = false;
            Command::Run(run)
        }
        Command::Load(mut load) => {
            load.plan.seed = 7;
            Command::Load(load)
        }
        other => other,
    }
}

#[test]
fn every_kind_of_run_is_told_in_words_that_mean_it_again() {
    for (words, told) in KINDS {
        assert_eq!(whole(words), *told, "{words:?}");
        let typed = words_of(told);
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        let (first, second) = (
            invoke(Path::new("."), words),
            invoke(Path::new("."), &typed),
        );
        let first = run_alone(first.unwrap().command);
        let second = run_alone(second.unwrap().command);
        // Aliases and left out flags are gone in the second telling, and it is its own repetition.
        assert_eq!(whole(&typed), *told);
        let plain = |mut command: Command| {
            match &mut command {
                Command::Run(run) => run.setup.again = None,
                Command::Load(load) => load.setup.again = None,
                other => panic!("{other:?}"),
            }
            command
        };
        assert_eq!(plain(first), plain(second), "{told}");
    }
}

#[test]
fn the_chain_that_stood_in_is_told_where_nothing_was_said_of_it() {
    let on_memory = |words: &[&str]| again(Path::new("."), words).whole(7, "memory", str::to_owned);
    assert_eq!(on_memory(&[]), "x402-assay run --chain memory --seed 7");
    assert_eq!(
        on_memory(&["load", "--rate", "5/s"]),
        "x402-assay load --rate 5/s --chain memory --seed 7"
    );
    for flags in [
        &["--chain", "auto"][..],
        &["load", "--signers", "2"],
        &["load", "--block-time", "1s"],
        &["--server", "http://127.0.0.1:1/p", "--attach"],
    ] {
        let told = on_memory(flags);
        assert!(!told.contains("--chain memory"), "{told}");
        let typed = words_of(&told);
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        invoke(Path::new("."), &typed).unwrap();
    }
}

#[test]
fn no_secret_is_told() {
    let words = [
        "load",
        "--server",
        "http://me:s3cret-password@127.0.0.1:3000/paid?a=1",
        "-H",
        "Authorization: Bearer s3cret-token",
        "-H",
        "X-Key:s3cret-key",
        "--launch",
        "env KEY=s3cret-launch node s.js",
        "--chain",
        "http://user:s3cret-node@127.0.0.1:8545",
        "--rate",
        "5/s",
    ];
    let hide = |word: &str| word.replace("s3cret-launch", "<redacted>");
    let again = again(Path::new("."), &words);
    let told = again.whole(7, "url", hide);
    assert_eq!(
        told,
        "x402-assay load --server 'http://…@127.0.0.1:3000/paid?a=1' --launch 'env KEY=<redacted> node s.js' --header 'Authorization: …' --header 'X-Key: …' --rate 5/s --chain 'http://…@127.0.0.1:8545' --seed 7"
    );
    assert!(!format!("{again:?}").contains("s3cret-token"));
}

#[test]
fn a_finding_gets_the_target_and_what_is_around_it() {
    let words = [
        "run",
        "settle-says-no",
        "--server",
        "http://127.0.0.1:3000/paid",
        "--chain",
        "memory",
        "--check",
        "SRV-*",
        "--repeat",
        "2",
        "--i-own",
        "shop.example",
        "--strict",
        "--rpc-port",
        "9545",
    ];
    let told = again(Path::new("."), &words).on_target(str::to_owned);
    assert_eq!(
        told.as_deref(),
        Some(
            "x402-assay run --server http://127.0.0.1:3000/paid --i-own shop.example --chain memory --rpc-port 9545"
        )
    );
}

const CHILD: &str = "cli::args::tests::again::child_tells_its_command";

#[test]
#[ignore = "only means something when the test below starts it"]
fn child_tells_its_command() {
    println!("<{}>", whole(&["load", "--mix", "buy=100"]));
}

/// Variables are read from this process, and tests share it: a child has its own.
#[test]
fn variables_are_told_as_variables_and_headers_without_their_values() {
    let output = Program::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env("X402_ASSAY_SERVER", "http://127.0.0.1:3000/it's")
        .env("X402_ASSAY_RATE", "5/s")
        .env("X402_ASSAY_HEADER", "X-A: s3cret-a\nX-B: s3cret-b")
        .env("X402_ASSAY_OUT", "there")
        .env("X402_ASSAY_SEED", "9")
        .env("X402_ASSAY_UNPAID", "")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (start, end) = (text.find('<').unwrap(), text.rfind('>').unwrap());
    assert_eq!(
        &text[start + 1..end],
        r"X402_ASSAY_SERVER='http://127.0.0.1:3000/it'\''s' X402_ASSAY_RATE=5/s x402-assay load --header 'X-A: …' --header 'X-B: …' --mix buy=100 --seed 7"
    );
}
