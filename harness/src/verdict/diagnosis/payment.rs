//! Causes that keep a payment from being served and settled once.

use x402_assay_protocol::{Requirement, Terms, network};
use x402_mock_facilitator::event::Endpoint;

use super::scene::Scene;
use crate::audit::Delivery;
use crate::history::{Exchange, FacilitatorCall};

pub(super) fn wrong_network_or_asset(scene: &Scene<'_, '_>) -> Option<String> {
    let challenge = scene.challenge()?;
    let terms: Vec<_> = challenge.accepts.iter().map(Requirement::terms).collect();
    if terms.is_empty() {
        return Some("the challenge offers no way to pay (accepts is empty); register a scheme for the route's network".to_owned());
    }
    if let Some(Err(first)) = terms.first()
        && terms.iter().all(Result::is_err)
    {
        return Some(format!(
            "no offer can be paid by the bench ({first}); offer exact with EIP-3009 on an EVM network"
        ));
    }
    if let Some(note) = not_payable_here(scene) {
        return Some(format!(
            "the bench could not pay the offer: {note}; offer that network, or choose it with --network"
        ));
    }
    let refusal = scene.calls().into_iter().find(|call| is_refusal(call))?;
    let reason = refusal.reason().unwrap_or_default().to_ascii_lowercase();
    let wrong_domain = terms.iter().flatten().find_map(domain_mismatch);
    if let Some(text) = wrong_domain.filter(|_| reason.contains("signature")) {
        return Some(text);
    }
    let about = ["network", "asset", "token", "domain", "chain_id"];
    about.iter().any(|word| reason.contains(word)).then(|| {
        format!(
            "our facilitator refused the offer's network or token ({reason}); check network, asset, and extra.name and extra.version of the offer"
        )
    })
}

/// The runner's own remark that no offer could be paid in this run, when nothing was paid.
fn not_payable_here<'a>(scene: &Scene<'a, '_>) -> Option<&'a str> {
    let notes = &scene.judged.facts.notes;
    let note = notes.iter().find(|(probe, text)| {
        probe.is_some_and(|probe| probe.ends_with("good")) && text.starts_with("no payer for")
    });
    note.filter(|_| scene.paid.is_none()).map(|(_, text)| *text)
}

/// The offer's token is one of the table's and its EIP-712 domain is another.
fn domain_mismatch(terms: &Terms) -> Option<String> {
    let known = network::by_chain_id(terms.domain.chain_id)?;
    let real = known.usdc_domain();
    (known.usdc == terms.domain.verifying_contract && real != terms.domain).then(|| {
        format!(
            "the offer names the token domain {:?} version {:?}, and USDC on {} is {:?} version {:?}; signatures over it are void: correct extra.name and extra.version",
            terms.domain.name, terms.domain.version, known.title, real.name, real.version
        )
    })
}

pub(super) fn not_tried(scene: &Scene<'_, '_>) -> Option<String> {
    if scene.paid.is_some() {
        return None;
    }
    let note = scene.judged.facts.notes.iter().find_map(|(probe, text)| {
        probe
            .is_some_and(|probe| probe.ends_with("good"))
            .then_some(*text)
    });
    Some(note.map_or_else(
        || "no good payment was sent: the run ended before it".to_owned(),
        |note| format!("no good payment was sent: {note}"),
    ))
}

pub(super) fn ledger_not_read(scene: &Scene<'_, '_>) -> Option<String> {
    let book = scene.book?;
    (scene.is_served() && !book.at_rest).then(|| {
        "a payment was served, and the run ended before the ledger was read; run again".to_owned()
    })
}

pub(super) fn marker_missing(scene: &Scene<'_, '_>) -> Option<String> {
    let marker = scene.judged.facts.run?.marker.as_deref()?;
    let paid = scene.paid.filter(|paid| paid.is_success())?;
    (scene.judged.books.delivery(paid) == Delivery::OtherSuccess).then(|| {
        format!(
            "the answer to a good payment ({}) does not hold the declared marker {marker:?}; correct origin.marker in the profile",
            paid.ending()
        )
    })
}

pub(super) fn settled_not_served(scene: &Scene<'_, '_>) -> Option<String> {
    let book = scene.book?;
    let paid = scene.paid?;
    (!book.transfers.is_empty() && !scene.is_served()).then(|| {
        format!(
            "a payment was settled, and its answer was {}: charged without service; look at the server's handler and log",
            paid.ending()
        )
    })
}

pub(super) fn facilitator_refused(scene: &Scene<'_, '_>) -> Option<String> {
    let calls = scene.calls();
    let call = calls.iter().find(|call| call.is_valid() == Some(false))?;
    Some(format!(
        "our facilitator refused the payment: {}; compare the requirements the server sends with its offer",
        reason_of(call)
    ))
}

pub(super) fn settlement_failed(scene: &Scene<'_, '_>) -> Option<String> {
    let calls = scene.calls();
    let call = calls
        .iter()
        .rev()
        .find(|call| call.endpoint == Endpoint::Settle)?;
    (call.success() == Some(false)).then(|| {
        format!(
            "the settlement of the payment failed: {}; see the facilitator call {} in history.jsonl",
            reason_of(call),
            call.call
        )
    })
}

