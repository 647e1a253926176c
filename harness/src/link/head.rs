//! Request and response heads: their bytes stay as they are, only what the link must know is read.

use bytes::Bytes;

/// Header fields, by lower-case name, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// Every field in order, by lower-case name.
    pub(crate) fn into_inner(self) -> Vec<(String, Vec<u8>)> {
        self.0
    }

    /// The first value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.named(name);
        values.next().map(Vec::as_slice)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Vec<u8>> {
        let same = move |(field, _): &&(String, Vec<u8>)| field.eq_ignore_ascii_case(name);
        self.0.iter().filter(same).map(|(_, value)| value)
    }

    /// The members of a comma-separated field, trimmed and in lower case.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        let joined: Vec<String> = self
            .named(name)
            .map(|value| String::from_utf8_lossy(value).to_ascii_lowercase())
            .collect();
        let members = joined.iter().flat_map(|value| value.split(','));
        members
            .map(|member| member.trim().to_owned())
            .filter(|member| !member.is_empty())
            .collect()
    }

    /// True when the comma-separated field has this member.
    pub(crate) fn has(&self, name: &str, member: &str) -> bool {
        self.members(name).iter().any(|found| found == member)
    }
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Empty,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Until the connection ends.
    UntilClose,
}

/// The head of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestHead {
    pub(crate) raw: Bytes,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Fields,
    http_1_0: bool,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub(crate) struct ResponseHead {
    pub(crate) raw: Bytes,
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    http_1_0: bool,
}

impl RequestHead {
    /// Reads a head that ends with its blank line; `None` when it is no HTTP/1.
    pub(crate) fn parse(raw: Bytes) -> Option<Self> {
        let (first, fields) = split(&raw)?;
        // Anything may stand in the target, even blanks: what counts is who reads it at the other end.
        let (method, rest) = first.split_once(' ')?;
        let (target, version) = rest.rsplit_once(' ')?;
        let http_1_0 = version_1_0(version)?;
        Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            fields,
            http_1_0,
            raw: raw.clone(),
        })
    }

    pub(crate) fn framing(&self) -> Framing {
        framing(&self.fields).unwrap_or(Framing::Empty)
    }

    /// True when the caller waits for the connection to end.
    pub(crate) fn closes(&self) -> bool {
        closes(&self.fields, self.http_1_0)
    }

    /// The bytes with another `Host`; the rest stays.
    pub(crate) fn with_host(&self, authority: &str) -> Bytes {
        let mut out = Vec::with_capacity(self.raw.len() + authority.len());
        for line in self.raw.split_inclusive(|byte| *byte == b'\n') {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            if name.eq_ignore_ascii_case(b"host") {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(authority.as_bytes());
                out.extend_from_slice(b"\r\n");
            } else {
                out.extend_from_slice(line);
            }
        }
        out.into()
    }
}

impl ResponseHead {
    /// Reads a head that ends with its blank line; `None` when it is no HTTP/1.
    pub(crate) fn parse(raw: Bytes) -> Option<Self> {
        let (first, fields) = split(&raw)?;
        let mut words = first.splitn(3, ' ');
        let http_1_0 = version_1_0(words.next()?)?;
        let status = words.next()?.parse().ok()?;
        Some(Self {
            status,
            fields,
            http_1_0,
            raw: raw.clone(),
        })
    }

    /// True for an interim response, after which another head follows.
    pub(crate) const fn interim(&self) -> bool {
        self.status >= 100 && self.status < 200 && self.status != 101
    }

    pub(crate) fn framing(&self, method: &str) -> Framing {
        if method == "HEAD" || self.status < 200 || matches!(self.status, 204 | 304) {
            return Framing::Empty;
        }
        framing(&self.fields).unwrap_or(Framing::UntilClose)
    }

    pub(crate) fn closes(&self) -> bool {
        closes(&self.fields, self.http_1_0)
    }
}

/// The first line and the fields; `None` when a line is none.
fn split(raw: &[u8]) -> Option<(String, Fields)> {
    let mut lines = raw
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = String::from_utf8_lossy(lines.next()?).into_owned();
    let mut fields = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        fields.push((name, value.get(1..)?.trim_ascii().to_vec()));
    }
    Some((first, Fields(fields)))
}

fn version_1_0(word: &str) -> Option<bool> {
    let minor = word.strip_prefix("HTTP/1.")?;
    Some(minor == "0")
}

fn framing(fields: &Fields) -> Option<Framing> {
    if fields.has("transfer-encoding", "chunked") {
        return Some(Framing::Chunked);
    }
    let length = fields.get("content-length")?;
    let length = std::str::from_utf8(length).ok()?.parse().ok()?;
    Some(if length == 0 {
        Framing::Empty
    } else {
        Framing::Length(length)
    })
}

fn closes(fields: &Fields, http_1_0: bool) -> bool {
    fields.has("connection", "close") || (http_1_0 && !fields.has("connection", "keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &'static str) -> Option<RequestHead> {
        RequestHead::parse(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn odd_targets_pass() {
        for target in ["/a b", "//x/..", "/\\", "/%zz", "http://h/x", "*"] {
            let raw = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let head = RequestHead::parse(raw.clone().into()).unwrap();
            assert_eq!(head.target, target);
            assert_eq!(head.raw, raw);
        }
        assert!(request("GET /\r\n\r\n").is_none());
        assert!(request("PRI * HTTP/2.0\r\n\r\n").is_none());
        assert!(request("GET / HTTP/1.1\r\nno colon\r\n\r\n").is_none());
    }

    #[test]
    fn only_the_host_changes() {
        let head = request("GET / HTTP/1.1\r\nX-a: 1\r\nHOST:  old:1\r\nx-A: 2\r\n\r\n").unwrap();
        assert_eq!(
            head.with_host("new:2"),
            "GET / HTTP/1.1\r\nX-a: 1\r\nHOST: new:2\r\nx-A: 2\r\n\r\n"
        );
    }

    #[test]
    fn framing_and_the_end_of_a_connection() {
        let framing = |text| request(text).unwrap().framing();
        assert_eq!(framing("GET / HTTP/1.1\r\n\r\n"), Framing::Empty);
        assert_eq!(
            framing("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n"),
            Framing::Length(3)
        );
        assert_eq!(
            framing(
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"
            ),
            Framing::Chunked
        );
        let answer =
            |text: &'static str| ResponseHead::parse(Bytes::from_static(text.as_bytes())).unwrap();
        let plain = answer("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(plain.framing("GET"), Framing::UntilClose);
        assert_eq!(plain.framing("HEAD"), Framing::Empty);
        assert!(!plain.closes());
        assert_eq!(
            answer("HTTP/1.1 204\r\n\r\n").framing("GET"),
            Framing::Empty
        );
        assert!(answer("HTTP/1.0 200 OK\r\n\r\n").closes());
        assert!(!answer("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n").closes());
        assert!(answer("HTTP/1.1 100 Continue\r\n\r\n").interim());
    }
}
