//! Which answers hold the paid content.
//!
//! With a declared marker, an answer that holds it does. Without one, a fingerprint is learned from the good purchases.

use std::collections::HashMap;

use crate::history::{Exchange, Facts};

/// Fewest bytes two purchases must have in common for a fingerprint.
const MIN_COMMON_BYTES: usize = 12;

/// What an answer gave away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing.
    Nothing,
    /// A 2xx answer without the paid content that is known of this route.
    OtherSuccess,
    /// The paid content.
    Content,
}

/// How the paid content of each route is recognised.
#[derive(Debug, Clone)]
pub struct Contents<'h> {
    marker: Option<&'h str>,
    /// The marker also stands in answers that ask for payment, so it proves delivery only with a 2xx status.
    marker_is_public: bool,
    learned: HashMap<&'h str, Fingerprint<'h>>,
}

/// Beginning and end that every purchase of a route has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint<'h> {
    prefix: &'h str,
    suffix: &'h str,
}

impl<'h> Fingerprint<'h> {
    fn of(first: &'h str, second: &'h str) -> Option<Self> {
        let prefix_len = common_prefix(first, second);
        let (rest_first, rest_second) = (&first[prefix_len..], &second[prefix_len..]);
        let suffix_len = common_suffix(rest_first, rest_second);
        let fingerprint = Self {
            prefix: &first[..prefix_len],
            suffix: &rest_first[rest_first.len() - suffix_len..],
        };
        // Identical bodies are a fingerprint however short they are.
        (first == second && !first.is_empty() || prefix_len + suffix_len >= MIN_COMMON_BYTES)
            .then_some(fingerprint)
    }

    fn matches(&self, body: &str) -> bool {
        body.len() >= self.prefix.len() + self.suffix.len()
            && body.starts_with(self.prefix)
            && body.ends_with(self.suffix)
    }
}

impl<'h> Contents<'h> {
    /// Learns how the paid content of each route looks.
    pub fn learn(facts: &Facts<'h>) -> Self {
        let marker = facts.run.and_then(|run| run.marker.as_deref());
        let marker_is_public = marker.is_some_and(|marker| {
            facts.exchanges.iter().any(|exchange| {
                !exchange.is_paid()
                    && exchange.status() == Some(402)
                    && exchange
                        .body_text()
                        .is_some_and(|body| body.contains(marker))
            })
        });
        let learned = if marker.is_some() {
            HashMap::new()
        } else {
            learn_fingerprints(facts)
        };
        Self {
            marker,
            marker_is_public,
            learned,
        }
    }

    /// True when the paid content of this exchange's route can be told from any other 2xx answer.
    pub fn can_tell(&self, exchange: &Exchange<'h>) -> bool {
        self.marker.is_some() || self.learned.contains_key(exchange.sent.route.as_str())
    }

    /// What an answer gave away; free routes and unanswered exchanges give nothing.
    pub fn delivery(&self, exchange: &Exchange<'h>) -> Delivery {
        if exchange.is_free() || exchange.is_direct() || exchange.answer().is_none() {
            return Delivery::Nothing;
        }
        let body = exchange.body();
        let text = body.map_or("", |body| body.text);
        // HEAD has no body, and what OPTIONS says is no content, unless it is marked as such.
        match exchange.sent.method.as_str() {
            "HEAD" => return Delivery::Nothing,
            "OPTIONS" => {
                let marked = self.marker.is_some_and(|marker| text.contains(marker));
                return match marked && exchange.is_success() {
                    true => Delivery::Content,
                    false => Delivery::Nothing,
                };
            }
            _ => {}
        }
        let is_cut = body.is_some_and(|body| body.truncated_from.is_some());
        if let Some(marker) = self.marker {
            let holds = text.contains(marker);
            return match (exchange.is_success(), holds) {
                (true, true) => Delivery::Content,
                (false, true) if !self.marker_is_public => Delivery::Content,
                (true, false) if is_cut => Delivery::Content,
                (true, false) => Delivery::OtherSuccess,
                (false, _) => Delivery::Nothing,
            };
        }
        if !exchange.is_success() {
            return Delivery::Nothing;
        }
        match self.learned.get(exchange.sent.route.as_str()) {
            Some(fingerprint) if !is_cut && !fingerprint.matches(text) => Delivery::OtherSuccess,
            _ => Delivery::Content,
        }
    }
}

