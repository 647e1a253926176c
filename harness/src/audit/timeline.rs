//! What happened to one payment, on one axis: client, server, facilitator and chain.

use std::fmt;

use x402_assay_reports::model::Evidence;

use super::books::Book;
use crate::history::{Exchange, FacilitatorCall, Facts};

/// Most lines of one timeline.
pub const MAX_LINES: usize = 30;

/// Who acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The bench as the paying client.
    Client,
    /// Our facilitator.
    Facilitator,
    /// The chain, or the memory ledger.
    Chain,
    /// The target.
    Server,
    /// The bench, injecting a fault.
    Bench,
    /// The ledger, read at rest.
    Ledger,
}

impl Actor {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Facilitator => "facilitator",
            Self::Chain => "chain",
            Self::Server => "server",
            Self::Bench => "bench",
            Self::Ledger => "ledger",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since the first one; absent for what was read at rest.
    pub offset_us: Option<u64>,
    /// Who.
    pub actor: Actor,
    /// What, in a few words.
    pub what: String,
}

impl Moment {
    /// `+12.3 ms`, or `at rest`.
    pub fn when(&self) -> String {
        self.offset_us.map_or_else(
            || "at rest".to_owned(),
            |us| format!("+{}.{} ms", us / 1_000, us % 1_000 / 100),
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.when(), self.actor.name(), self.what)
    }
}

/// Everything about one authorization.
pub fn of_book(facts: &Facts<'_>, book: &Book<'_>) -> Vec<Moment> {
    let mut draft = Draft::default();
    for exchange in facts.carrying(book.signed.authorization) {
        draft.exchange(exchange);
    }
    for call in facts.calls_about(book.signed.key) {
        draft.call(call);
    }
    for fault in facts.faults_about(book.signed) {
        draft.fault(fault.at_us, fault.call, fault.name);
    }
    let at_rest = book.transfers.iter().map(|moved| {
        format!(
            "Transfer of {} to {} in block {}",
            moved.value, moved.to, moved.record.block
        )
    });
    draft.finish(at_rest.collect())
}

/// An exchange alone.
pub fn of_exchange(facts: &Facts<'_>, exchange: &Exchange<'_>) -> Vec<Moment> {
    let mut draft = Draft::default();
    draft.exchange(exchange);
    for fault in &facts.faults {
        if fault.exchange == Some(exchange.number()) {
            draft.fault(fault.at_us, fault.call, fault.name);
        }
    }
    draft.finish(Vec::new())
}

/// A timeline as evidence, one piece a line.
pub fn evidence(moments: &[Moment]) -> Vec<Evidence> {
    moments
        .iter()
        .map(|moment| Evidence {
            kind: "timeline".to_owned(),
            id: moment.when(),
            text: format!("{}: {}", moment.actor.name(), moment.what),
        })
        .collect()
}

/// Moments at absolute times, in no order yet.
#[derive(Debug, Default)]
struct Draft {
    moments: Vec<(u64, Actor, String)>,
}

impl Draft {
    fn say(&mut self, at_us: u64, actor: Actor, what: String) {
        self.moments.push((at_us, actor, what));
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let (sent, number) = (exchange.sent, exchange.number());
        let asked = format!("sends {} (exchange {number})", sent.probe);
        self.say(exchange.sent_at_us, Actor::Client, asked);
        let ended = format!("{} (exchange {number})", exchange.ending());
        let answers = match exchange.is_direct() {
            true => Actor::Facilitator,
            false => Actor::Server,
        };
        self.say(exchange.ended_at_us, answers, ended);
    }

    fn call(&mut self, call: &FacilitatorCall<'_>) {
        let (path, number) = (call.path(), call.call);
        let received = format!("receives {path} (call {number})");
        self.say(call.received_at_us, Actor::Facilitator, received);
        if let Some(broadcast) = call.broadcast {
            let text = format!("broadcast by call {number}: {}", broadcast.transaction);
            self.say(broadcast.at_us, Actor::Chain, text);
        }
        if let Some(mined) = call.mined {
            let status = if mined.success { "mined" } else { "reverted" };
            let text = format!("{status} for call {number}: {}", mined.transaction);
            self.say(mined.at_us, Actor::Chain, text);
        }
        if let Some(answer) = call.answer {
            let lied = if answer.lied { ", a lie" } else { "" };
            let verdict = call.evidence().text;
            let text = format!("answers {} {verdict}{lied} (call {number})", answer.status);
            self.say(answer.at_us, Actor::Facilitator, text);
        }
        if let Some(at_us) = call.cut_at_us {
            let text = format!("the connection of call {number} is cut");
            self.say(at_us, Actor::Facilitator, text);
        }
    }

