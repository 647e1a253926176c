//! What became of a payment, in words: for rows that record and do not judge.

use x402_assay_protocol::Version;

use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use crate::audit::Delivery;
use crate::history::Exchange;

/// Reason classes of the catalogue, each with what its codes have in common; the first that fits counts.
const CLASSES: &[(&str, &[&str])] = &[
    ("expired", &["valid_before", "deadline_expired", "expired"]),
    ("not_yet_valid", &["valid_after", "not_yet_valid", "early"]),
    ("replay", &["nonce", "duplicate_settlement", "used"]),
    ("funds", &["insufficient"]),
    ("version", &["version"]),
    ("scheme", &["scheme"]),
    ("network", &["network"]),
    ("terms", &["match", "requirement"]),
    ("amount", &["amount", "value"]),
    ("recipient", &["recipient", "destination"]),
    ("asset", &["asset"]),
    ("signature", &["signature"]),
    ("allowance", &["allowance"]),
    ("simulation", &["simulation"]),
    (
        "malformed",
        &["malformed", "invalid payload", "decode", "parse", "missing"],
    ),
];

/// Most characters of a reason that are told.
const MOST_CHARACTERS: usize = 100;

/// The error text that an answer gives: of its challenge, else of a JSON body.
pub(super) fn reason<'e>(exchange: &'e Exchange<'_>, version: Version) -> Option<&'e str> {
    let challenge = exchange.challenge(version);
    let of_challenge = challenge.and_then(|challenge| challenge.error.as_deref());
    let of_body = || {
        let body = exchange.body_json()?;
        let named = ["error", "errorReason", "invalidReason", "message"];
        named.into_iter().find_map(|name| body.get(name)?.as_str())
    };
    of_challenge.or_else(of_body)
}

/// The catalogue's class of a reason, if it has one.
pub(super) fn class(reason: &str) -> Option<&'static str> {
    let reason = reason.to_ascii_lowercase();
    CLASSES
        .iter()
        .find(|(_, parts)| parts.iter().any(|part| reason.contains(part)))
        .map(|(class, _)| *class)
}

/// A reason in one line of bounded length.
pub(super) fn in_short(reason: &str) -> String {
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether it was served and charged, or how it was refused.
pub(super) fn fate<'h>(
    judged: &Judged<'_, 'h>,
    exchange: &Exchange<'h>,
    version: Version,
) -> String {
    // What a repeat was charged cannot be told from what its payment was charged before.
    let own_book = judged
        .book_of(exchange)
        .filter(|book| book.exchanges.first() == Some(&exchange.number()));
    let charged = own_book.map(|book| match book.transfers.is_empty() {
        true => " and not charged",
        false => " and charged",
    });
    let charged = charged.unwrap_or_default();
    match judged.books.delivery(exchange) {
        Delivery::Content => format!("served{charged}"),
        Delivery::OtherSuccess => format!("answered {}{charged}", exchange.ending()),
        Delivery::Nothing => {
            let reason = reason(exchange, version);
            let said = reason.map_or_else(String::new, |reason| format!(" ({})", in_short(reason)));
            let moved = own_book.is_some_and(|book| !book.transfers.is_empty());
            let charged = if moved { charged } else { "" };
            format!("refused with {}{said}{charged}", exchange.ending())
        }
    }
}

/// Records what became of the payments of these probes.
pub(super) fn recorded(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    recorded_with(judged, version, probes, |_| String::new())
}

/// As [`recorded`], with more words about each exchange.
pub(super) fn recorded_with<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probes: &[&str],
    more: impl Fn(&'f Exchange<'h>) -> String,
) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for probe in probes {
        let places = facts.exchanges.iter().filter(|exchange| {
            exchange.version() == Some(version) && exchange.probe() == *probe && exchange.is_paid()
        });
        for exchange in places {
            outcome.add(unjudgeable(exchange).unwrap_or_else(|| {
                let fate = fate(judged, exchange, version);
                let text = format!("{probe}: {fate}{}", more(exchange));
                Outcome::info(text, evidence_of(exchange))
            }));
        }
    }
    if outcome.is_empty() {
        let named = probes.first().copied().unwrap_or_default();
        return noted(judged, version, named).unwrap_or_else(|| not_tried(version, named));
    }
    judged.with_control(version, outcome)
}

/// Why the runner left a probe out, if it said so.
pub(super) fn noted(judged: &Judged<'_, '_>, version: Version, probe: &str) -> Option<Outcome> {
    let name = format!("{version}/{probe}");
    let mut notes = judged.facts.notes.iter();
    let (_, why) = notes.find(|(about, _)| *about == Some(name.as_str()))?;
    Some(Outcome::skipped(format!("{probe}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::{class, in_short};

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(in_short("[\n  {\n \"a\": 1 }]"), "[ { \"a\": 1 }]");
        assert_eq!(in_short(&"ä".repeat(500)).chars().count(), 101);
    }

    #[test]
    fn reasons_have_the_classes_of_the_catalogue() {
        for (reason, wanted) in [
            ("invalid_x402_version", Some("version")),
            ("invalid_scheme", Some("scheme")),
            ("unsupported_network", Some("network")),
            ("No matching payment requirements", Some("terms")),
            (
                "invalid_exact_evm_payload_authorization_valid_before",
                Some("expired"),
            ),
            ("invalid_exact_evm_nonce_already_used", Some("replay")),
            ("invalid_exact_evm_signature", Some("signature")),
            ("Payment required", None),
        ] {
            assert_eq!(class(reason), wanted, "{reason}");
        }
    }
}