impl<'h> Contents<'h> {
    /// True when paid content left the server: in an answer, or in what came of one that broke off.
    ///
    /// What broke off is no grant, for the payer cannot use it; it shows that the server did not wait.
    pub fn left(&self, exchange: &Exchange<'h>) -> bool {
        self.delivery(exchange) == Delivery::Content || self.left_in_part(exchange)
    }

    /// The response header that holds the marker, if one does and no answer to an unpaid request has it there too.
    pub fn header_with_marker(&self, exchange: &Exchange<'h>) -> Option<&'h str> {
        let marker = self.marker.filter(|_| !self.marker_is_public)?;
        let headers = &exchange.answer()?.headers;
        let mut found = headers
            .iter()
            .filter(|(_, value)| exchange.whole(value).contains(marker));
        found.next().map(|(name, _)| name.as_str())
    }

    fn left_in_part(&self, exchange: &Exchange<'h>) -> bool {
        let (Some(partial), Some(text)) = (exchange.partial, exchange.partial_text()) else {
            return false;
        };
        let success = (200..300).contains(&partial.status);
        if let Some(marker) = self.marker {
            return text.contains(marker) && (success || !self.marker_is_public);
        }
        let learned = self.learned.get(exchange.sent.route.as_str());
        let begins = |print: &Fingerprint<'_>| {
            print.prefix.len() >= MIN_COMMON_BYTES && text.starts_with(print.prefix)
        };
        success && learned.is_some_and(begins)
    }
}

fn learn_fingerprints<'h>(facts: &Facts<'h>) -> HashMap<&'h str, Fingerprint<'h>> {
    let mut bodies: HashMap<&'h str, Vec<&'h str>> = HashMap::new();
    for exchange in &facts.exchanges {
        let good = matches!(exchange.probe(), "good" | "good-2") && exchange.is_paid();
        if let Some(body) = exchange.body()
            && good
            && exchange.is_success()
            && body.truncated_from.is_none()
        {
            let route = exchange.sent.route.as_str();
            bodies.entry(route).or_default().push(body.text);
        }
    }
    bodies
        .into_iter()
        .filter_map(|(route, bodies)| {
            let (first, rest) = bodies.split_first()?;
            let second = rest.first()?;
            let fingerprint = Fingerprint::of(first, second)?;
            let all_match = bodies.iter().all(|body| fingerprint.matches(body));
            (all_match && !looks_like_a_refusal(facts, route, &fingerprint))
                .then_some((route, fingerprint))
        })
        .collect()
}

/// A fingerprint that refusals carry too tells nothing.
fn looks_like_a_refusal(facts: &Facts<'_>, route: &str, fingerprint: &Fingerprint<'_>) -> bool {
    facts.exchanges.iter().any(|exchange| {
        exchange.sent.route == route
            && exchange.answer().is_some()
            && !exchange.is_success()
            && exchange
                .body_text()
                .is_some_and(|body| fingerprint.matches(body))
    })
}

fn common_prefix(first: &str, second: &str) -> usize {
    first
        .char_indices()
        .zip(second.chars())
        .find(|((_, a), b)| a != b)
        .map_or_else(|| first.len().min(second.len()), |((index, _), _)| index)
}

fn common_suffix(first: &str, second: &str) -> usize {
    first
        .chars()
        .rev()
        .zip(second.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_bodies_are_their_own_fingerprint() {
        let fingerprint = Fingerprint::of("hi", "hi").unwrap();
        assert!(fingerprint.matches("hi"));
        assert!(!fingerprint.matches("no"));
    }

    #[test]
    fn a_changing_middle_is_left_out() {
        let fingerprint =
            Fingerprint::of(r#"{"id":1,"text":"secret"}"#, r#"{"id":2,"text":"secret"}"#).unwrap();
        assert!(fingerprint.matches(r#"{"id":977,"text":"secret"}"#));
        assert!(!fingerprint.matches(r#"{"error":"payment required"}"#));
    }

    #[test]
    fn bodies_with_nothing_in_common_have_no_fingerprint() {
        assert_eq!(Fingerprint::of("alpha", "beta!"), None);
        assert_eq!(Fingerprint::of("", ""), None);
    }

    proptest! {
        #[test]
        fn a_fingerprint_matches_both_of_its_sources(a in ".{0,40}", b in ".{0,40}") {
            if let Some(fingerprint) = Fingerprint::of(&a, &b) {
                prop_assert!(fingerprint.matches(&a) && fingerprint.matches(&b));
            }
        }
    }
}
