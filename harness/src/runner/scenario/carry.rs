//! What a step's requests carry besides what their route says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use x402_assay_protocol::{Version, header};

use crate::config::profile::Route;
use crate::http::Request;
use crate::runner::path;
use crate::runner::session::PaymentHeader;
use crate::scenario::steps::Carried;

/// The member that makes a message longer.
const PADDING: &str = "padding";

/// Puts headers, query and text of the path into a request; it then leaves byte by byte.
pub(super) fn put_in(request: &mut Request, route: &Route, carried: &Carried) {
    for (name, value) in &carried.headers {
        request
            .headers
            .retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        request.headers.push((name.clone(), value.clone()));
    }
    let mut target = request.path_and_query();
    if let Some(text) = &carried.path_text {
        target = path::with_tail(route, &request.url, text);
    }
    if let Some(query) = &carried.query {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(query);
    }
    request.target = Some(target);
}

/// The payment header's value, made longer by a member that nobody reads; one that is no JSON object stays.
pub(super) fn padded(value: &str, size: u32) -> String {
    match header::decode(value.as_bytes()).map(|decoded| decoded.value) {
        Ok(Value::Object(message)) => encode(message, size).unwrap_or_else(|| value.to_owned()),
        _ => value.to_owned(),
    }
}

/// A header of this size that holds no payment.
pub(super) fn junk(version: Version, size: u32) -> PaymentHeader {
    let mut message = Map::new();
    message.insert("x402Version".to_owned(), version.number().into());
    PaymentHeader {
        authorization: None,
        name: version.payment_header(),
        value: encode(message, size).unwrap_or_default(),
    }
}

/// The message with so much padding that its base64 has `size` bytes; none when it is longer already.
fn encode(mut message: Map<String, Value>, size: u32) -> Option<String> {
    message.insert(PADDING.to_owned(), Value::from(""));
    let own = Value::Object(message.clone()).to_string().len();
    let room = usize::try_from(size).ok()? / 4 * 3;
    let missing = room.checked_sub(own)?;
    message.insert(PADDING.to_owned(), Value::from("x".repeat(missing)));
    Some(STANDARD.encode(Value::Object(message).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::profile::RouteKind;
    use url::Url;

    fn route(path: &str, example: Option<&str>, kind: RouteKind) -> Route {
        Route {
            path: path.to_owned(),
            example: example.map(str::to_owned),
            kind,
            method: http::Method::GET,
            headers: Vec::new(),
            body: None,
            price: None,
        }
    }

    #[test]
    fn padding_gives_the_size_and_keeps_the_message() {
        let value = header::encode(&serde_json::json!({ "x402Version": 2, "payload": {} }));
        let long = padded(&value, 8_192);
        assert_eq!(long.len(), 8_192);
        let read = header::decode(long.as_bytes()).unwrap().value;
        assert_eq!(read["payload"], serde_json::json!({}));
        assert_eq!(read["x402Version"], 2);
        assert_eq!(padded("!", 8_192), "!", "no message to pad");
        let own = header::encode(&serde_json::json!({ "payload": "y".repeat(2_000) }));
        assert_eq!(padded(&own, 1_024), own, "longer already");
        let none = junk(Version::V1, 4_096);
        assert_eq!((none.name, none.value.len()), ("X-PAYMENT", 4_096));
        assert_eq!(none.authorization, None);
    }

    #[test]
    fn what_is_carried_stands_as_written() {
        let file = route("/files/*", Some("/files/a.txt"), RouteKind::Wildcard);
        let url = Url::parse("http://h:1/files/a.txt?x=1").unwrap();
        let mut request = Request::get(url).with_header("accept", "*/*");
        let carried = Carried {
            headers: vec![("Accept".to_owned(), "text/html".to_owned())],
            query: Some("q=\"<svg".to_owned()),
            path_text: Some("\"</b>".to_owned()),
            header_size: None,
        };
        put_in(&mut request, &file, &carried);
        assert_eq!(
            request.target.as_deref(),
            Some("/files/a.txt\"</b>?x=1&q=\"<svg")
        );
        assert_eq!(
            request.headers,
            [("Accept".to_owned(), "text/html".to_owned())]
        );
    }
}
