//! The header fields of an answer, found in its bytes when they are asked for.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

/// Header fields in order, as they came.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Fields {
    raw: Bytes,
    places: Vec<Place>,
}

/// Where a field's name and value stand.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

impl Fields {
    /// Fields that stand at these places of a head.
    pub(super) const fn new(raw: Bytes, places: Vec<Place>) -> Self {
        Self { raw, places }
    }

    /// The first value of a field.
    pub(in super::super) fn get<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// Every value of a field, in order.
    pub(in super::super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let name = name.as_bytes();
        let is_it = move |place: &&Place| self.raw[place.name.clone()].eq_ignore_ascii_case(name);
        let places = self.places.iter().filter(is_it);
        places.map(|place| &self.raw[place.value.clone()])
    }
}

impl From<&HeaderMap> for Fields {
    fn from(map: &HeaderMap) -> Self {
        let mut raw = BytesMut::new();
        let mut put = |bytes: &[u8]| {
            let from = raw.len();
            raw.extend_from_slice(bytes);
            from..raw.len()
        };
        let places = map.iter().map(|(name, value)| Place {
            name: put(name.as_str().as_bytes()),
            value: put(value.as_bytes()),
        });
        let places = places.collect();
        Self::new(raw.freeze(), places)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let mut map = HeaderMap::new();
        map.append("x-a", HeaderValue::from_static("1"));
        map.append("x-b", HeaderValue::from_static(""));
        map.append("x-a", HeaderValue::from_bytes(b"\xff").unwrap());
        let fields = Fields::from(&map);
        assert_eq!(fields.get("X-A"), Some(&b"1"[..]));
        let all: Vec<&[u8]> = fields.all("x-a").collect();
        assert_eq!(all, [&b"1"[..], b"\xff"]);
        assert_eq!(fields.get("x-b"), Some(&b""[..]));
        assert_eq!(fields.get("x-c"), None);
    }
}
