//! A small shared cache (RFC 9111): GET only, explicit freshness, `Vary`; what must be validated is simply not kept.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::head::{Framing, RequestHead, ResponseHead};

/// Most answers kept.
const ENTRIES_MAX: usize = 256;
/// Freshest an answer can be without saying so, by its age (RFC 9111 section 4.2.2).
const HEURISTIC_MAX: Duration = Duration::from_secs(24 * 3600);
/// Status codes that may be kept without explicit freshness (RFC 9110 section 15.1).
const HEURISTIC: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct CacheKey {
    host: Vec<u8>,
    target: String,
}

/// A kept answer.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    head: Vec<u8>,
    body: Vec<u8>,
    /// Fields named by `Vary`, as the request had them.
    varies: Vec<(String, Vec<String>)>,
    since: Instant,
    fresh: Duration,
}

/// The answers kept.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: HashMap<CacheKey, Vec<Stored>>,
    order: VecDeque<CacheKey>,
}

impl CacheKey {
    /// The key of a request that a cache may answer; `None` for others.
    pub(super) fn of(request: &RequestHead) -> Option<Self> {
        if request.method != "GET" || request.framing() != Framing::Empty {
            return None;
        }
        if request.fields.has("cache-control", "no-store") {
            return None;
        }
        Some(Self {
            host: request.fields.get("host").unwrap_or_default().to_vec(),
            target: request.target.clone(),
        })
    }
}

impl Stored {
    /// Whether an answer could be kept at all.
    pub(super) fn may(answer: &ResponseHead) -> bool {
        answer.status >= 200
            && !matches!(answer.status, 206 | 304)
            && answer.framing("GET") != Framing::UntilClose
            && !answer.closes()
            && !["no-store", "private", "no-cache"]
                .iter()
                .any(|word| directive(answer, word).is_some())
            && !answer.fields.has("vary", "*")
            && freshness(answer).is_some()
    }

    /// The answer to keep; `None` when it is the answer to somebody who signed in and does not allow it
    /// (RFC 9111 section 3.5).
    pub(super) fn new(
        request: &RequestHead,
        answer: &ResponseHead,
        body: Vec<u8>,
        now: Instant,
    ) -> Option<Self> {
        let signed_in = request.fields.get("authorization").is_some();
        let allowed = ["public", "s-maxage", "must-revalidate"];
        if signed_in && !allowed.iter().any(|word| directive(answer, word).is_some()) {
            return None;
        }
        let varies = answer.fields.members("vary");
        Some(Self {
            head: answer.raw.to_vec(),
            body,
            varies: varies
                .into_iter()
                .map(|name| {
                    let members = request.fields.members(&name);
                    (name, members)
                })
                .collect(),
            since: now,
            fresh: freshness(answer)?,
        })
    }

    fn fits(&self, request: &RequestHead) -> bool {
        let same = |(name, value): &(String, Vec<String>)| request.fields.members(name) == *value;
        self.varies.iter().all(same)
    }

    /// The bytes with the age of the answer.
    fn aged(&self, now: Instant) -> Vec<u8> {
        let age = now.saturating_duration_since(self.since).as_secs();
        // The blank line ends the head: the age goes before it.
        let end = if self.head.ends_with(b"\r\n\r\n") {
            2
        } else {
            1
        };
        let (fields, blank) = self.head.split_at(self.head.len().saturating_sub(end));
        [
            fields,
            format!("Age: {age}\r\n").as_bytes(),
            blank,
            &self.body,
        ]
        .concat()
    }
}

impl Cache {
    /// The bytes of a fresh answer.
    pub(super) fn lookup(
        &mut self,
        key: &CacheKey,
        request: &RequestHead,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let asks_again = ["no-cache", "max-age=0"]
            .iter()
            .any(|word| request.fields.has("cache-control", word));
        if asks_again {
            return None;
        }
        let answers = self.entries.get_mut(key)?;
        answers.retain(|stored| now.saturating_duration_since(stored.since) < stored.fresh);
        let found = answers.iter().rev().find(|stored| stored.fits(request))?;
        Some(found.aged(now))
    }

