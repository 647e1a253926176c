//! Every scenario is shown to fail: each defect of the reference server turns red exactly the scenarios listed for it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use x402_assay::bench::{self, Bench};
use x402_assay::cli::args::Setup;
use x402_assay::reference_server::{Defect, Variant};
use x402_assay::runner::{Repeats, Scope, Sheet, Silent};
use x402_assay::scenario::{BUILTIN, Role, Scenario};
use x402_assay::verdict::{self, Judging};
use x402_assay_reports::model::{ScenarioResult, Verdict};

/// Runs under way at once; most of a run is waiting.
const WIDTH: usize = 6;

/// The scenarios each defect is run against; none stands for every scenario that is not about time, each list of its
/// `vary` cut short.
const ROWS: &[(Defect, &[&str])] = &[
    (
        Defect::VerifyIgnored,
        &[
            "bought-by-another",
            "idempotency-id",
            "terms-from-server",
            "verify-lies",
            "verify-unusual-but-true",
        ],
    ),
    (Defect::SettleIgnored, &[]),
    (Defect::ServeUndecodable, &["repeated-header"]),
    (
        Defect::VerdictsCoerced,
        &["settle-coerced-verdicts", "verify-coerced-verdicts"],
    ),
    (
        Defect::VerifyAny200IsValid,
        &[
            "verify-coerced-verdicts",
            "verify-lies",
            "verify-odd-bodies",
        ],
    ),
    (
        Defect::LocalCheckOnRefusal,
        &["verify-lies", "verify-unusual-but-true"],
    ),
    (Defect::ServeBadSignature, &["verify-lies"]),
    (
        Defect::ServeOnFacilitatorError,
        &[
            "error-burns-payment",
            "facilitator-outage",
            "settle-outcome-unknown",
            "verify-fails",
            "verify-odd-bodies",
            "verify-unusual-but-true",
        ],
    ),
    (Defect::BodyErrorUnpaid, &["unpaid-bodies"]),
    (Defect::BatchUnpaid, &["unpaid-bodies"]),
    (Defect::OtherMethodUnpaid, &["unpaid-methods"]),
    (Defect::LargeHeaderUnpaid, &["header-size-steps"]),
    (Defect::PreflightUnpaid, &["preflight"]),
    (
        Defect::PageReflectsUrl,
        &["paywall-markup", "paywall-markup-path"],
    ),
    (Defect::EncodedPathUnpaid, &["path-forms"]),
    (Defect::UpperCasePathUnpaid, &["path-forms"]),
    (Defect::TrailingSlashUnpaid, &["path-forms"]),
    (Defect::BackslashUnpaid, &["path-forms"]),
    (Defect::DoubleSlashUnpaid, &["path-forms"]),
    (Defect::DotSegmentsUnpaid, &["path-forms"]),
    (Defect::PathParameterUnpaid, &["path-forms"]),
    (Defect::AbsoluteFormUnpaid, &["path-forms"]),
    (Defect::BadEscapeUnpaid, &["path-forms-parameter"]),
    (Defect::EncodedSlashUnpaid, &["path-forms-parameter"]),
    (Defect::EncodedNewlineUnpaid, &["path-forms-wildcard"]),
    (Defect::RepeatedHeaderUnsettled, &["repeated-header"]),
    (Defect::IdForAnyPayer, &["idempotency-id"]),
    (Defect::IdForAnyRoute, &["idempotency-id"]),
    (Defect::IdForAnyBody, &["idempotency-id-body"]),
    (
        Defect::UsedNonceIsPaid,
        &["replayed-serially", "restart-forgets", "two-replicas"],
    ),
    (
        Defect::ChallengeOnUsed,
        &["crash-after-settle", "response-lost-after-settle"],
    ),
    (Defect::PaidPublic, &["shared-cache"]),
    (Defect::CachePublic, &["shared-cache"]),
    (
        Defect::FreeWithoutKinds,
        &["facilitator-away-at-start", "supported-without-kinds"],
    ),
    (
        Defect::FreeUntilSupported,
        &["slow-supported-first-requests"],
    ),
    (Defect::HeadUnpaid, &["unpaid-methods"]),
    (
        Defect::AnyRoutePrice,
        &[
            "dear-route-cheap-payment",
            "replayed-elsewhere",
            "terms-from-server",
        ],
    ),
    (
        Defect::TrustClientTerms,
        &["dear-route-cheap-payment", "terms-from-server"],
    ),
    (Defect::IgnoreAmount, &["terms-from-server"]),
    (Defect::IgnoreRecipient, &["terms-from-server"]),
    (Defect::IgnoreAsset, &["terms-from-server"]),
    (Defect::SettleWithClientTerms, &["claimed-terms"]),
    (Defect::SettleDespiteInvalid, &["verify-lies"]),
    (
        Defect::VerifyOnly,
        &["replayed-serially", "settlement-pending"],
    ),
    (
        Defect::SettleAny200IsSuccess,
        &["settle-odd-bodies", "settle-says-no"],
    ),
    (
        Defect::ServeOnSettleTrouble,
        &[
            "facilitator-restart",
            "settle-odd-bodies",
            "settle-outcome-unknown",
        ],
    ),
    (
        Defect::SettleInBackground,
        &["settle-says-no", "streaming-leak"],
    ),
    (Defect::SettleBeforeHandler, &["handler-outcomes"]),
    (Defect::SettleOnHandlerError, &["handler-outcomes"]),
    (
        Defect::PendingIsSuccess,
        &["pending-never-lands", "settlement-pending"],
    ),
    (
        Defect::ChallengeOnUnknown,
        &[
            "facilitator-restart",
            "fresh-payment-retry",
            "settle-odd-bodies",
            "settle-outcome-unknown",
            "settlement-pending",
        ],
    ),
    (Defect::StreamBeforeSettlement, &["streaming-leak"]),
    (
        Defect::LeakOnSettleFailure,
        &["settle-says-no", "streaming-leak", "verify-lies"],
    ),
    (Defect::LeakInHeader, &["settle-says-no", "verify-lies"]),
    (
        Defect::ReplayCache,
        &[
            "replayed-elsewhere",
            "replayed-payment",
            "replayed-serially",
            "retrying-proxy",
            "settlement-pending",
        ],
    ),
    (
        Defect::ReplayCacheAnyRoute,
        &["replayed-elsewhere", "replayed-serially"],
    ),
    (Defect::CacheWithoutPayer, &["bought-by-another"]),
    (Defect::DedupeByPayer, &["facilitator-outage"]),
    (Defect::GuardBurnsNonce, &["error-burns-payment"]),
    (
        Defect::AlreadySettledIsSuccess,
        &[
            "concurrent-duplicates",
            "dedup-key-encodings",
            "preempted-by-third-party",
            "racing-settles",
        ],
    ),
    (
        Defect::GuardInsertsAfterVerify,
        &[
            "concurrent-duplicates",
            "dedup-key-encodings",
            "racing-settles",
        ],
    ),
    (
        Defect::GuardInsertsAfterSettle,
        &[
            "concurrent-duplicates",
            "dedup-key-encodings",
            "racing-settles",
        ],
    ),
    (
        Defect::GuardKeyedByHeader,
        &["concurrent-duplicates", "dedup-key-encodings"],
    ),
    (
        Defect::GuardKeyedByNonceText,
        &["concurrent-duplicates", "dedup-key-encodings"],
    ),
    (Defect::UptoAboveCeiling, &["upto-ceiling"]),
    (Defect::UptoTakesCeiling, &["upto-ceiling"]),
    (Defect::UptoDrawsAgain, &["upto-drawn-twice"]),
    (Defect::ReceiptMissing, &["settle-lies"]),
    (Defect::ReceiptWrongTransaction, &["replayed-serially"]),
    (Defect::ReceiptClaimsSuccess, &["settle-says-no"]),
];

