//! Secrets of the target are replaced in everything that is written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use url::Url;
use url::form_urlencoded::byte_serialize;

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// Headers whose values are never written, whoever sends them.
const SENSITIVE: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-api-key",
];

/// Values shorter than this are too common to be looked for inside text; their headers are redacted by name.
const SHORTEST: usize = 4;
/// Values shorter than this are looked for as whole words only: `abcd` must not tear `abcdef` apart.
const WHOLE_WORDS_BELOW: usize = 8;

/// Replaces secrets in header lists and in any text.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Forms of the secrets, longest first.
    forms: Vec<String>,
    names: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("forms", &self.forms.len())
            .field("names", &self.names)
            .finish()
    }
}

impl Redactor {
    /// A redactor for these secret values and, beside the well-known ones, these header names.
    ///
    /// A value such as `Bearer abc` also hides `abc`. Values under 4 bytes, and the words `true`, `false` and
    /// `null`, are not looked for in text: replacing them would tear up amounts and JSON.
    pub fn new<S: AsRef<str>, N: AsRef<str>>(
        secrets: impl IntoIterator<Item = S>,
        header_names: impl IntoIterator<Item = N>,
    ) -> Self {
        let mut redactor = Self {
            forms: Vec::new(),
            names: header_names
                .into_iter()
                .map(|name| name.as_ref().to_ascii_lowercase())
                .collect(),
        };
        for secret in secrets {
            redactor.add(secret.as_ref());
        }
        redactor
    }

    /// Adds the password of a URL, alone and as basic authentication sends it.
    #[must_use]
    pub fn with_url(mut self, url: &Url) -> Self {
        if let Some(password) = url.password() {
            self.add(password);
            self.add(&format!("{}:{password}", url.username()));
        }
        self
    }

    /// Adds one more secret value.
    pub fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        self.add_forms(secret);
        if let Some((scheme, credential)) = secret.split_once(' ')
            && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
        {
            self.add_forms(credential.trim());
        }
        self.forms
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.forms.dedup();
    }

    fn add_forms(&mut self, secret: &str) {
        if secret.len() < SHORTEST || matches!(secret, "true" | "false" | "null") {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let forms = [
            secret.to_owned(),
            json[1..json.len() - 1].to_owned(),
            byte_serialize(secret.as_bytes()).collect(),
            byte_serialize(secret.as_bytes())
                .collect::<String>()
                .replace('+', "%20"),
            STANDARD.encode(secret).trim_end_matches('=').to_owned(),
            URL_SAFE_NO_PAD.encode(secret),
        ];
        self.forms.extend(forms);
    }

    /// True when the header's value must not be written.
    pub fn hides(&self, name: &str) -> bool {
        SENSITIVE
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
            || self
                .names
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
    }

    /// The text without secrets, also inside a text that is base64 of text as a whole (a payment header).
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut redacted = Cow::Borrowed(text);
        for form in &self.forms {
            if let Some(replaced) = replace(&redacted, form) {
                redacted = Cow::Owned(replaced);
            }
        }
        match self.inside_base64(&redacted) {
            Some(encoded) => Cow::Owned(encoded),
            None => redacted,
        }
    }

    /// A header list without secrets: sensitive headers as a whole, the others as text.
    pub fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        headers
            .iter()
            .map(|(name, value)| {
                let value = if self.hides(name) {
                    REDACTED.to_owned()
                } else {
                    self.text(value).into_owned()
                };
                (name.clone(), value)
            })
            .collect()
    }

    fn inside_base64(&self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        if self.forms.is_empty() || trimmed.len() < 16 || trimmed.contains(char::is_whitespace) {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(trimmed).ok()?).ok()?;
        match self.text(&decoded) {
            Cow::Owned(redacted) => Some(STANDARD.encode(redacted)),
            Cow::Borrowed(_) => None,
        }
    }
}

/// `text` with every occurrence of `form` replaced; `None` when there is none.
fn replace(text: &str, form: &str) -> Option<String> {
    let whole_word = form.len() < WHOLE_WORDS_BELOW;
    let (mut out, mut copied) = (String::new(), 0);
    for (start, _) in text.match_indices(form) {
        let end = start + form.len();
        let touches = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
        if whole_word
            && (touches(text[..start].chars().next_back()) || touches(text[end..].chars().next()))
        {
            continue;
        }
        out.push_str(&text[copied..start]);
        out.push_str(REDACTED);
        copied = end;
    }
    (copied > 0).then(|| {
        out.push_str(&text[copied..]);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(["Bearer tok/en+1234", "s3cr", "true", ""], ["X-Shop"])
    }

    #[test]
    fn headers_are_hidden_by_name_and_by_value() {
        let list = [
            ("authorization", "anything"),
            ("X-SHOP", "1"),
            ("x-echo", "you sent tok/en+1234"),
            ("x-flag", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let values: Vec<String> = redactor().headers(&list).into_iter().map(|h| h.1).collect();
        assert_eq!(
            values,
            ["<redacted>", "<redacted>", "you sent <redacted>", "true"]
        );
    }

    #[test]
    fn the_whole_value_goes_before_its_part() {
        assert_eq!(
            redactor().text("got Bearer tok/en+1234!"),
            "got <redacted>!"
        );
    }

    #[test]
    fn encoded_forms_are_found() {
        let redactor = redactor();
        for form in ["tok%2Fen%2B1234", &STANDARD.encode("tok/en+1234")] {
            let text = redactor.text(&format!("x={form}&y=1")).into_owned();
            assert!(text.starts_with("x=<redacted>"), "{text}");
        }
    }

    #[test]
    fn a_payment_header_stays_decodable() {
        let message = r#"{"resource":{"url":"http://h/paid?key=tok/en+1234"}}"#;
        let redacted = redactor().text(&STANDARD.encode(message)).into_owned();
        let decoded = String::from_utf8(STANDARD.decode(redacted).unwrap()).unwrap();
        assert_eq!(decoded, message.replace("tok/en+1234", REDACTED));
    }

    #[test]
    fn short_values_are_whole_words_and_json_words_stay() {
        let text = redactor()
            .text(r#"{"ok":true,"a":"s3cr","b":"s3cret"}"#)
            .into_owned();
        assert_eq!(text, r#"{"ok":true,"a":"<redacted>","b":"s3cret"}"#);
    }

    #[test]
    fn the_password_of_a_url_is_a_secret() {
        let url = Url::parse("http://me:hunter2two@localhost/paid").unwrap();
        let redactor = Redactor::default().with_url(&url);
        assert_eq!(
            redactor.text(url.as_str()),
            "http://<redacted>@localhost/paid"
        );
        assert_eq!(redactor.text("pw hunter2two"), "pw <redacted>");
        let basic = STANDARD.encode("me:hunter2two");
        assert!(!redactor.text(&basic).contains(basic.trim_end_matches('=')));
    }

    #[test]
    fn nothing_secret_means_nothing_changed() {
        let none = Redactor::default();
        assert!(matches!(none.text("eyJhIjoxfQ=="), Cow::Borrowed(_)));
        assert!(!format!("{:?}", redactor()).contains("tok"));
    }
}