    /// Keeps an answer; the oldest one makes room.
    pub(super) fn insert(&mut self, key: CacheKey, stored: Stored) {
        let answers = self.entries.entry(key.clone()).or_default();
        answers.retain(|old| old.varies != stored.varies);
        answers.push(stored);
        self.order.push_back(key);
        while self.order.len() > ENTRIES_MAX {
            if let Some(oldest) = self.order.pop_front()
                && !self.order.contains(&oldest)
            {
                self.entries.remove(&oldest);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// How long a shared cache may use an answer; `None` when it may not keep it.
fn freshness(answer: &ResponseHead) -> Option<Duration> {
    for word in ["s-maxage", "max-age"] {
        if let Some(value) = directive(answer, word) {
            let seconds: u64 = value.trim_matches('"').parse().ok()?;
            return (seconds > 0).then(|| Duration::from_secs(seconds));
        }
    }
    let date = |name: &str| {
        let text = std::str::from_utf8(answer.fields.get(name)?).ok()?;
        httpdate::parse_http_date(text).ok()
    };
    let now = date("date").unwrap_or_else(SystemTime::now);
    if answer.fields.get("expires").is_some() {
        return date("expires")?
            .duration_since(now)
            .ok()
            .filter(|fresh| !fresh.is_zero());
    }
    let heuristic = HEURISTIC.contains(&answer.status) || directive(answer, "public").is_some();
    let unchanged = now.duration_since(date("last-modified")?).ok()?;
    heuristic.then(|| (unchanged / 10).min(HEURISTIC_MAX))
}

/// A directive of `Cache-Control`: its value, empty when it has none.
fn directive(answer: &ResponseHead, wanted: &str) -> Option<String> {
    answer
        .fields
        .members("cache-control")
        .into_iter()
        .find_map(|member| {
            let (name, value) = member.split_once('=').unwrap_or((&member, ""));
            (name.trim() == wanted).then(|| value.trim().to_owned())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> RequestHead {
        let raw = format!("GET /paid HTTP/1.1\r\nHost: shop\r\n{fields}\r\n");
        RequestHead::parse(raw.into()).unwrap()
    }

    fn answer(status: u16, fields: &str) -> ResponseHead {
        let raw = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n{fields}\r\n");
        ResponseHead::parse(raw.into()).unwrap()
    }

    /// What a second request gets `later` seconds after an answer with these fields was seen.
    fn second(first: &str, answered: &ResponseHead, then: &str, later: u64) -> Option<String> {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let (first, then) = (request(first), request(then));
        let key = CacheKey::of(&first)?;
        if Stored::may(answered)
            && let Some(stored) = Stored::new(&first, answered, b"ok".to_vec(), now)
        {
            cache.insert(key, stored);
        }
        let found = cache.lookup(
            &CacheKey::of(&then)?,
            &then,
            now + Duration::from_secs(later),
        )?;
        Some(String::from_utf8(found).unwrap())
    }

    #[test]
    fn a_fresh_public_answer_is_given_to_everyone_until_it_is_stale() {
        let public = answer(200, "Cache-Control: public, max-age=60\r\n");
        let paid = "PAYMENT-SIGNATURE: x\r\n";
        let found = second(paid, &public, "", 59).unwrap();
        assert!(found.ends_with("Age: 59\r\n\r\nok"), "{found}");
        assert_eq!(second(paid, &public, "", 60), None);
        let shared = answer(200, "Cache-Control: max-age=1, s-maxage=100\r\n");
        assert!(second("", &shared, "", 99).is_some());
        let refusal = answer(402, "Cache-Control: max-age=5\r\n");
        assert!(
            second("", &refusal, "", 1).is_some(),
            "explicit freshness is for every status"
        );
    }

    #[test]
    fn what_says_no_is_not_kept() {
        for fields in [
            "",
            "Cache-Control: public\r\n",
            "Cache-Control: private, max-age=60\r\n",
            "Cache-Control: no-store\r\nCache-Control: max-age=60\r\n",
            "Cache-Control: no-cache, max-age=60\r\n",
            "Cache-Control: max-age=0\r\n",
            "Cache-Control: max-age=60\r\nVary: *\r\n",
            "Expires: 0\r\n",
        ] {
            assert_eq!(second("", &answer(200, fields), "", 0), None, "{fields}");
        }
        let fresh = answer(200, "Cache-Control: max-age=60\r\n");
        assert_eq!(second("Authorization: x\r\n", &fresh, "", 0), None);
        assert_eq!(second("Cache-Control: no-store\r\n", &fresh, "", 0), None);
        assert_eq!(second("", &fresh, "Cache-Control: no-cache\r\n", 0), None);
        let public = answer(200, "Cache-Control: max-age=60, public\r\n");
        assert!(second("Authorization: x\r\n", &public, "", 0).is_some());
    }

    #[test]
    fn vary_dates_and_heuristics() {
        let varies = answer(
            200,
            "Cache-Control: max-age=60\r\nVary: Accept, X-Payment\r\n",
        );
        let html = "Accept: text/html\r\n";
        assert!(second(html, &varies, html, 0).is_some());
        assert_eq!(second(html, &varies, "Accept: */*\r\n", 0), None);
        assert_eq!(
            second(html, &varies, "Accept: text/html\r\nX-PAYMENT: x\r\n", 0),
            None
        );
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        let expires = answer(
            402,
            &format!("{date}Expires: Sun, 06 Nov 1994 08:50:37 GMT\r\n"),
        );
        assert!(second("", &expires, "", 59).is_some());
        let modified = format!("{date}Last-Modified: Sun, 06 Nov 1994 08:32:57 GMT\r\n");
        assert!(second("", &answer(200, &modified), "", 99).is_some());
        assert_eq!(second("", &answer(402, &modified), "", 0), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        let fresh = answer(200, "Cache-Control: max-age=60\r\n");
        for number in 0..ENTRIES_MAX + 5 {
            let raw = format!("GET /{number} HTTP/1.1\r\n\r\n");
            let request = RequestHead::parse(raw.into()).unwrap();
            let stored = Stored::new(&request, &fresh, Vec::new(), now).unwrap();
            cache.insert(CacheKey::of(&request).unwrap(), stored);
        }
        assert_eq!(cache.entries.len(), ENTRIES_MAX);
        cache.clear();
        assert!(cache.entries.is_empty() && cache.order.is_empty());
    }
}
