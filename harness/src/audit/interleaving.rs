//! Who passed verify, settle and the paywall in which order, for several requests with one payment.

use x402_mock_facilitator::event::Endpoint;

use super::books::Book;
use super::{Books, Delivery};
use crate::history::{FacilitatorCall, Facts};

/// Most lines of one interleaving.
pub const MAX_LINES: usize = 40;
/// Most numbers that are listed in one line.
const MAX_NUMBERS: usize = 10;

/// One thing that happened to one call or request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Act {
    at_us: u64,
    /// What, the same for all that can be told in one line.
    what: String,
    number: u64,
}

/// The order in which requests with this payment passed each other; empty when there was but one.
pub fn of_book(facts: &Facts<'_>, books: &Books<'_>, book: &Book<'_>) -> Vec<String> {
    if book.exchanges.len() < 2 {
        return Vec::new();
    }
    let mut acts: Vec<Act> = Vec::new();
    for call in facts.calls_about(book.signed.key) {
        acts.extend(of_call(call));
    }
    for exchange in facts.carrying(book.signed.authorization) {
        let number = u64::from(exchange.number());
        acts.push(Act {
            at_us: exchange.sent_at_us,
            what: "sent: exchange".to_owned(),
            number,
        });
        let what = match books.delivery(exchange) {
            Delivery::Content => format!("DELIVERED, {}: exchange", exchange.ending()),
            _ => format!("not delivered, {}: exchange", exchange.ending()),
        };
        acts.push(Act {
            at_us: exchange.ended_at_us,
            what,
            number,
        });
    }
    // Stable: what happened at one moment stays in the order of the history.
    acts.sort_by_key(|act| act.at_us);
    let mut lines = vec![passed_before(facts, book)];
    for group in acts.chunk_by(|one, other| one.what == other.what) {
        lines.push(told(group));
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    if more > 0 {
        lines.truncate(MAX_LINES);
        lines.push(format!("… {more} more"));
    }
    lines
}

fn of_call(call: &FacilitatorCall<'_>) -> Vec<Act> {
    let path = call.path();
    let act = |at_us, what: String| Act {
        at_us,
        what,
        number: call.call,
    };
    let mut acts = vec![act(call.received_at_us, format!("{path} asked: call"))];
    for hold in &call.holds {
        acts.push(act(hold.held_at_us, format!("{path} held: call")));
        if let Some((at_us, _, _)) = hold.released {
            acts.push(act(at_us, format!("{path} released: call")));
        }
    }
    if let Some(answer) = call.answer {
        let verdict = match (call.says_yes(), answer.lied) {
            (true, false) => "yes".to_owned(),
            (true, true) => "yes, a lie".to_owned(),
            (false, _) => call
                .reason()
                .map_or_else(|| "no".to_owned(), |reason| format!("no ({reason})")),
        };
        acts.push(act(
            answer.at_us,
            format!("{path} answered {verdict}: call"),
        ));
    }
    if let Some(at_us) = call.cut_at_us {
        acts.push(act(at_us, format!("{path} cut: call")));
    }
    acts
}

/// How wide the window was that the requests met.
fn passed_before(facts: &Facts<'_>, book: &Book<'_>) -> String {
    let calls = || facts.calls_about(book.signed.key);
    let settled = calls()
        .filter(|call| call.endpoint == Endpoint::Settle && call.says_yes())
        .filter_map(|call| call.answer)
        .map(|answer| answer.at_us)
        .min();
    let passed = calls().filter(|call| call.endpoint == Endpoint::Verify && call.says_yes());
    let of = book.exchanges.len();
    match settled {
        Some(settled) => {
            let early = passed
                .filter_map(|call| call.answer)
                .filter(|answer| answer.at_us <= settled)
                .count();
            format!(
                "{early} of {of} requests passed verify before the first settlement was answered"
            )
        }
        None => format!(
            "{} of {of} requests passed verify, and no settlement was answered with a yes",
            passed.count()
        ),
    }
}

fn told(group: &[Act]) -> String {
    let (first, rest) = match group {
        [first, rest @ ..] => (first, rest),
        [] => return String::new(),
    };
    if rest.is_empty() {
        return format!("{} {}", first.what, first.number);
    }
    let numbers = group.iter().map(|act| act.number.to_string());
    let numbers: Vec<String> = numbers.take(MAX_NUMBERS).collect();
    let more = match group.len().saturating_sub(MAX_NUMBERS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}s {}{more}", first.what, numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use x402_assay_protocol::Version;

    use super::*;
    use crate::history::event::What;
    use crate::history::script::{Call, Payment, Script};

    fn lines(script: &Script) -> Vec<String> {
        let events = script.events();
        let facts = Facts::new(&events, None);
        let books = Books::keep(&facts);
        of_book(&facts, &books, books.book(0).unwrap())
    }

    fn twice() -> Script {
        let mut script = Script::honest(Version::V2);
        script
            .probes
            .retain(|probe| matches!(probe.name.as_str(), "v2/good" | "v2/replay"));
        script.edit("v2/replay", |probe| {
            probe.payment = Some(Payment::Again("v2/good".to_owned()));
            probe.calls = vec![Call::verify(true), Call::settle(true)];
            probe.deliver();
        })
    }

    #[test]
    fn the_order_of_two_requests_is_told() {
        let lines = lines(&twice());
        assert_eq!(
            lines[0],
            "1 of 2 requests passed verify before the first settlement was answered"
        );
        let delivered: Vec<&String> = lines
            .iter()
            .filter(|line| line.starts_with("DELIVERED"))
            .collect();
        assert_eq!(delivered.len(), 2, "{lines:?}");
        assert_eq!(lines[1], "sent: exchange 0");
        assert!(
            lines[3].starts_with("/verify answered yes: call"),
            "{lines:?}"
        );
    }

    #[test]
    fn one_request_has_no_order() {
        let mut script = Script::honest(Version::V2);
        script.probes.retain(|probe| probe.name == "v2/good");
        assert!(lines(&script).is_empty());
    }

    #[test]
    fn what_many_did_at_once_is_one_line() {
        let act = |number| Act {
            at_us: 1,
            what: "/verify held: call".to_owned(),
            number,
        };
        let group: Vec<Act> = (1..=12).map(act).collect();
        assert_eq!(
            told(&group),
            "/verify held: calls 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more"
        );
    }

    #[test]
    fn holds_are_part_of_the_order_and_of_the_timeline() {
        let script = twice();
        let recorder = crate::history::Recorder::in_memory(std::sync::Arc::new(str::to_owned));
        for event in script.events() {
            let call = match &event.what {
                What::FacilitatorReceived { call, .. } => Some(*call),
                _ => None,
            };
            recorder.append(event.at_us, event.what);
            if let Some(call) = call.filter(|call| *call == 1) {
                recorder.append(event.at_us + 100, What::Held { call });
                let released = What::Released {
                    call,
                    position: 2,
                    of: 2,
                };
                recorder.append(event.at_us + 300, released);
            }
        }
        let events = recorder.snapshot();
        let facts = Facts::new(&events, None);
        let books = Books::keep(&facts);
        let book = books.book(0).unwrap();
        let lines = of_book(&facts, &books, book);
        assert!(
            lines.contains(&"/verify held: call 1".to_owned()),
            "{lines:?}"
        );
        assert!(lines.contains(&"/verify released: call 1".to_owned()));
        let timeline: Vec<String> = crate::audit::timeline::of_book(&facts, book)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            timeline.contains(&"+1.3 ms facilitator: /verify call 1 released, 2 of 2".to_owned()),
            "{timeline:?}"
        );
    }
}