/// Scenarios about time: they wait for seconds, and are run only where a defect must show in them.
const TIMED: &[(Defect, &str)] = &[
    (Defect::AbandonedPurchaseJams, "client-gives-up"),
    (Defect::AlreadySettledIsSuccess, "impatient-client"),
    (Defect::GuardForgetsEarly, "copy-while-settling"),
    (Defect::ImpatientWithFacilitator, "settle-outlasts-server"),
    (Defect::OnePurchaseAtATime, "slow-settles-starve"),
    (Defect::SettleIgnored, "slow-handler-outlives-window"),
];

/// The first defect that is about payments. Those before it are about challenges and whole routes: the checks' matrix
/// has them, and most of them leave nothing that scenarios could buy.
const FIRST: Defect = Defect::AcceptAnyHeader;

/// Defects under which the reference server sells nothing or is paid nothing: the controls find them, and no scenario
/// is run.
const NO_CONTROL: &[Defect] = &[
    Defect::AcceptAnyHeader,
    Defect::RefuseEverything,
    Defect::OtherAmountForwarded,
    Defect::ChargeWithoutService,
];

/// Defects that no scenario shows, and why.
const UNSEEN: &[(Defect, &str)] = &[
    (
        Defect::SettlementOverridesHonoured,
        "a check's (SRV-HTTP-015): no scenario sends that header",
    ),
    (
        Defect::OtherOfferForwarded,
        "a check's (SRV-TERM-008): scenarios pay one offer",
    ),
    (
        Defect::StalePriceError,
        "a check's (SRV-TERM-014): no scenario changes the price",
    ),
    (
        Defect::FreeRouteCharges,
        "a check's (SRV-TERM-013): no scenario pays on a free route",
    ),
    (
        Defect::VersionOverwritten,
        "a check's (SRV-VER-001): served and charged as offered",
    ),
    (
        Defect::IdWithoutSchema,
        "a check's (SRV-PID-001): a member of the challenge",
    ),
    (
        Defect::IdIgnored,
        "a check's (SRV-PID-002): repeats with an id are charged again, and served",
    ),
    (
        Defect::IdRequiredUnenforced,
        "a check's (SRV-PID-004): it shows where an id is required",
    ),
    (
        Defect::IdPoisoned,
        "a check's (SRV-PID-010): no scenario retries an id after a failure",
    ),
    (
        Defect::OutageIsFinal,
        "a check's (SRV-FAC-005): after the outages of scenarios another server is started",
    ),
    (
        Defect::FreeAsksFacilitator,
        "a check's (SRV-FAC-007): no scenario asks for a free route",
    ),
    (Defect::UsedIs500, "a check's (SRV-REPL-004): a status"),
    (
        Defect::GuardReleasedOnUnknown,
        "most servers have no guard to release: the second run and the fresh 402 are `info` by design",
    ),
    (
        Defect::SettleUndecodable,
        "the facilitator refuses what cannot be read: nothing is given or moved",
    ),
    (Defect::Status500OnMalformed, "a status; SRV-HDR judges it"),
    (
        Defect::ServeExpired,
        "a check's: no scenario pays late on purpose",
    ),
    (
        Defect::ServeNotYetValid,
        "a check's: no scenario pays early on purpose",
    ),
    (
        Defect::FacilitatorRequestWithoutVersion,
        "a message's form; SRV-FAC-010 judges it",
    ),
    (
        Defect::PayloadRewritten,
        "a message's form; SRV-FAC-011 judges it",
    ),
    (Defect::SettleTwice, "the second settlement moves nothing"),
    (
        Defect::RefusalWithoutChallenge,
        "a message's form; SRV-FLOW-003 and 005 judge it",
    ),
    (
        Defect::UpfrontLate,
        "without the variant `upfront` it changes nothing; SRV-FLOW-013 judges it",
    ),
    (Defect::SettlementOverridesLeak, "a check's"),
    (Defect::ExtensionResponsesForwarded, "a check's"),
    (Defect::ReceiptInventsTransaction, "a check's"),
    (Defect::ReceiptNotBase64, "a check's"),
    (Defect::ReceiptWrongPayer, "a check's"),
    (Defect::ReceiptWrongNetwork, "a check's"),
    (Defect::ReceiptWithoutNetwork, "a check's"),
    (Defect::ReceiptErrorReason, "a check's"),
];

