//! Reading the payment a client sends (wire-format sections 2.1, 2.2, 3.4).

use http::HeaderMap;
use serde_json::Value;
use x402_assay_protocol::header::{self, Encoding};
use x402_assay_protocol::{Payment, Version, write};

use super::defects::Defect;
use super::options::ReferenceServerOptions;
use super::signed::Signed;

/// What a request carries.
#[derive(Debug)]
pub(super) enum Incoming {
    /// No payment header of a spoken generation.
    Nothing,
    /// A payment header that holds no payment.
    Undecodable(Undecodable),
    /// A payment.
    Payment(Box<Presented>),
}

/// A payment header that cannot be read.
#[derive(Debug)]
pub(super) struct Undecodable {
    /// Generation of the header.
    pub(super) version: Version,
    /// Its value.
    pub(super) header: Vec<u8>,
    /// What is wrong with it.
    pub(super) why: String,
}

/// A payment that is whole; nothing about it is verified.
#[derive(Debug)]
pub(super) struct Presented {
    /// Generation.
    pub(super) version: Version,
    /// The header's value.
    pub(super) header: Vec<u8>,
    /// The message as it came.
    pub(super) raw: Value,
    /// v2: the offer the client says it accepts.
    pub(super) accepted: Option<Value>,
    /// The authorization.
    pub(super) authorization: Signed,
    /// Defect `repeated-header-unsettled`: it stood beside another one.
    pub(super) unsettled: bool,
}

/// Reads the payment header: v2 before v1, as clients look for challenges.
pub(super) fn read(options: &ReferenceServerOptions, headers: &HeaderMap) -> Incoming {
    for version in [Version::V2, Version::V1] {
        let values: Vec<&[u8]> = headers
            .get_all(version.payment_header())
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect();
        let Some(first) = values.first().filter(|_| options.speaks(version)) else {
            continue;
        };
        let header = first.to_vec();
        if options.defects.has(Defect::RepeatedHeaderUnsettled)
            && let Some(presented) = one_of_several(version, &values)
        {
            return Incoming::Payment(Box::new(presented));
        }
        let result = match values.len() {
            1 => present(
                version,
                &header,
                options.defects.has(Defect::VersionOverwritten),
            ),
            several => Err(format!("there are {several} payment headers")),
        };
        return match result {
            Ok(presented) => Incoming::Payment(Box::new(presented)),
            Err(why) => Incoming::Undecodable(Undecodable {
                version,
                header,
                why,
            }),
        };
    }
    Incoming::Nothing
}

/// The first payment that can be read, if there are several: on lines of their own or on one.
fn one_of_several(version: Version, values: &[&[u8]]) -> Option<Presented> {
    let parts: Vec<&[u8]> = values
        .iter()
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    if parts.len() < 2 {
        return None;
    }
    let presented = parts
        .iter()
        .find_map(|part| present(version, part, false).ok())?;
    Some(Presented {
        unsettled: true,
        ..presented
    })
}

fn present(version: Version, header: &[u8], overwrites: bool) -> Result<Presented, String> {
    let mut decoded = header::decode(header).map_err(|error| error.to_string())?;
    if overwrites {
        let own = Value::from(version.number());
        write::set(&mut decoded.value, "/x402Version", Some(own));
    }
    if decoded.encoding == Encoding::UrlSafe {
        return Err("the value is base64url, not base64".to_owned());
    }
    let payment = Payment::read(decoded.value);
    if payment.version.is_some_and(|named| named != version) {
        return Err(format!(
            "the payment is not of version {}",
            version.number()
        ));
    }
    if let Some(problem) = payment.problems.first() {
        return Err(problem.to_string());
    }
    let accepted = payment.accepted().cloned();
    let exact = payment.authorization.map(Signed::from);
    let Some(authorization) = exact.or_else(|| payment.permit.map(Signed::from)) else {
        return Err("payload.authorization is missing".to_owned());
    };
    Ok(Presented {
        version,
        header: header.to_vec(),
        raw: payment.raw,
        accepted,
        authorization,
        unsettled: false,
    })
}
