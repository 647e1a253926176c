//! Section C: scheme and network of a payment.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::Judged;
use super::outcome::Outcome;

pub(super) const SCHEME: Check = Check {
    id: "SRV-VER-003",
    title: "A payment for a scheme that is not offered is refused",
    requirement: "Payment for a scheme not offered is refused.",
    observe: "A payment that is validly signed and names the scheme \"bogus\".",
    good: "402, and nothing moves",
    bad: "the scheme is not looked at and the payment is served",
    source: "x402 specification, section 9 (invalid_scheme, unsupported_scheme)",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::MustDerived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["wrong/scheme"],
    judge: |judged, version| judge(judged, version, "wrong/scheme"),
    cause: "the payment is not matched against the offers",
    fix: "compare scheme and network of the payment with the offers before anything else",
    tags: &["CWE-20"],
    killed_by: &["accept-any-header"],
};

pub(super) const NETWORK: Check = Check {
    id: "SRV-VER-004",
    title: "A payment for a network that is not offered is refused",
    requirement: "Payment for a network not offered is refused.",
    observe: "A payment signed for another network than any offered one.",
    good: "402, and nothing moves",
    bad: "the network is not looked at and the payment is served",
    source: "x402 specification, section 9 (invalid_network)",
    probes: &["wrong/network"],
    judge: |judged, version| judge(judged, version, "wrong/network"),
    killed_by: &["accept-any-header"],
    ..SCHEME
};

fn judge(judged: &Judged<'_, '_>, version: Version, probe: &str) -> Outcome {
    judged.all_refused(version, &[probe])
}
