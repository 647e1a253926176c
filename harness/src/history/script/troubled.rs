//! The script of purchases that go wrong on our side, against a server that handles every one of them well.

use x402_assay_protocol::Version;

use super::super::event::Trouble;
use super::honest::sale;
use super::{Call, Payment, Probe, Reply, Script};

/// The transaction of the settlement that stays pending.
pub(crate) const PENDING_HASH: &str =
    "0x00000000000000000000000000000000000000000000000000000000000000fe";
const REFUSAL: &str = r#"{"success":false,"errorReason":"no","transaction":"","network":""}"#;

impl Script {
    /// Adds the probes of settlement and delivery of one generation.
    #[must_use]
    pub(crate) fn and_troubled(mut self, version: Version) -> Self {
        for probe in delivery(version).into_iter().chain(settlement(version)) {
            self = self.then(probe);
        }
        self
    }
}

fn delivery(version: Version) -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut handler_error = sale(version, "flow/handler-error");
    handler_error.calls = vec![Call::verify(true)];
    handler_error.moves.clear();
    handler_error.reply = Reply::answer(500, r#"{"error":"as asked for"}"#);
    probes.push(handler_error);
    for status in [201, 204, 206, 302] {
        let mut probe = sale(version, &format!("flow/status-{status}"));
        probe.status(status);
        probes.push(probe);
    }
    for name in ["flow/late-failure", "flow/late-failure-stream"] {
        probes.push(spoilt(version, name, Call::settle(false)));
    }
    if version == Version::V2 {
        let mut told = sale(version, "flow/extension-responses");
        told.calls = vec![Call::verify(true).faulted(), Call::settle(true).faulted()];
        probes.push(told);
    }
    let mut slow = spoilt(version, "flow/slow-handler", Call::settle(false));
    slow.calls[0].lied = true;
    probes.push(slow);
    let mut gone = sale(version, "flow/client-gone");
    gone.reply = Reply::Trouble(Trouble::Left);
    probes.push(gone);
    probes
}

fn settlement(version: Version) -> Vec<Probe> {
    let mut probes = vec![spoilt(version, "settle/refused", Call::settle(false))];
    for (name, status, body) in [
        ("settle/http-400-json", 400, REFUSAL),
        ("settle/http-500-json", 500, r#"{"error":"internal"}"#),
        ("settle/http-502-html", 502, "<h1>Bad Gateway</h1>"),
        ("settle/http-503-empty", 503, ""),
        ("settle/junk-html", 200, "<h1>OK</h1>"),
        ("settle/junk-empty-object", 200, "{}"),
        ("settle/junk-flag-string", 200, r#"{"success":"false"}"#),
    ] {
        let mut call = Call::settle(false);
        call.odd_answer = Some((status, body));
        let mut probe = spoilt(version, name, call);
        probe.reply = Reply::answer(502, r#"{"error":"try again"}"#);
        probes.push(probe);
    }
    for name in ["settle/other-network", "settle/other-payer"] {
        let mut call = Call::settle(true);
        call.lied = true;
        let mut probe = spoilt(version, name, call);
        probe.reply = Reply::answer(502, r#"{"error":"another payment"}"#);
        probes.push(probe);
    }
    if version == Version::V2 {
        let pending = || {
            let mut call = Call::settle(false).because("settlement_pending");
            call.named = Some(PENDING_HASH);
            call.faulted()
        };
        let mut once = sale(version, "settle/pending-once");
        once.calls.insert(1, pending());
        let mut for_ever = spoilt(version, "settle/pending", pending());
        for_ever.calls.push(pending());
        let receipt = format!(
            r#"receipt{{"success":false,"errorReason":"settlement_pending","transaction":"{PENDING_HASH}"}}"#
        );
        for_ever.header(version.settlement_header(), Some(&receipt));
        probes.extend([once, for_ever]);
    }
    probes
}

/// A good payment whose settlement ends so, and which buys nothing.
fn spoilt(version: Version, name: &str, settle: Call) -> Probe {
    let failed = r#"receipt{"success":false,"errorReason":"transaction_failed","transaction":""}"#;
    Probe {
        payment: Some(Payment::Fresh(None)),
        calls: vec![Call::verify(true), settle.faulted()],
        runs: 1,
        ..Probe::new(
            &format!("{version}/{name}"),
            Reply::answer(402, "{}").with(version.settlement_header(), failed),
        )
    }
}
