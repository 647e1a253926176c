//! A target's URL, with `{port}` left open until the target is launched.

use std::fmt;

use url::Url;

/// An `http` or `https` URL which may hold `{port}`.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// The placeholder for the free port a launched target gets.
pub(crate) const PORT: &str = "{port}";

impl UrlTemplate {
    /// Checks the URL; the error says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the URL is empty".into());
        }
        if let Some((scheme, _)) = text.split_once("://") {
            if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
                return Err(format!(
                    "`{scheme}` is not supported; use http:// or https://"
                ));
            }
        } else {
            return Err(format!("a URL needs a scheme: http://{text}"));
        }
        if let Some(name) = placeholder(&text.replace(PORT, "")) {
            return Err(format!(
                "a URL knows only the placeholder {PORT}, not `{{{name}}}`"
            ));
        }
        let url = Url::parse(&text.replace(PORT, "1"))
            .map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if url.port() == Some(0) {
            return Err("port 0 is not a port; with --launch write {port}".into());
        }
        if url.fragment().is_some() {
            return Err(format!(
                "`{text}` has a `#` part, which is never sent; remove it"
            ));
        }
        Ok(Self(text.into()))
    }

    /// Whether a port has to be filled in.
    pub fn has_port_placeholder(&self) -> bool {
        self.0.contains(PORT)
    }

    /// The URL with `port` in the place of `{port}`.
    pub fn resolve(&self, port: u16) -> Url {
        let text = self.0.replace(PORT, &port.to_string());
        Url::parse(&text).expect("the template was checked with a port when it was read")
    }

    /// The template without path and query, and the path with query (`/` at least).
    pub(super) fn split_path(&self) -> (Self, String) {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[authority..]
            .find(['/', '?'])
            .map_or(self.0.len(), |at| authority + at);
        let (origin, path) = self.0.split_at(end);
        let path = if path.starts_with('/') {
            path.into()
        } else {
            format!("/{path}")
        };
        (Self(origin.into()), path)
    }

    /// The password in the URL, if there is one.
    pub(super) fn password(&self) -> Option<String> {
        self.resolve(1).password().map(str::to_owned)
    }

    /// The host name or address.
    pub fn host(&self) -> String {
        self.resolve(1).host_str().unwrap_or_default().to_owned()
    }

    /// The port: the given one, else the scheme's; `None` while `{port}` is open.
    pub fn port(&self) -> Option<u16> {
        if self.has_port_placeholder() {
            None
        } else {
            self.resolve(1).port_or_known_default()
        }
    }

    /// The URL as text, `{port}` still open, without a password.
    pub fn as_text(&self) -> String {
        match self.password() {
            Some(password) => self.0.replacen(&format!(":{password}@"), ":[redacted]@", 1),
            None => self.0.clone(),
        }
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_text())
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlTemplate({})", self.as_text())
    }
}

/// The first `{name}` in a text.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    let (_, after) = text.split_once('{')?;
    after.split_once('}').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_filled_in() {
        let url = UrlTemplate::parse("http://127.0.0.1:{port}/paid?a=1").unwrap();
        assert!(url.has_port_placeholder());
        assert_eq!(url.port(), None);
        assert_eq!(url.resolve(81).as_str(), "http://127.0.0.1:81/paid?a=1");
        let (origin, path) = url.split_path();
        assert_eq!(
            (origin.to_string().as_str(), path.as_str()),
            ("http://127.0.0.1:{port}", "/paid?a=1")
        );
    }

    #[test]
    fn a_path_is_always_there() {
        let split = |text: &str| UrlTemplate::parse(text).unwrap().split_path().1;
        assert_eq!(split("http://h"), "/");
        assert_eq!(split("http://h/"), "/");
        assert_eq!(split("http://h?x=1"), "/?x=1");
    }

    #[test]
    fn wrong_urls_say_what_to_write() {
        let error = |text: &str| UrlTemplate::parse(text).unwrap_err();
        assert_eq!(
            error("localhost:3000/paid"),
            "a URL needs a scheme: http://localhost:3000/paid"
        );
        assert_eq!(
            error("ftp://h/x"),
            "`ftp` is not supported; use http:// or https://"
        );
        assert!(error("http://").contains("not a URL"));
        assert!(error("http://h:99999/").contains("not a URL"));
        assert!(error("http://h:{prot}/").contains("{port}, not `{prot}`"));
        assert!(error("http://h:0/").contains("{port}"));
        assert!(error("http://h/#top").contains('#'));
        assert!(error(" ").contains("empty"));
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = UrlTemplate::parse("http://u:hunter2@h/x").unwrap();
        assert!(!format!("{url} {url:?}").contains("hunter2"));
        assert_eq!(url.resolve(1).password(), Some("hunter2"));
    }
}