pub(super) fn wrong_transfer(scene: &Scene<'_, '_>) -> Option<String> {
    let book = scene.book?;
    let count = book.transfers.len();
    let wrong = count > 1 || count == 1 && !book.paid_as_offered();
    (scene.is_served() && wrong).then(|| {
        format!("a payment was served, and moved {count} transfer(s) that are not the one that was offered")
    })
}

pub(super) fn never_settled(scene: &Scene<'_, '_>) -> Option<String> {
    let book = scene.book?;
    let verified = book.verify_calls > 0 && book.settle_calls == 0;
    (scene.is_served() && verified && book.transfers.is_empty()).then(|| {
        "the payment was verified and served, and never settled: nobody was paid; call /settle before the answer leaves".to_owned()
    })
}

pub(super) fn handler_failed(scene: &Scene<'_, '_>) -> Option<String> {
    let paid = scene.paid?;
    let status = paid
        .status()
        .filter(|status| *status >= 400 && *status != 402)?;
    let verified = scene
        .calls()
        .iter()
        .any(|call| call.is_valid() == Some(true));
    Some(if verified {
        format!(
            "our facilitator accepted the payment and the handler answered {status}, so nothing was sold; give the request what it needs (-X, -H, -d) or look at the server's log"
        )
    } else {
        format!(
            "a good payment was answered {status}; look at the server's log, and check that it reaches our facilitator {}",
            scene.facilitator_url()
        )
    })
}

/// Words of the error texts and codes that come from a facilitator's verdict.
const VERDICT_WORDS: &[&str] = &[
    "invalid_",
    "insufficient_funds",
    "simulation",
    "facilitator",
];

pub(super) fn other_facilitator(scene: &Scene<'_, '_>) -> Option<String> {
    if !is_uncalled(scene) {
        return None;
    }
    let paid = scene.paid?;
    let settled_elsewhere = paid
        .settlement(scene.version)
        .and_then(|read| read.as_ref().ok())
        .is_some_and(|settlement| {
            settlement
                .transaction
                .as_deref()
                .is_some_and(|hash| !hash.is_empty())
        });
    let error = error_of(scene, paid);
    let judged_elsewhere = error.is_some_and(|error| {
        let error = error.to_ascii_lowercase();
        VERDICT_WORDS.iter().any(|word| error.contains(word))
    }) && error != scene.unpaid.and_then(|unpaid| error_of(scene, unpaid));
    let sign = match (settled_elsewhere, error) {
        (true, _) => "its receipt names a transaction".to_owned(),
        (false, Some(error)) if judged_elsewhere => format!("its answer says {error:?}"),
        _ => return None,
    };
    Some(format!(
        "the target asks another facilitator: {sign}, and ours was never called about a payment; point it at {}",
        scene.facilitator_url()
    ))
}

pub(super) fn only_supported_called(scene: &Scene<'_, '_>) -> Option<String> {
    let asked = scene
        .judged
        .facts
        .calls
        .iter()
        .any(|call| call.endpoint == Endpoint::Supported && !call.direct);
    (is_uncalled(scene) && asked && scene.paid.is_some()).then(|| {
        let shown = scene.paid.map(Exchange::ending).unwrap_or_default();
        format!(
            "the target asked our facilitator for /supported and never for /verify, and answered a good payment {shown}; it found no offer that matches the payment, or verifies elsewhere: look at its log"
        )
    })
}

pub(super) fn always_402(scene: &Scene<'_, '_>) -> Option<String> {
    let (unpaid, paid) = (scene.unpaid?, scene.paid?);
    let same = paid.status() == Some(402)
        && unpaid.status() == Some(402)
        && error_of(scene, paid) == error_of(scene, unpaid);
    (same && is_uncalled(scene)).then(|| {
        format!(
            "the target answers a good payment as it answers none (402), and never asked our facilitator {}; point it there, and check that the payment header reaches it",
            scene.facilitator_url()
        )
    })
}

pub(super) fn facilitator_never_called(scene: &Scene<'_, '_>) -> Option<String> {
    let paid = scene.paid?;
    is_uncalled(scene).then(|| {
        format!(
            "our facilitator was never called (a good payment was answered {}); point the target at {}",
            paid.ending(),
            scene.facilitator_url()
        )
    })
}

fn is_uncalled(scene: &Scene<'_, '_>) -> bool {
    !scene.judged.facts.facilitator_called()
}

fn is_refusal(call: &FacilitatorCall<'_>) -> bool {
    call.is_valid() == Some(false) || call.success() == Some(false)
}

fn reason_of(call: &FacilitatorCall<'_>) -> String {
    let reason = call.reason().unwrap_or("no reason given");
    let message = call
        .response_text("invalidMessage")
        .or_else(|| call.response_text("errorMessage"));
    message.map_or_else(
        || reason.to_owned(),
        |message| format!("{reason} ({message})"),
    )
}

/// `error` of the challenge in an answer, or of its settlement header.
fn error_of<'f>(scene: &Scene<'_, '_>, exchange: &'f Exchange<'_>) -> Option<&'f str> {
    let challenge = exchange.challenge(scene.version);
    challenge
        .and_then(|challenge| challenge.error.as_deref())
        .or_else(|| {
            let settlement = exchange.settlement(scene.version)?.as_ref().ok()?;
            settlement.error_reason.as_deref()
        })
}
