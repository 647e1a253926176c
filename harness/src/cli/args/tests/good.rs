use std::fs;
use std::path::Path;
use std::time::Duration;

use x402_assay_protocol::Version;

use super::super::{
    Attach, ChainChoice, Command, FailOn, Grading, ListRole, PortChoice, RunOptions,
};
use super::invoke;
use crate::config::profile::TargetKind;

fn run(words: &[&str]) -> RunOptions {
    run_in(Path::new("."), words)
}

fn run_in(folder: &Path, words: &[&str]) -> RunOptions {
    match invoke(folder, words).unwrap().command {
        Command::Run(options) => *options,
        other => panic!("not a run: {other:?}"),
    }
}

#[test]
fn a_bare_call_runs_the_built_in_server_on_free_ports() {
    let options = run(&[]);
    assert_eq!(options, run(&["run"]));
    assert!(options.setup.target.is_none());
    assert_eq!(options.setup.attach, Attach::No);
    assert_eq!(options.setup.listen.facilitator, PortChoice::Free);
    assert_eq!(options.setup.chain.choice, ChainChoice::Auto);
    assert_eq!(options.setup.chain.chain_id, None);
    assert!(options.setup.chain.install);
    assert_eq!(options.setup.timeout, Duration::from_secs(30));
    assert_eq!(options.patience, Duration::from_secs(5));
    assert_eq!(options.fail_on, FailOn::Fail);
    assert_eq!(options.out, Path::new("./x402-assay-report"));
}

#[test]
fn run_is_implied_when_the_first_word_is_a_flag() {
    let url = "http://127.0.0.1:3000/paid";
    assert_eq!(run(&["--server", url]), run(&["run", "--server", url]));
    let quiet = invoke(Path::new("."), &["-q", "--server", url]).unwrap();
    assert!(quiet.verbosity.quiet);
    let verbose = invoke(Path::new("."), &["-vv", "down"]).unwrap();
    assert_eq!(verbose.verbosity.verbose, 2);
    assert!(matches!(verbose.command, Command::Down(_)));
    assert_eq!(
        invoke(Path::new("."), &["run", "-v"])
            .unwrap()
            .verbosity
            .verbose,
        1
    );
}

#[test]
fn a_server_started_by_hand_gets_the_documented_ports() {
    let setup = run(&["--server", "http://127.0.0.1:3000/paid"]).setup;
    assert_eq!(setup.listen.facilitator, PortChoice::Default(4402));
    assert_eq!(setup.listen.control, PortChoice::Default(4403));
    assert_eq!(setup.listen.rpc, PortChoice::Default(8545));
    assert!(
        matches!(setup.attach, Attach::IfRunning(url) if url.as_str() == "http://127.0.0.1:4403/")
    );
}

#[test]
fn a_launched_server_gets_free_ports_and_no_attaching() {
    let words = [
        "--server",
        "http://127.0.0.1:{port}/p",
        "--launch",
        "node s.js",
        "--rpc-port",
        "9545",
    ];
    let setup = run(&words).setup;
    assert_eq!(setup.listen.facilitator, PortChoice::Free);
    assert_eq!(setup.listen.rpc, PortChoice::Given(9545));
    assert_eq!(setup.attach, Attach::No);
    assert_eq!(setup.target.unwrap().launch.unwrap().command, "node s.js");
}

#[test]
fn attaching_can_be_asked_for() {
    let setup = run(&["--server", "http://h/p", "--attach"]).setup;
    assert!(matches!(setup.attach, Attach::Required(url) if url.port() == Some(4403)));
    let setup = run(&["--attach", "http://127.0.0.1:5000"]).setup;
    assert!(matches!(setup.attach, Attach::Required(url) if url.port() == Some(5000)));
    let setup = run(&[
        "--server",
        "http://h/p",
        "--attach",
        "--control-port",
        "5001",
    ])
    .setup;
    assert!(matches!(setup.attach, Attach::Required(url) if url.port() == Some(5001)));
    let setup = run(&["--server", "http://h/p", "--control-port", "0"]).setup;
    assert_eq!(setup.attach, Attach::No);
    assert_eq!(setup.listen.control, PortChoice::Free);
}