/// The scenario with each list of `vary` cut to its first two values: which scenarios a defect reddens stays, how
/// often it does not matter here.
fn thin(name: &str, text: &str) -> Sheet {
    let (head, tail) = text.split_once("steps:").unwrap();
    let mut thin = String::new();
    let mut rest = head;
    while let Some((before, after)) = rest.split_once('[') {
        let (list, after) = after.split_once(']').unwrap();
        let kept = if before.trim_end().ends_with("needs:") || !thin_from(&thin, before) {
            list.to_owned()
        } else {
            list.split(',').take(2).collect::<Vec<_>>().join(",")
        };
        write!(thin, "{before}[{kept}]").unwrap();
        rest = after;
    }
    sheet(name, &format!("{thin}{rest}steps:{tail}"))
}

/// True inside `vary`.
fn thin_from(done: &str, before: &str) -> bool {
    done.contains("vary:") || before.contains("vary:")
}

fn sheet(name: &str, text: &str) -> Sheet {
    let scenario = Scenario::parse(text, &format!("{name}.yaml")).unwrap();
    Sheet {
        scenario: Arc::new(scenario),
        text: text.to_owned(),
    }
}

fn text_of(name: &str) -> &'static str {
    let found = BUILTIN.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no scenario {name}")).1
}

fn is_timed(name: &str) -> bool {
    TIMED.iter().any(|(_, timed)| *timed == name)
}

