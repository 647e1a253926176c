//! Latency as percentiles, and as a histogram that can be merged with another run's.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// Largest latency a histogram holds: a minute, in microseconds. What took longer counts as a minute.
pub const HDR_HIGH_US: u64 = 60_000_000;

/// Significant decimal digits of a histogram.
pub const HDR_SIGNIFICANT: u8 = 3;

/// Longest text that is read as a histogram.
const HDR_TEXT_MAX: usize = 1 << 20;

/// Part of an exchange whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadPhase {
    /// From the intended send time to the actual one: how late the bench itself was.
    DueToReleased,
    /// TCP and TLS, where a connection had to be opened.
    Connect,
    /// Unpaid request to the head of its answer.
    UnpaidToHeaders,
    /// The body of the unpaid answer.
    UnpaidBody,
    /// Reading the challenge.
    ChallengeDecode,
    /// Making the payment: nonce, digest, signature, header.
    Sign,
    /// Paid request to the head of its answer.
    PaidToHeaders,
    /// The body of the paid answer.
    PaidBody,
    /// Reading the receipt.
    ReceiptDecode,
    /// The whole of it from the intended send time to the last byte.
    WholeFromDue,
    /// The whole of it from the actual send time to the last byte.
    WholeFromSend,
    /// `/verify`, as the bench's facilitator saw it, or a request to `/verify` under test.
    Verify,
    /// `/settle`, likewise.
    Settle,
    /// From the broadcast to the block; of a facilitator under test, from the request to the block.
    Mined,
}

impl LoadPhase {
    /// Every phase, in the order of an exchange.
    pub const ALL: [Self; 14] = [
        Self::DueToReleased,
        Self::Connect,
        Self::UnpaidToHeaders,
        Self::UnpaidBody,
        Self::ChallengeDecode,
        Self::Sign,
        Self::PaidToHeaders,
        Self::PaidBody,
        Self::ReceiptDecode,
        Self::WholeFromDue,
        Self::WholeFromSend,
        Self::Verify,
        Self::Settle,
        Self::Mined,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DueToReleased => "due_to_released",
            Self::Connect => "connect",
            Self::UnpaidToHeaders => "unpaid_to_headers",
            Self::UnpaidBody => "unpaid_body",
            Self::ChallengeDecode => "challenge_decode",
            Self::Sign => "sign",
            Self::PaidToHeaders => "paid_to_headers",
            Self::PaidBody => "paid_body",
            Self::ReceiptDecode => "receipt_decode",
            Self::WholeFromDue => "whole_from_due",
            Self::WholeFromSend => "whole_from_send",
            Self::Verify => "verify",
            Self::Settle => "settle",
            Self::Mined => "mined",
        }
    }

    /// What it is, for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::DueToReleased => "lateness of the bench",
            Self::Connect => "connect",
            Self::UnpaidToHeaders => "unpaid, to headers",
            Self::UnpaidBody => "unpaid, body",
            Self::ChallengeDecode => "challenge read",
            Self::Sign => "sign",
            Self::PaidToHeaders => "paid, to headers",
            Self::PaidBody => "paid, body",
            Self::ReceiptDecode => "receipt read",
            Self::WholeFromDue => "whole, from due",
            Self::WholeFromSend => "whole, from send",
            Self::Verify => "verify",
            Self::Settle => "settle",
            Self::Mined => "mined",
        }
    }
}

/// One phase and its times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseRow {
    /// The phase.
    pub phase: LoadPhase,
    /// Its times.
    #[serde(flatten)]
    pub time: Distribution,
}

/// Times in microseconds: percentiles, and the histogram they come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Samples.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    pub p999_us: u64,
    /// Largest.
    pub max_us: u64,
    /// The histogram: HDR V2, compressed, base64 (the `HISTFAAA…` form that HDR tools read). Histograms of several
    /// runs add up.
    pub hdr: String,
}

/// Why a histogram cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HdrError {
    /// It is too long to be one.
    #[error(
        "the histogram has {0} characters, and at most {HDR_TEXT_MAX} are read: is the report damaged?"
    )]
    TooLong(usize),
    /// It is no base64.
    #[error("the histogram is not base64 ({0}): is the report damaged?")]
    NotBase64(#[from] base64::DecodeError),
    /// It is no HDR histogram.
    #[error("the histogram is not in the HDR V2 form ({0}): is the report damaged?")]
    NotHdr(String),
}

impl Distribution {
    /// Percentiles and text form of a histogram of microseconds; nothing for one without samples.
    ///
    /// # Panics
    /// Never for a histogram of up to [`HDR_SIGNIFICANT`] digits: writing to memory does not fail.
    pub fn from_histogram(histogram: &Histogram<u64>) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .expect("a histogram of three digits fits in memory");
        let at = |quantile| histogram.value_at_quantile(quantile).min(histogram.max());
        Some(Self {
            count: histogram.len(),
            mean_us: histogram.mean(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p95_us: at(0.95),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: histogram.max(),
            hdr: STANDARD.encode(bytes),
        })
    }

    /// The histogram, to merge it or to ask for other percentiles.
    ///
    /// # Errors
    /// When the text is too long, no base64, or no histogram.
    pub fn histogram(&self) -> Result<Histogram<u64>, HdrError> {
        if self.hdr.len() > HDR_TEXT_MAX {
            return Err(HdrError::TooLong(self.hdr.len()));
        }
        let bytes = STANDARD.decode(&self.hdr)?;
        Deserializer::new()
            .deserialize(&mut Cursor::new(bytes))
            .map_err(|error| HdrError::NotHdr(error.to_string()))
    }

    /// A percentile by its usual name: `p50`, `p90`, `p95`, `p99`, `p99.9`, `max`, `mean`.
    pub fn named(&self, name: &str) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds up to a minute are exact"
        )]
        let exact = |us: u64| Some(us as f64);
        match name {
            "mean" => Some(self.mean_us),
            "p50" => exact(self.p50_us),
            "p90" => exact(self.p90_us),
            "p95" => exact(self.p95_us),
            "p99" => exact(self.p99_us),
            "p99.9" => exact(self.p999_us),
            "max" => exact(self.max_us),
            _ => None,
        }
    }
}
