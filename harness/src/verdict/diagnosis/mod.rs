//! Why there is no positive control: an ordered table of causes, each a small pure function over the facts.

mod gate;
mod payment;
mod reach;
mod scene;
#[cfg(test)]
mod tests;

use x402_assay_protocol::Version;

use crate::checks::Judged;

pub use scene::Scene;

/// One cause: its code, and the sentence that says why and what to do, when it applies.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// Stable code, for example `facilitator-never-called`.
    pub code: &'static str,
    /// The sentence, when this is the cause.
    pub find: fn(&Scene<'_, '_>) -> Option<String>,
}

/// Every cause; the first that applies is told.
pub const CAUSES: &[Cause] = &[
    Cause {
        code: "connection-refused",
        find: reach::refused,
    },
    Cause {
        code: "name-not-found",
        find: reach::unresolved,
    },
    Cause {
        code: "tls-error",
        find: reach::tls,
    },
    Cause {
        code: "time-out",
        find: reach::timed_out,
    },
    Cause {
        code: "header-too-large",
        find: reach::too_large,
    },
    Cause {
        code: "connection-closed",
        find: reach::closed,
    },
    Cause {
        code: "not-http",
        find: reach::malformed,
    },
    Cause {
        code: "rate-limited",
        find: gate::rate_limited,
    },
    Cause {
        code: "challenge-status",
        find: gate::challenge_status,
    },
    Cause {
        code: "redirect",
        find: gate::redirect,
    },
    Cause {
        code: "unauthorized",
        find: gate::unauthorized,
    },
    Cause {
        code: "not-found",
        find: gate::not_found,
    },
    Cause {
        code: "boot-time-500",
        find: gate::server_error,
    },
    Cause {
        code: "no-payment-required",
        find: gate::no_payment_required,
    },
    Cause {
        code: "other-status",
        find: gate::other_status,
    },
    Cause {
        code: "run-trouble",
        find: reach::run_trouble,
    },
    Cause {
        code: "no-challenge",
        find: gate::no_challenge,
    },
    Cause {
        code: "wrong-network-or-asset",
        find: payment::wrong_network_or_asset,
    },
    Cause {
        code: "not-tried",
        find: payment::not_tried,
    },
    Cause {
        code: "ledger-not-read",
        find: payment::ledger_not_read,
    },
    Cause {
        code: "marker-missing",
        find: payment::marker_missing,
    },
    Cause {
        code: "settled-not-served",
        find: payment::settled_not_served,
    },
    Cause {
        code: "facilitator-refused",
        find: payment::facilitator_refused,
    },
    Cause {
        code: "settlement-failed",
        find: payment::settlement_failed,
    },
    Cause {
        code: "wrong-transfer",
        find: payment::wrong_transfer,
    },
    Cause {
        code: "never-settled",
        find: payment::never_settled,
    },
    Cause {
        code: "handler-failed",
        find: payment::handler_failed,
    },
    Cause {
        code: "other-facilitator",
        find: payment::other_facilitator,
    },
    Cause {
        code: "only-supported-called",
        find: payment::only_supported_called,
    },
    Cause {
        code: "always-402",
        find: payment::always_402,
    },
    Cause {
        code: "facilitator-never-called",
        find: payment::facilitator_never_called,
    },
];

/// Code and sentence of the first cause that applies.
pub fn diagnose(judged: &Judged<'_, '_>, version: Version) -> (&'static str, String) {
    let scene = Scene::new(judged, version);
    CAUSES
        .iter()
        .find_map(|cause| Some((cause.code, (cause.find)(&scene)?)))
        .unwrap_or_else(|| {
            let seen = scene.paid.map_or_else(|| "nothing".to_owned(), |paid| paid.ending());
            let text = format!(
                "no good payment was served and settled (the last answer to one was {seen}); look at the exchanges in history.jsonl"
            );
            ("unknown", text)
        })
}
