//! Requests that carry what must not come back, or must not go further: markup, another host, a user's token.

use futures_util::FutureExt as _;
use http::Method;

use super::{Battery, Section};
use crate::config::profile::{Header, Route, RouteKind};
use crate::history::canary;
use crate::runner::session::SendError;

/// What a browser sends.
const BROWSER: &[(&str, &str)] = &[
    ("accept", "text/html,application/xhtml+xml"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36",
    ),
];

pub(super) const SECTION: Section = Section {
    requests: |_| 6,
    run: |battery| privacy(battery).boxed(),
};

async fn privacy(battery: &Battery<'_>) -> Result<(), SendError> {
    let session = battery.session;
    let with_token = with_query(battery.route, canary::QUERY);
    let buyer = Battery {
        session,
        route: &with_token,
        ..*battery
    };
    buyer.buy("privacy/query").await?;
    let spoofed = with_headers(battery.route.clone(), &[("host", canary::SPOOFED_HOST)]);
    session
        .send(&battery.probe("privacy/host"), &spoofed, None)
        .await?;
    let hostile = with_query(battery.route, canary::MARKUP_QUERY);
    session
        .send(
            &battery.probe("privacy/markup-query"),
            &with_headers(hostile, BROWSER),
            None,
        )
        .await?;
    let routes = &session.profile.routes;
    let wild = routes
        .iter()
        .find_map(|route| Some((with_segment(route, canary::PATH_SIBLING_SEGMENT)?, route)));
    if let Some((sibling, route)) = wild
        && let Some(hostile) = with_segment(route, canary::PATH_MARKUP_SEGMENT)
    {
        for (name, route) in [
            ("privacy/sibling-path", sibling),
            ("privacy/markup-path", hostile),
        ] {
            let probe = battery.probe(name);
            session
                .send(&probe, &with_headers(route, BROWSER), None)
                .await?;
        }
    }
    Ok(())
}

/// The route with more in its query.
fn with_query(route: &Route, query: &str) -> Route {
    let path = route.request_path();
    let joint = if path.contains('?') { '&' } else { '?' };
    Route {
        example: Some(format!("{path}{joint}{query}")),
        ..route.clone()
    }
}

/// A route that takes any last segment, with this one; `None` for every other route.
fn with_segment(route: &Route, segment: &str) -> Option<Route> {
    if route.kind == RouteKind::Static || route.method != Method::GET {
        return None;
    }
    let path = route.request_path().split('?').next()?;
    let (before, _) = path.rsplit_once('/')?;
    let path = format!("{before}/{segment}");
    route.matches(&path).then(|| Route {
        example: Some(path),
        ..route.clone()
    })
}

/// The route asked with these headers in place of its own.
fn with_headers(mut route: Route, headers: &[(&str, &str)]) -> Route {
    for (name, value) in headers {
        if let Ok(header) = Header::new(name, value) {
            route.headers.retain(|other| other.name != header.name);
            route.headers.push(header);
        }
    }
    route
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, example: Option<&str>, kind: RouteKind) -> Route {
        Route {
            path: path.to_owned(),
            example: example.map(str::to_owned),
            kind,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            price: None,
        }
    }

    #[test]
    fn a_query_is_added_to_what_there_is() {
        let plain = route("/paid", None, RouteKind::Static);
        assert_eq!(with_query(&plain, "a=1").request_path(), "/paid?a=1");
        let asked = route("/paid?q=2", None, RouteKind::Static);
        assert_eq!(with_query(&asked, "a=1").request_path(), "/paid?q=2&a=1");
    }

    #[test]
    fn only_open_last_segments_are_exchanged() {
        let item = route("/items/{id}", Some("/items/7?x=1"), RouteKind::Parameter);
        let other = with_segment(&item, "%3Cb").unwrap();
        assert_eq!(other.request_path(), "/items/%3Cb");
        let inner = route(
            "/items/{id}/buy",
            Some("/items/7/buy"),
            RouteKind::Parameter,
        );
        assert!(with_segment(&inner, "x").is_none());
        assert!(with_segment(&route("/paid", None, RouteKind::Static), "x").is_none());
        let posted = Route {
            method: Method::POST,
            ..item
        };
        assert!(with_segment(&posted, "x").is_none());
    }

    #[test]
    fn headers_replace_those_of_the_route() {
        let mut own = route("/paid", None, RouteKind::Static);
        own.headers
            .push(Header::new("Accept", "application/json").unwrap());
        let changed = with_headers(own, BROWSER);
        assert_eq!(changed.headers.len(), 2);
        assert!(changed.headers[0].value.expose().starts_with("text/html"));
    }
}