/// Every scenario of a server that is not about time, thin.
fn core() -> Vec<Sheet> {
    let untimed = BUILTIN.iter().filter(|(name, _)| !is_timed(name));
    let sheets = untimed.map(|(name, text)| thin(name, text));
    sheets
        .filter(|sheet| sheet.scenario.role == Role::Server)
        .collect()
}

async fn run_with(deviation: Option<&str>, sheets: &[Sheet]) -> Vec<ScenarioResult> {
    let defects = deviation.map(str::to_owned).into_iter().collect();
    let setup = Setup::built_in(defects, Duration::from_secs(30));
    let bench = Bench {
        setup: &setup,
        scope: Scope::Controls,
        scenarios: sheets,
        repeats: Repeats::default(),
        seed: 1,
        out: None,
        strict: false,
        patience: Duration::from_millis(300),
        guard: env!("CARGO_BIN_EXE_x402-assay").into(),
        cancel: CancellationToken::new(),
        progress: &Silent,
    };
    let outcome = bench::run(&bench).await.unwrap();
    let report = verdict::judge_history(&outcome.history, None, &Judging::default());
    assert!(!report.scenarios.is_empty(), "{deviation:?}: {report:#?}");
    report.scenarios
}

/// Scenarios that are red: `fail`, or marked `~` (warn) or `?` (they could show nothing).
fn red(results: &[ScenarioResult]) -> Vec<String> {
    let red = results.iter().filter_map(|result| match result.verdict {
        Verdict::Fail => Some(result.name.clone()),
        Verdict::Warn => Some(format!("~{}", result.name)),
        Verdict::Inconclusive => Some(format!("?{}", result.name)),
        _ => None,
    });
    red.collect()
}

/// The details of the red ones, for a failing assertion.
fn told(results: &[ScenarioResult]) -> String {
    let mut told = String::new();
    for result in results {
        let worst = result.cases.iter().max_by_key(|case| case.verdict);
        if let Some(case) = worst.filter(|_| result.verdict != Verdict::Pass) {
            let (name, label, detail) = (&result.name, &case.label, &case.detail);
            writeln!(told, "{:?} {name}: {label}: {detail}", result.verdict).unwrap();
        }
    }
    told
}

/// Runs each deviation against its scenarios, some at once.
async fn run_all(rows: Vec<(&str, Vec<Sheet>)>) -> Vec<(&str, Vec<ScenarioResult>)> {
    let runs = rows
        .into_iter()
        .map(|(name, sheets)| async move { (name, run_with(Some(name), &sheets).await) });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect()
        .await
}

