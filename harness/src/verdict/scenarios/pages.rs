//! What answers carry besides the paid body: a header and its list, and what a client wrote.

use x402_assay_reports::model::Verdict;

use super::expectation::Miss;
use super::scene::Scene;
use crate::history::Exchange;
use crate::scenario::expect::{NotReflected, ResponseHeader};

/// Longest part of a header's value that a finding quotes, in characters.
const QUOTED_MAX: usize = 120;

pub(super) fn response_header(scene: &Scene<'_, '_>, wanted: &ResponseHeader) -> Vec<Miss> {
    let what = "response_headers";
    let mut answered = answered(scene, wanted.of.as_deref()).peekable();
    if answered.peek().is_none() {
        return vec![Miss::unseen(what, "nothing was answered")];
    }
    let missed = answered.filter_map(|exchange| {
        let why = missed(wanted, &exchange.header_values(&wanted.name))?;
        let request = &exchange.sent.method;
        let status = exchange.status().unwrap_or_default();
        let text = format!("{request} answered {status}: {why}");
        Some(Miss::new(what, text, scene.evidence(&[exchange])))
    });
    missed.collect()
}

/// What of the header is not as it should be.
fn missed(wanted: &ResponseHeader, values: &[&str]) -> Option<String> {
    let name = &wanted.name;
    let must_be = wanted.present.unwrap_or(!wanted.lists.is_empty());
    if values.is_empty() {
        return must_be.then(|| format!("there is no {name}"));
    }
    if wanted.present == Some(false) {
        return Some(format!("{name} is there"));
    }
    let listed = |item: &str| {
        let item = item.trim();
        let same = |known: &String| known.eq_ignore_ascii_case(item);
        item == "*" || wanted.lists.iter().any(same)
    };
    let mut items = values.iter().flat_map(|value| value.split(','));
    if wanted.lists.is_empty() || items.any(listed) {
        return None;
    }
    let value: String = values.join(", ").chars().take(QUOTED_MAX).collect();
    let lists = wanted.lists.join(" or ");
    Some(format!("{name} is `{value}` and does not list {lists}"))
}

pub(super) fn not_reflected(scene: &Scene<'_, '_>, wanted: &NotReflected) -> Vec<Miss> {
    let what = "not_reflected";
    let mut pages = answered(scene, wanted.of.as_deref())
        .filter(|exchange| is_html(exchange))
        .peekable();
    if pages.peek().is_none() {
        let text = "no answer was an HTML page, so nothing can be markup in one";
        return vec![Miss {
            verdict: Some(Verdict::Info),
            ..Miss::new(what, text.to_owned(), Vec::new())
        }];
    }
    let reflects = pages.filter(|exchange| {
        exchange
            .body_text()
            .is_some_and(|body| body.contains(&wanted.text))
    });
    let miss = |exchange: &Exchange<'_>| {
        let status = exchange.status().unwrap_or_default();
        let text = format!("the HTML of HTTP {status} holds what the request said, unescaped");
        Miss::new(what, text, scene.evidence(&[exchange]))
    };
    reflects.map(miss).collect()
}

fn answered<'s, 'f, 'h>(
    scene: &'s Scene<'f, 'h>,
    of: Option<&str>,
) -> impl Iterator<Item = &'f Exchange<'h>> + use<'s, 'f, 'h> {
    let all = scene.responses(of).into_iter();
    all.filter(|exchange| exchange.answer().is_some())
}

/// What a browser shows as a page: said to be HTML, or of no type and beginning like it.
fn is_html(exchange: &Exchange<'_>) -> bool {
    let Some(typed) = exchange.header("content-type") else {
        let body = exchange.body_text().unwrap_or_default();
        return body.trim_start().starts_with('<');
    };
    let typed = typed.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| typed.eq_ignore_ascii_case(html))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(present: Option<bool>, lists: &[&str]) -> ResponseHeader {
        ResponseHeader {
            of: None,
            name: "X-List".to_owned(),
            present,
            lists: lists.iter().map(|item| (*item).to_owned()).collect(),
        }
    }

    #[test]
    fn one_listed_word_or_a_star_is_enough() {
        let lists = wanted(None, &["payment-response", "x-payment-response"]);
        for good in [
            &["Payment-Response"][..],
            &["*"],
            &["a, X-PAYMENT-RESPONSE"],
            &["a", "b,payment-response"],
        ] {
            assert_eq!(missed(&lists, good), None, "{good:?}");
        }
        let none = missed(&lists, &[]).unwrap();
        assert_eq!(none, "there is no X-List");
        let other = missed(&lists, &["payment, response"]).unwrap();
        assert!(other.contains("`payment, response` and does not list payment-response or"));
    }

    #[test]
    fn a_header_may_have_to_be_there_or_not() {
        assert_eq!(missed(&wanted(Some(true), &[]), &["x"]), None);
        assert_eq!(missed(&wanted(Some(false), &[]), &[]), None);
        let here = missed(&wanted(Some(false), &[]), &["x"]).unwrap();
        assert_eq!(here, "X-List is there");
        assert!(missed(&wanted(Some(true), &[]), &[]).is_some());
    }
}