    fn fault(&mut self, at_us: u64, call: Option<u64>, name: &str) {
        let place = call.map_or_else(String::new, |call| format!(" (call {call})"));
        let text = format!("injected fault {name}{place}");
        self.say(at_us, Actor::Bench, text);
    }

    /// In order of time, bounded: what is left out is counted in the middle.
    fn finish(mut self, at_rest: Vec<String>) -> Vec<Moment> {
        // Stable: what one actor said at one moment stays in its order.
        self.moments.sort_by_key(|(at_us, _, _)| *at_us);
        let start = self.moments.first().map_or(0, |(at_us, _, _)| *at_us);
        let timed = self.moments.into_iter().map(|(at_us, actor, what)| Moment {
            offset_us: Some(at_us - start),
            actor,
            what,
        });
        let rested = at_rest.into_iter().map(|what| Moment {
            offset_us: None,
            actor: Actor::Ledger,
            what,
        });
        shorten(timed.chain(rested).collect())
    }
}

/// Keeps beginning and end.
fn shorten(mut moments: Vec<Moment>) -> Vec<Moment> {
    if moments.len() <= MAX_LINES {
        return moments;
    }
    let tail = moments.split_off(moments.len() - MAX_LINES / 3);
    let head = MAX_LINES - tail.len() - 1;
    let left_out = moments.len() - head;
    moments.truncate(head + 1);
    if let Some(middle) = moments.last_mut() {
        middle.what = format!("… {left_out} more moments …");
    }
    moments.extend(tail);
    moments
}

#[cfg(test)]
mod tests {
    use x402_assay_protocol::Version;

    use super::*;
    use crate::audit::Books;
    use crate::history::script::{Call, Script};

    fn lines(script: &Script, authorization: u32) -> Vec<String> {
        let events = script.events();
        let facts = Facts::new(&events, None);
        let books = Books::keep(&facts);
        let book = books.book(authorization).unwrap();
        let moments = of_book(&facts, book);
        moments.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_purchase_is_told_in_the_order_of_time() {
        let mut script = Script::honest(Version::V2);
        script.probes.retain(|probe| probe.name == "v2/good");
        assert_eq!(
            lines(&script, 0),
            [
                "+0.0 ms client: sends v2/good (exchange 0)",
                "+1.0 ms facilitator: receives /verify (call 1)",
                "+2.0 ms facilitator: answers 200 /verify → yes (call 1)",
                "+3.0 ms facilitator: receives /settle (call 2)",
                "+4.0 ms facilitator: answers 200 /settle → yes (call 2)",
                "+5.0 ms server: HTTP 200 (exchange 0)",
                "at rest ledger: Transfer of 10000 to 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB in block 2",
            ]
        );
    }

    #[test]
    fn lies_are_marked() {
        let script = Script::honest(Version::V2).edit("v2/good", |probe| {
            probe.calls[1].lied = true;
        });
        assert!(lines(&script, 0).iter().any(|line| line.contains("a lie")));
    }

    #[test]
    fn a_long_story_keeps_beginning_and_end() {
        let script = Script::honest(Version::V2).edit("v2/good", |probe| {
            probe.calls = vec![Call::settle(false); 40];
        });
        let lines = lines(&script, 0);
        assert_eq!(lines.len(), MAX_LINES);
        assert!(lines[0].contains("sends v2/good "), "{}", lines[0]);
        assert!(lines[MAX_LINES - 1].starts_with("at rest"));
        let told: usize = lines
            .iter()
            .filter(|line| line.contains("more moments"))
            .count();
        assert_eq!(told, 1);
    }

    #[test]
    fn evidence_is_one_piece_a_line() {
        let moments = [Moment {
            offset_us: Some(12_345),
            actor: Actor::Chain,
            what: "mined".to_owned(),
        }];
        let pieces = evidence(&moments);
        assert_eq!(
            (
                pieces[0].kind.as_str(),
                pieces[0].id.as_str(),
                pieces[0].text.as_str()
            ),
            ("timeline", "+12.3 ms", "chain: mined")
        );
    }
}
