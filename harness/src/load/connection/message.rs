//! Requests as they go over the wire: what does not change from one to the next is written once.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(in super::super) struct Message {
    bytes: Bytes,
    is_head: bool,
}

impl Message {
    /// As it goes over the wire.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its answer has no body.
    pub(super) const fn is_head(&self) -> bool {
        self.is_head
    }
}

/// What every request of a run has in common.
#[derive(Debug, Clone)]
pub(in super::super) struct Template {
    /// Request line and header fields, without their end.
    head: Bytes,
    /// The end of the headers, and the body.
    tail: Bytes,
    unpaid: Message,
    /// A body's length is told even where there is none.
    tells_length: bool,
}

impl Template {
    /// For requests of this method and target with these headers, which do not tell the body's length.
    pub(in super::super) fn new(
        method: &Method,
        target: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let mut head = BytesMut::new();
        head.put_slice(format!("{method} {target} HTTP/1.1\r\n").as_bytes());
        for (name, value) in headers {
            put_field(&mut head, name, value);
        }
        let tells_length = [Method::POST, Method::PUT, Method::PATCH].contains(method);
        let tail = tail(body, tells_length);
        let unpaid = Message {
            bytes: joined(&head, None, &tail),
            is_head: method == Method::HEAD,
        };
        Self {
            head: head.freeze(),
            tail,
            unpaid,
            tells_length,
        }
    }

    /// A request without a payment.
    pub(in super::super) fn unpaid(&self) -> Message {
        self.unpaid.clone()
    }

    /// A request with a body of its own.
    pub(in super::super) fn with_body(&self, body: &[u8]) -> Message {
        Message {
            bytes: joined(&self.head, None, &tail(body, self.tells_length)),
            is_head: self.unpaid.is_head,
        }
    }

    /// A request with a payment header.
    pub(in super::super) fn paid(&self, name: &HeaderName, value: &HeaderValue) -> Message {
        Message {
            bytes: joined(&self.head, Some((name, value)), &self.tail),
            is_head: self.unpaid.is_head,
        }
    }
}

/// The body's length where it is told, the end of the headers, the body.
fn tail(body: &[u8], tells_length: bool) -> Bytes {
    let mut tail = BytesMut::with_capacity(body.len() + 64);
    if !body.is_empty() || tells_length {
        put_field(&mut tail, &CONTENT_LENGTH, &HeaderValue::from(body.len()));
    }
    tail.put_slice(b"\r\n");
    tail.put_slice(body);
    tail.freeze()
}

fn joined(head: &[u8], field: Option<(&HeaderName, &HeaderValue)>, tail: &[u8]) -> Bytes {
    let more = field.map_or(0, |(name, value)| name.as_str().len() + value.len() + 4);
    let mut bytes = BytesMut::with_capacity(head.len() + more + tail.len());
    bytes.put_slice(head);
    if let Some((name, value)) = field {
        put_field(&mut bytes, name, value);
    }
    bytes.put_slice(tail);
    bytes.freeze()
}

fn put_field(to: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    to.put_slice(name.as_str().as_bytes());
    to.put_slice(b": ");
    to.put_slice(value.as_bytes());
    to.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(method: Method, body: &'static str) -> Template {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("h:1"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        let target = "/paid?x=1".parse().unwrap();
        Template::new(&method, &target, &headers, body.as_bytes())
    }

    fn text(message: &Message) -> &str {
        std::str::from_utf8(message.bytes()).unwrap()
    }

    #[test]
    fn a_request_without_a_body_tells_no_length() {
        let template = template(Method::GET, "");
        assert_eq!(
            text(&template.unpaid()),
            "GET /paid?x=1 HTTP/1.1\r\nhost: h:1\r\nx-a: 1\r\nx-a: 2\r\n\r\n"
        );
        let name = HeaderName::from_static("payment-signature");
        assert_eq!(
            text(&template.paid(&name, &HeaderValue::from_static("abc="))),
            "GET /paid?x=1 HTTP/1.1\r\nhost: h:1\r\nx-a: 1\r\nx-a: 2\r\npayment-signature: abc=\r\n\r\n"
        );
        assert!(!template.unpaid().is_head());
    }

    #[test]
    fn a_body_comes_with_its_length() {
        let posts = template(Method::POST, "{}");
        let end = "\r\ncontent-length: 2\r\n\r\n{}";
        assert!(text(&posts.unpaid()).ends_with(end));
        let name = HeaderName::from_static("x-payment");
        let paid = posts.paid(&name, &HeaderValue::from_static("v"));
        assert!(text(&paid).ends_with(&format!("\r\nx-payment: v{end}")));
        let other = posts.with_body(b"other");
        assert!(text(&other).ends_with("\r\ncontent-length: 5\r\n\r\nother"));
        let bare = template(Method::POST, "").unpaid();
        assert!(text(&bare).ends_with("\r\ncontent-length: 0\r\n\r\n"));
        assert!(template(Method::HEAD, "").unpaid().is_head());
    }
}
