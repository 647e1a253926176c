//! Texts the bench plants in requests, to find them again in what the target says and to whom.

/// Host of a spoofed `Host` header: nobody's (RFC 2606).
pub const SPOOFED_HOST: &str = "evil.example";

/// Query parameter of a purchase, as a user's token would stand there.
pub const QUERY: &str = "assay-canary=user-token-51c9d2";

/// Value of [`QUERY`]: what is looked for in the calls of the facilitator.
pub const QUERY_VALUE: &str = "user-token-51c9d2";

/// Markup in a query parameter, decoded: it ends a script and begins one.
pub const MARKUP: &str = "</script><script>assay51c9</script>";

/// [`MARKUP`] as a browser sends it.
pub const MARKUP_QUERY: &str = "x=%3C%2Fscript%3E%3Cscript%3Eassay51c9%3C%2Fscript%3E";

/// Markup in a path segment, decoded; it holds no slash, which would make two segments of it.
pub const PATH_MARKUP: &str = "<script>assay51c9";

/// [`PATH_MARKUP`] as a browser sends it.
pub const PATH_MARKUP_SEGMENT: &str = "%3Cscript%3Eassay51c9";

/// A harmless path segment of the same length or so.
pub const PATH_SIBLING_SEGMENT: &str = "assay51c9-sibling";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_looked_for() {
        let decoded = |text: &str| {
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .next()
        };
        let query = decoded(MARKUP_QUERY).unwrap();
        assert_eq!(query, ("x".to_owned(), MARKUP.to_owned()));
        let segment = decoded(PATH_MARKUP_SEGMENT).unwrap();
        assert_eq!(segment.0, PATH_MARKUP);
        assert!(QUERY.ends_with(&format!("={QUERY_VALUE}")));
    }
}