/// The scenarios of a row, whole but for the volleys.
fn row(names: &[&str], playable: &[Sheet]) -> Vec<Sheet> {
    if names.is_empty() {
        return playable.to_vec();
    }
    let whole = |name: &&str| match *name {
        "concurrent-duplicates" => thin(name, text_of(name)),
        _ => sheet(name, text_of(name)),
    };
    names.iter().map(whole).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_red_exactly_its_scenarios() {
    let core = core();
    let honest = run_with(None, &core).await;
    assert_eq!(red(&honest), Vec::<String>::new(), "{}", told(&honest));
    let ran = |result: &&ScenarioResult| result.verdict != Verdict::Skipped;
    let mut names: BTreeSet<String> = honest.iter().filter(ran).map(|r| r.name.clone()).collect();
    let playable: Vec<Sheet> = core
        .into_iter()
        .filter(|sheet| names.contains(&sheet.scenario.name))
        .collect();
    names.extend(TIMED.iter().map(|(_, name)| (*name).to_owned()));

    let timed = TIMED
        .iter()
        .map(|(defect, name)| (*defect, row(&[name], &playable)));
    let rows = ROWS
        .iter()
        .map(|(defect, names)| (*defect, row(names, &playable)));
    let runs = timed
        .chain(rows)
        .map(|(defect, sheets)| (defect.name(), sheets));
    let mut results = run_all(runs.collect()).await;
    results.sort_by_key(|(defect, results)| (*defect, results.len()));

    let mut table = String::new();
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for (defect, results) in &results {
        let red = red(results);
        let seen: Vec<&String> = red.iter().filter(|name| !name.starts_with('?')).collect();
        assert!(!seen.is_empty(), "{defect}: {}", told(results));
        let run: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
        let of = match run.len() {
            8.. => "every scenario".to_owned(),
            _ => run.join(" "),
        };
        writeln!(table, "{defect} ({of}):\n    {}", red.join(" ")).unwrap();
        shown.extend(
            seen.iter()
                .map(|name| name.trim_start_matches('~').to_owned()),
        );
    }
    insta::assert_snapshot!("scenario_kill_matrix", table);

    let unshown: Vec<&String> = names.difference(&shown).collect();
    assert!(unshown.is_empty(), "no defect turns red: {unshown:?}");
}

#[test]
fn every_defect_about_payments_has_its_place() {
    let about = Defect::ALL.iter().skip_while(|defect| **defect != FIRST);
    for defect in about {
        let places = [
            ROWS.iter().any(|(known, _)| known == defect)
                || TIMED.iter().any(|(known, _)| known == defect),
            NO_CONTROL.contains(defect),
            UNSEEN.iter().any(|(known, _)| known == defect),
        ];
        let count = places.into_iter().filter(|here| *here).count();
        assert_eq!(count, 1, "{defect}");
    }
}

/// Variants that touch what scenarios look at: repeats, unknown outcomes, refusals, receipts, order.
const VARIANTS: &[Variant] = &[
    Variant::MalformedIs402,
    Variant::Upfront,
    Variant::CachedReplay,
    Variant::NoReplayGuard,
    Variant::OutageIs503,
    Variant::ChallengeOnSettleFailure,
    Variant::MinimalReceipt,
    Variant::TwoOffers,
];

#[tokio::test(flavor = "multi_thread")]
async fn no_scenario_fails_on_a_correct_server_that_is_unusual() {
    let core = core();
    let rows = VARIANTS
        .iter()
        .map(|variant| (variant.name(), core.clone()));
    for (variant, results) in run_all(rows.collect()).await {
        // What such a server cannot show is skipped, and says why.
        let red = |result: &ScenarioResult| {
            matches!(result.verdict, Verdict::Fail | Verdict::Inconclusive)
        };
        assert!(!results.iter().any(red), "{variant}: {}", told(&results));
    }
}
