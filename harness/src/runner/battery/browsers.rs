//! Unpaid requests of browsers, and of a client that accepts anything.

use futures_util::FutureExt as _;

use super::{Battery, Section};
use crate::http::Request;
use crate::runner::session::SendError;

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";
const PAGES: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// What a common HTTP library of JavaScript sends where nothing else is said.
const ANYTHING: &str = "application/json, text/plain, */*";

pub(super) const SECTION: Section = Section {
    requests: |_| 2,
    run: |battery| browsers(battery).boxed(),
};

async fn browsers(battery: &Battery<'_>) -> Result<(), SendError> {
    battery
        .ask("http/browser", &|request| {
            set(request, "Accept", PAGES);
            set(request, "User-Agent", BROWSER);
        })
        .await?;
    battery
        .ask("http/accept-any", &|request| {
            set(request, "Accept", ANYTHING);
        })
        .await
}

/// A header in the place of the profile's own.
fn set(request: &mut Request, name: &str, value: &str) {
    let same = |(given, _): &(String, String)| given.eq_ignore_ascii_case(name);
    request.headers.retain(|header| !same(header));
    request.headers.push((name.to_owned(), value.to_owned()));
}
