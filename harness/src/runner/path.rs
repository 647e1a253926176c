//! A protected path, written so that a gate and a router may read it differently.

use url::Url;

use crate::config::profile::{Route, RouteKind};
use crate::scenario::PathForm;

/// Stands in the place of a declared segment; no server declares it.
const UNDECLARED: &str = "assay-undeclared";

/// The request target for a route in this form; none when its path has nothing to be written otherwise.
pub(super) fn target(route: &Route, url: &Url, form: PathForm) -> Option<String> {
    let written = Parts::of(route, url).written(url, form)?;
    let query = match (form, url.query()) {
        (PathForm::Query, Some(query)) => format!("?{query}&x=1"),
        (PathForm::Query, None) => "?x=1".to_owned(),
        (PathForm::Fragment, query) => {
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            format!("{query}#x")
        }
        (_, query) => query.map_or_else(String::new, |query| format!("?{query}")),
    };
    Some(format!("{written}{query}"))
}

/// The request target with this text at the end of its path, in the wildcard's tail.
pub(super) fn with_tail(route: &Route, url: &Url, text: &str) -> String {
    let written = Parts::of(route, url).inside(text);
    match url.query() {
        Some(query) => format!("{written}?{query}"),
        None => written,
    }
}

/// The same route under a name that the profile does not declare: what it gives in the same form is given to anybody.
/// None when every such path is declared.
pub(super) fn sibling(routes: &[Route], route: &Route) -> Option<Route> {
    let fixed: Vec<usize> = segments(&route.path)
        .enumerate()
        .filter(|(_, part)| !part.is_empty() && !is_open(part))
        .map(|(index, _)| index)
        .collect();
    // The last one first: an app mounted below the first one may serve everything there.
    let places = [fixed.last().copied(), fixed.first().copied()];
    places.into_iter().flatten().find_map(|place| {
        let sibling = Route {
            path: replaced(&route.path, place),
            example: Some(replaced(route.request_path(), place)),
            ..route.clone()
        };
        let declared = |known: &Route| known.matches(sibling.request_path());
        (!routes.iter().any(declared)).then_some(sibling)
    })
}

fn replaced(path: &str, place: usize) -> String {
    let renamed = segments(path).enumerate().map(|(index, part)| match index {
        index if index == place => UNDECLARED,
        _ => part,
    });
    renamed.collect::<Vec<_>>().join("/")
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('?').next().unwrap_or_default().split('/')
}

fn is_open(part: &str) -> bool {
    part.starts_with(':') || part.contains(['{', '*'])
}

/// A path with what is known of its segments.
struct Parts {
    segments: Vec<String>,
    /// The last segment that the pattern names.
    fixed: Option<usize>,
    /// The last path parameter.
    parameter: Option<usize>,
    kind: RouteKind,
}

impl Parts {
    fn of(route: &Route, url: &Url) -> Self {
        let all: Vec<String> = segments(url.path()).map(str::to_owned).collect();
        // The target's URL may put a path in front of every route.
        let before = all
            .len()
            .saturating_sub(segments(route.request_path()).count());
        let last = |open: bool| {
            let found = segments(&route.path)
                .enumerate()
                .filter(|(_, part)| !part.is_empty() && is_open(part) == open)
                .map(|(index, _)| index + before);
            found.last().filter(|index| *index < all.len())
        };
        Self {
            fixed: last(false),
            parameter: last(true).filter(|_| route.kind == RouteKind::Parameter),
            kind: route.kind,
            segments: all,
        }
    }

    fn written(&self, url: &Url, form: PathForm) -> Option<String> {
        let path = self.segments.join("/");
        Some(match form {
            PathForm::EncodedLetter => {
                let place = self.fixed?;
                let segment = &self.segments[place];
                let letter = segment.find(|c: char| c.is_ascii_alphabetic())?;
                let byte = segment.as_bytes()[letter];
                let (head, tail) = (&segment[..letter], &segment[letter + 1..]);
                self.with(place, &format!("{head}%{byte:02X}{tail}"))
            }
            PathForm::EncodedSlash => self.slash("%2F"),
            PathForm::DoubleEncodedSlash => self.slash("%252F"),
            PathForm::Backslash => self.inside("\\"),
            PathForm::EncodedBackslash => self.inside("%5C"),
            PathForm::BadEscape => self.added("%zz"),
            // In the middle: `$` of some regular expressions matches before a last line end.
            PathForm::EncodedNewline => self.added("%0Ax"),
            PathForm::EncodedLineSeparator => self.added("%E2%80%A8x"),
            PathForm::DoubleSlash => format!("/{path}"),
            PathForm::TrailingSlash => (!path.ends_with('/')).then(|| format!("{path}/"))?,
            PathForm::UpperCase => {
                Some(path.to_ascii_uppercase()).filter(|upper| *upper != path)?
            }
            PathForm::DotSegments => format!("/x/..{path}"),
            PathForm::AbsoluteForm => {
                let port = url.port().map(|port| format!(":{port}"));
                let host = url.host_str().unwrap_or_default();
                format!(
                    "{}://{host}{}{path}",
                    url.scheme(),
                    port.unwrap_or_default()
                )
            }
            PathForm::PathParameter => format!("{path};x=1"),
            PathForm::EncodedDots => format!("/x/%2e%2e{path}"),
            // The path as it is: what comes behind it is added to the whole target.
            PathForm::Query | PathForm::Fragment => path,
        })
    }

