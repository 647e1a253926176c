//! What an honest server answers to requests around the paid one: odd headers, methods, bodies, paths.

use x402_assay_protocol::Version;

use super::honest::{refusal, sale};
use super::{Payment, Probe, Reply, Script};

const PAID: &[&str] = &[
    "header/name-upper",
    "header/name-mixed",
    "header/extra-member",
    "header/base64url",
    "header/unpadded",
    "header/twice",
];
const PAID_ONCE: &[&str] = &["http/expose-headers", "http/spoofed", "http/kept/paid"];
const LARGE: &[&str] = &["header/large-8k", "header/large-16k", "header/large-64k"];
const UNPAID: &[&str] = &["http/browser", "http/accept-any"];
const UNPAID_ONCE: &[&str] = &[
    "http/cors",
    "http/spoofed-unpaid",
    "http/body/empty",
    "http/body/truncated",
    "http/body/batch",
    "http/body/wrong-charset",
    "http/large-body",
    "http/expect-continue",
    "http/kept/unpaid",
    "http/kept/unpaid-again",
    "path/query",
];
/// Methods and paths that lead nowhere, and their status.
const REFUSED_ONCE: &[(&str, &str, u16)] = &[
    ("http/head", "HEAD", 402),
    ("http/options", "OPTIONS", 405),
    ("http/method/post", "POST", 405),
    ("http/method/put", "PUT", 405),
    ("http/method/override", "POST", 405),
    ("http/method/lower-case", "get", 400),
    ("path/encoded-letter", "GET", 404),
    ("path/parameter/query", "GET", 402),
    ("path/parameter/encoded-slash", "GET", 404),
];

impl Script {
    /// The whole battery: an honest run, and what is asked around a purchase.
    pub(crate) fn whole(version: Version) -> Self {
        Self::empty().and_whole(version)
    }

    /// Adds the whole battery of one generation; what needs none is asked of each, as if it were the newest.
    pub(crate) fn and_whole(self, version: Version) -> Self {
        self.and_honest(version).and_hygiene(version)
    }

    fn and_hygiene(mut self, version: Version) -> Self {
        let name = |probe: &str| format!("{version}/{probe}");
        let unpaid = || refusal(version, "Payment required");
        for probe in PAID.iter().chain(PAID_ONCE) {
            self = self.then(sale(version, probe));
        }
        for probe in UNPAID.iter().chain(UNPAID_ONCE) {
            self = self.then(Probe::new(&name(probe), unpaid()));
        }
        for (probe, method, status) in REFUSED_ONCE {
            let mut asked = Probe::new(&name(probe), unpaid());
            (*method).clone_into(&mut asked.method);
            asked.status(*status);
            self = self.then(asked);
        }
        for probe in LARGE {
            let mut junk = Probe::new(&name(probe), Reply::answer(431, ""));
            junk.payment = Some(Payment::Raw("AAAA".to_owned()));
            self = self.then(junk);
            self = self.then(Probe::new(&name("header/after-large"), unpaid()));
        }
        let mut empty = Probe::new(&name("header/empty"), unpaid());
        empty.payment = Some(Payment::Raw(String::new()));
        self = self.then(empty);
        if version == Version::V2 {
            let mut foreign = Probe::new(&name("header/foreign-name"), unpaid());
            foreign.payment = Some(Payment::Fresh(None));
            self = self.then(foreign);
        }
        self
    }
}
