//! What an answer must not show: traces of the program that made it, and keys to what stands behind it.

use x402_assay_protocol::header::{self, PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE};

use crate::history::Exchange;

/// Texts that stand in stack traces only, and what they are.
const TRACES: &[(&str, &str)] = &[
    ("Traceback (most recent call last)", "a Python traceback"),
    ("goroutine 1 [running]", "a Go stack trace"),
    ("panicked at ", "a Rust panic"),
    ("RUST_BACKTRACE", "a Rust panic"),
    ("/node_modules/", "a path inside the server"),
    ("node:internal/", "a Node.js stack trace"),
    ("/site-packages/", "a path inside the server"),
    ("Exception in thread \"", "a Java stack trace"),
];

/// Beginnings of keys, and what they are.
const KEYS: &[(&str, &str)] = &[
    ("-----BEGIN ", "a private key"),
    ("sk_live_", "an API key"),
    ("AKIA", "an AWS key"),
    ("Bearer ", "a bearer token"),
    ("Basic ", "credentials"),
];

/// RPC providers whose URLs hold the key.
const PROVIDERS: &[&str] = &[
    ".infura.io/v3/",
    ".g.alchemy.com/v2/",
    ".quiknode.pro/",
    "rpc.ankr.com/",
    ".blastapi.io/",
];

/// Every place of an answer where text can stand, with its name: body, headers, what the payment headers hold.
pub(super) fn places(exchange: &Exchange<'_>) -> Vec<(String, String)> {
    let body = exchange.body_text().unwrap_or_default().to_owned();
    let mut places = vec![("the body".to_owned(), body)];
    let headers = exchange.answer().map(|answer| answer.headers.as_slice());
    for (name, value) in headers.unwrap_or_default() {
        let value = exchange.whole(value);
        places.push((format!("the header {name}"), value.to_owned()));
        let coded = [PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE];
        if coded.iter().any(|coded| name.eq_ignore_ascii_case(coded))
            && let Ok(decoded) = header::decode(value.as_bytes())
        {
            places.push((format!("the decoded {name}"), decoded.value.to_string()));
        }
    }
    places
}

/// What a text gives away of the inside, in words.
pub(super) fn leak(text: &str) -> Option<String> {
    let traced = TRACES.iter().find(|(trace, _)| text.contains(trace));
    if let Some((trace, what)) = traced {
        return Some(format!("{what} ({:?})", trace.trim()));
    }
    if let Some(frame) = stack_frame(text) {
        return Some(format!("a stack trace ({frame:?})"));
    }
    if let Some(provider) = PROVIDERS.iter().find(|provider| text.contains(*provider)) {
        return Some(format!("the URL of an RPC provider (…{provider}…)"));
    }
    KEYS.iter().find_map(|(begin, what)| {
        let mut after = text
            .match_indices(begin)
            .map(|(at, _)| &text[at + begin.len()..]);
        after
            .any(|rest| is_key(begin, rest))
            .then(|| (*what).to_owned())
    })
}

/// True when a key follows its beginning, and not prose.
fn is_key(begin: &str, rest: &str) -> bool {
    match begin {
        "-----BEGIN " => {
            let kind = rest.split("-----").next();
            kind.is_some_and(|kind| kind.ends_with("PRIVATE KEY"))
        }
        "AKIA" => {
            let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            rest.bytes().take_while(is_part).count() == 16
        }
        _ => {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
            let token: Vec<u8> = rest.bytes().take_while(is_part).collect();
            token.len() >= 16 && token.iter().any(u8::is_ascii_digit)
        }
    }
}

/// A line such as `at decode (/srv/shop/index.js:412:17)` or `File "app.py", line 3`.
fn stack_frame(text: &str) -> Option<&str> {
    let lines = text.split(['\n', '\r']).flat_map(|line| line.split("\\n"));
    lines.map(str::trim).find(|line| is_frame(line)).map(cut)
}

fn is_frame(line: &str) -> bool {
    let java_script = || {
        let Some(place) = line.strip_prefix("at ") else {
            return false;
        };
        // file:line:column, with or without brackets and what follows in JSON.
        place.split(['(', ')', ' ', '"']).any(|part| {
            let mut numbers = part.rsplitn(3, ':');
            let is_number = |part: Option<&str>| {
                part.is_some_and(|part| {
                    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
                })
            };
            let (column, row) = (numbers.next(), numbers.next());
            let file = numbers.next().unwrap_or_default();
            is_number(column) && is_number(row) && file.contains(['/', '.', '\\'])
        })
    };
    let java = || line.starts_with("at ") && line.contains(".java:");
    let python = || line.starts_with("File \"") && line.contains("\", line ");
    java_script() || java() || python()
}

fn cut(line: &str) -> &str {
    line.char_indices()
        .nth(100)
        .map_or(line, |(at, _)| &line[..at])
}

/// True when a text names a URL: whole, or its host and port.
pub(super) fn names(text: &str, url: &str) -> bool {
    let place = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = place.split('/').next().unwrap_or_default();
    // A host without a port is too common a text.
    place.contains(':') && contains_whole(text, place)
}

/// Contains it, and no digit follows: port 854 is not port 8545.
fn contains_whole(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(at, _)| {
        let rest = &text[at + wanted.len()..];
        !rest.starts_with(|after: char| after.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_and_keys_are_seen() {
        for text in [
            "{\"stack\":\"Error: no\\n    at decode (/srv/shop/index.js:412:17)\"}",
            "Error\n    at file:///app/x.mjs:3:9\n",
            "Traceback (most recent call last):\n  File \"app.py\", line 3, in f",
            "  File \"app.py\", line 3, in f",
            "thread 'main' panicked at src/main.rs:3:5",
            "\tat shop.Paywall.check(Paywall.java:31)",
            "https://base-mainnet.g.alchemy.com/v2/key",
            "-----BEGIN EC PRIVATE KEY-----",
            "Authorization: Bearer eyJhbGciOiJFZERTQSJ9.e30",
            "{\"key\":\"AKIAIOSFODNN7EXAMPLE\"}",
        ] {
            assert!(leak(text).is_some(), "{text}");
        }
    }

    #[test]
    fn plain_errors_are_not() {
        for text in [
            "",
            "{\"error\":\"invalid_exact_evm_signature\"}",
            "paid at 12:30, look at https://docs.example/errors#402",
            "WWW-Authenticate: Bearer realm=\"shop\"",
            "Bearer",
            "Bearer authentication-is-required",
            "eyJAKIAxYz09PQ==",
            "Basic realm=x",
            "-----BEGIN PUBLIC KEY-----",
            "Unexpected token at position 3",
            "at 12:30:45 the price changes",
            "see line 3 of the documentation",
            "the payment was made at 10:20:30",
        ] {
            assert_eq!(leak(text), None, "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_named_by_host_and_port() {
        let url = "http://127.0.0.1:8545";
        assert!(names("connect ECONNREFUSED 127.0.0.1:8545", url));
        assert!(names("http://127.0.0.1:8545/x failed", url));
        assert!(!names("127.0.0.1:85451", url));
        assert!(!names("127.0.0.1", url));
        assert!(!names("anything", "http://localhost/"));
    }
}