    fn with(&self, place: usize, segment: &str) -> String {
        let mut segments = self.segments.clone();
        segment.clone_into(&mut segments[place]);
        segments.join("/")
    }

    /// Text at the end of the parameter, or of the path.
    fn inside(&self, text: &str) -> String {
        match self.parameter {
            Some(place) => self.with(place, &format!("{}{text}", self.segments[place])),
            None => format!("{}{text}", self.segments.join("/")),
        }
    }

    /// Text at the end of the parameter, else in one more segment.
    fn added(&self, text: &str) -> String {
        match self.parameter {
            Some(_) => self.inside(text),
            None => format!("{}/x{text}", self.segments.join("/")),
        }
    }

    /// A slash that is none yet: in the parameter, in the wildcard's tail, else the path's last one.
    fn slash(&self, text: &str) -> String {
        if self.kind != RouteKind::Static {
            return self.inside(&format!("{text}x"));
        }
        match self.segments.split_last() {
            Some((last, before)) if before.len() > 1 => format!("{}{text}{last}", before.join("/")),
            _ => self.inside(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, example: Option<&str>, kind: RouteKind) -> Route {
        Route {
            path: path.to_owned(),
            example: example.map(str::to_owned),
            kind,
            method: http::Method::GET,
            headers: Vec::new(),
            body: None,
            price: None,
        }
    }

    fn all(route: &Route, base: &str) -> Vec<String> {
        let url = Url::parse(&format!("http://h:1{base}{}", route.request_path())).unwrap();
        let written = |(_, form): &(&str, PathForm)| target(route, &url, *form).unwrap_or_default();
        PathForm::ALL.iter().map(written).collect()
    }

    #[test]
    fn a_literal_path_in_every_form() {
        let paid = route("/paid", None, RouteKind::Static);
        assert_eq!(
            all(&paid, ""),
            [
                "/%70aid",
                "/paid%2F",
                "/paid%252F",
                "/paid\\",
                "/paid%5C",
                "/paid/x%zz",
                "/paid/x%0Ax",
                "/paid/x%E2%80%A8x",
                "//paid",
                "/paid/",
                "/PAID",
                "/x/../paid",
                "http://h:1/paid",
                "/paid;x=1",
                "/x/%2e%2e/paid",
                "/paid?x=1",
                "/paid#x",
            ]
        );
        let below = all(&paid, "/api");
        assert_eq!(below[..2], ["/api/%70aid", "/api%2Fpaid"]);
    }

    #[test]
    fn parameters_and_tails_are_written_inside() {
        let item = route(
            "/items/{id}/buy",
            Some("/items/7/buy"),
            RouteKind::Parameter,
        );
        let forms = all(&item, "/v1");
        assert_eq!(
            forms[..6],
            [
                "/v1/items/7/%62uy",
                "/v1/items/7%2Fx/buy",
                "/v1/items/7%252Fx/buy",
                "/v1/items/7\\/buy",
                "/v1/items/7%5C/buy",
                "/v1/items/7%zz/buy",
            ]
        );
        let file = route("/files/*", Some("/files/a/b.txt"), RouteKind::Wildcard);
        let forms = all(&file, "");
        assert_eq!(
            forms[..6],
            [
                "/%66iles/a/b.txt",
                "/files/a/b.txt%2Fx",
                "/files/a/b.txt%252Fx",
                "/files/a/b.txt\\",
                "/files/a/b.txt%5C",
                "/files/a/b.txt/x%zz",
            ]
        );
    }

    #[test]
    fn what_cannot_be_written_otherwise_is_told_and_queries_stay() {
        let number = route("/7?a=b", None, RouteKind::Static);
        let url = Url::parse("http://h/7?a=b").unwrap();
        assert_eq!(target(&number, &url, PathForm::EncodedLetter), None);
        assert_eq!(target(&number, &url, PathForm::UpperCase), None);
        let slash = target(&number, &url, PathForm::TrailingSlash);
        assert_eq!(slash.as_deref(), Some("/7/?a=b"));
        let query = target(&number, &url, PathForm::Query);
        assert_eq!(query.as_deref(), Some("/7?a=b&x=1"));
        let fragment = target(&number, &url, PathForm::Fragment);
        assert_eq!(fragment.as_deref(), Some("/7?a=b#x"));
        let root = route("/", None, RouteKind::Static);
        let url = Url::parse("http://h/").unwrap();
        assert_eq!(target(&root, &url, PathForm::TrailingSlash), None);
    }

    #[test]
    fn a_sibling_is_declared_nowhere() {
        let paid = route("/api/paid", None, RouteKind::Static);
        let item = route("/api/{id}", Some("/api/7"), RouteKind::Parameter);
        let whole = route("/*", Some("/a"), RouteKind::Wildcard);
        let path = |routes: &[Route], of: &Route| {
            sibling(routes, of).map(|route| route.request_path().to_owned())
        };
        let alone = path(std::slice::from_ref(&paid), &paid);
        assert_eq!(alone.as_deref(), Some("/api/assay-undeclared"));
        let beside = path(&[paid.clone(), item.clone()], &paid);
        assert_eq!(beside.as_deref(), Some("/assay-undeclared/paid"));
        let of_item = path(std::slice::from_ref(&item), &item);
        assert_eq!(of_item.as_deref(), Some("/assay-undeclared/7"));
        assert_eq!(path(&[paid.clone(), whole.clone()], &paid), None);
        assert_eq!(path(std::slice::from_ref(&whole), &whole), None);
    }
}