/// Words as they are typed, split at white space.
fn typed(words: &str) -> RunOptions {
    run(&words.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn a_paid_post() {
    let setup = run(&[
        "--server=http://h/generate",
        "-XPUT",
        "-HContent-Type: application/json",
        "-HAuthorization: Bearer abcdef",
        "-d{\"q\":1}",
        "--marker=paid text",
        "--timeout=3s",
        "--x402=v2,v1,2",
        "--i-own=example.org",
    ])
    .setup;
    let target = setup.target.as_ref().unwrap();
    assert_eq!(target.routes[0].method, "PUT");
    assert_eq!(
        target.routes[0].body.as_deref(),
        Some(br#"{"q":1}"#.as_slice())
    );
    assert_eq!(target.origin.marker.as_deref(), Some("paid text"));
    assert_eq!(target.headers.len(), 2);
    assert_eq!(setup.timeout, Duration::from_secs(3));
    assert_eq!(setup.versions, Some(vec![Version::V1, Version::V2]));
    assert_eq!(setup.owned_hosts, ["example.org"]);
}

#[test]
fn chain_and_addresses() {
    let words = "--chain memory --network base --no-install --bind 0.0.0.0 --advertise-host host.docker.internal";
    let setup = typed(words).setup;
    assert_eq!(setup.chain.choice, ChainChoice::Memory);
    assert_eq!(setup.chain.chain_id, Some(8453));
    assert!(!setup.chain.install);
    assert_eq!(setup.listen.bind.to_string(), "0.0.0.0");
    assert_eq!(
        setup.listen.advertise_host.as_deref(),
        Some("host.docker.internal")
    );
}

#[test]
fn selection_and_verdict() {
    let words = "--check SRV-*,FAC-* --check X --skip SRV-TERM-1 --tag race --seed 7 --dry-run \
                 --patience 0s --out there --json --strict --grading strict-sdk";
    let options = typed(words);
    assert_eq!(options.selection.check, ["SRV-*", "FAC-*", "X"]);
    assert_eq!(options.selection.skip, ["SRV-TERM-1"]);
    assert_eq!(options.selection.tags, ["race"]);
    assert_eq!(options.seed, Some(7));
    assert_eq!(options.patience, Duration::ZERO);
    assert_eq!(options.out, Path::new("./there"));
    assert!(options.json && options.strict && options.dry_run && !options.slow);
    assert_eq!(
        (options.fail_on, options.grading),
        (FailOn::Warn, Grading::StrictSdk)
    );
}

#[test]
fn a_profile_file_is_read_and_flags_win() {
    let dir = tempfile::tempdir().unwrap();
    let text = "server: http://h\ntimeout: 9s\nversions: [1]\nheaders: { Authorization: \"Bearer ${TOKEN}\" }\nroutes: [{ path: /a }]\n";
    fs::write(dir.path().join("target.yaml"), text).unwrap();
    fs::write(dir.path().join("noext"), text).unwrap();
    let setup = run_in(dir.path(), &["--server", "target.yaml"]).setup;
    assert_eq!(setup.timeout, Duration::from_secs(9));
    assert_eq!(setup.versions, Some(vec![Version::V1]));
    assert_eq!(
        setup.profile.as_deref(),
        Some(dir.path().join("target.yaml").as_path())
    );
    assert_eq!(
        setup.target.as_ref().unwrap().secrets(),
        ["Bearer s3cret-token", "s3cret-token"]
    );
    let words = ["--server", "noext", "--timeout", "3s", "--x402", "2"];
    let setup = run_in(dir.path(), &words).setup;
    assert_eq!(setup.timeout, Duration::from_secs(3));
    assert_eq!(setup.versions, Some(vec![Version::V2]));
}

#[test]
fn the_other_commands() {
    let here = Path::new("/nowhere");
    let Command::Up(up) = invoke(here, &["up", "-d", "--env-file", "a.env"])
        .unwrap()
        .command
    else {
        panic!()
    };
    assert!(up.detach && !up.wait);
    assert_eq!(up.env_file.as_deref(), Some(Path::new("/nowhere/a.env")));
    assert_eq!(up.listen.facilitator, PortChoice::Default(4402));
    let Command::Up(up) = invoke(here, &["up", "--wait", "--chain", "http://127.0.0.1:8546"])
        .unwrap()
        .command
    else {
        panic!()
    };
    assert!(up.detach && up.wait);
    assert!(matches!(up.chain.choice, ChainChoice::Url(_)));
    let Command::Down(down) = invoke(here, &["down"]).unwrap().command else {
        panic!()
    };
    assert_eq!(down.control_url.as_str(), "http://127.0.0.1:4403/");
    let list = invoke(here, &["list", "--scenarios", "--role", "client", "--json"])
        .unwrap()
        .command;
    let Command::List(list) = list else { panic!() };
    assert_eq!(
        (list.scenarios, list.role, list.json),
        (true, Some(ListRole::Client), true)
    );
    let doctor = invoke(here, &["doctor", "--server", "http://h/p", "--json"])
        .unwrap()
        .command;
    let Command::Doctor(doctor) = doctor else {
        panic!()
    };
    assert!(doctor.json && doctor.setup.target.is_some());
}

#[test]
fn facilitators_and_clients_are_understood() {
    let facilitator = run(&["--facilitator", "http://127.0.0.1:4022"])
        .setup
        .target
        .unwrap();
    assert!(matches!(facilitator.kind, TargetKind::Facilitator { .. }));
    let client = run(&["--client", "node agent.js {url}"])
        .setup
        .target
        .unwrap();
    assert!(matches!(client.kind, TargetKind::Client { .. }));
}

#[test]
fn reserved_names_take_anything() {
    let reserved = |words: &[&str]| match invoke(Path::new("."), words).unwrap().command {
        Command::Reserved { name } => name,
        other => panic!("not reserved: {other:?}"),
    };
    let name = "interop";
    assert_eq!(reserved(&[name]), name);
    assert_eq!(reserved(&[name, "x", "--rate", "9", "--help"]), name);
    assert_eq!(reserved(&[name, "--help"]), name);
}

#[test]
fn scenarios_are_names_files_or_all_of_them() {
    let named = run(&["run", "concurrent-duplicates", "all"]).scenarios;
    assert_eq!(
        named,
        [Path::new("concurrent-duplicates"), Path::new("all")]
    );
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("all")).unwrap();
    let beside = |word: &str| run_in(folder.path(), &["run", word]).scenarios;
    assert_eq!(beside("all"), [Path::new("all")]);
    assert_eq!(beside("./all"), [folder.path().join("./all")]);
    let copy = invoke(Path::new("."), &["scenario", "copy", "replayed-payment"]);
    match copy.unwrap().command {
        Command::ScenarioCopy { name } => assert_eq!(name, "replayed-payment"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn defects_belong_to_the_built_in_server() {
    let setup = run(&["--defect", "free-lunch", "--defect", "a,b"]).setup;
    assert_eq!(setup.defects, ["free-lunch", "a", "b"]);
}

#[test]
fn judge_takes_a_history_and_writes_no_files_unasked() {
    let judge = |words: &[&str]| match invoke(Path::new("/here"), words).unwrap().command {
        Command::Judge(options) => options,
        other => panic!("not judge: {other:?}"),
    };
    let plain = judge(&["judge", "out/history.jsonl"]);
    assert_eq!(plain.history, Path::new("/here/out/history.jsonl"));
    assert_eq!((plain.out, plain.json), (None, false));
    let full = judge(&[
        "judge",
        "h",
        "--check",
        "A-*,B",
        "--skip",
        "B",
        "--grading",
        "strict-sdk",
        "--fail-on",
        "warn",
        "--out",
        "again",
        "--json",
    ]);
    assert_eq!(full.selection.check, ["A-*", "B"]);
    assert_eq!(full.selection.skip, ["B"]);
    assert_eq!(full.grading, Grading::StrictSdk);
    assert_eq!(full.fail_on, FailOn::Warn);
    assert_eq!(full.out.as_deref(), Some(Path::new("/here/again")));
    assert!(full.json);
    assert!(
        invoke(Path::new("."), &["judge"])
            .unwrap_err()
            .contains("HISTORY")
    );
}
