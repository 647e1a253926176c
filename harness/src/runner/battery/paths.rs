//! Paid paths written in other ways, without a payment, each with its control (decision 15).

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use x402_assay_protocol::Version;

use super::{Battery, Section};
use crate::config::profile::{Route, RouteKind};
use crate::history::case_ran::SIBLING;
use crate::http::Exchange;
use crate::runner::path;
use crate::runner::session::SendError;
use crate::scenario::PathForm;

/// Requests under way at once: none of them can confuse the target about another.
const WIDTH: usize = 8;
/// Groups of probes, by the kind of route they are about.
const GROUPS: [(&str, RouteKind); 3] = [
    ("path", RouteKind::Static),
    ("path/parameter", RouteKind::Parameter),
    ("path/wildcard", RouteKind::Wildcard),
];

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V2 => GROUPS.len() * PathForm::ALL.len(),
        Version::V1 => 0,
    },
    run: |battery| paths(battery).boxed(),
};

async fn paths(battery: &Battery<'_>) -> Result<(), SendError> {
    if !battery.leads {
        return Ok(());
    }
    let routes = &battery.session.profile.routes;
    for (group, kind) in GROUPS {
        let own = Some(battery.route).filter(|route| route.kind == kind);
        let Some(route) = own.or_else(|| routes.iter().find(|route| route.kind == kind)) else {
            continue;
        };
        let mut sending = Vec::new();
        for (word, form) in PathForm::ALL {
            let probe = battery.probe(&format!("{group}/{word}"));
            sending.push(async move { battery.written(&probe, route, *form).await });
        }
        stream::iter(sending)
            .buffer_unordered(WIDTH)
            .try_collect::<Vec<()>>()
            .await?;
    }
    Ok(())
}

impl Battery<'_> {
    /// Asks for a route in this form, and for an undeclared path too where that was answered well.
    async fn written(&self, probe: &str, route: &Route, form: PathForm) -> Result<(), SendError> {
        let Some(exchange) = self.raw(probe, route, form).await? else {
            let path = route.request_path();
            let text = format!("{path} cannot be written as {}", form.word());
            self.session.note(Some(probe), text);
            return Ok(());
        };
        let given = exchange
            .response()
            .is_some_and(|answer| answer.is_success());
        let sibling = path::sibling(&self.session.profile.routes, route);
        if let Some(sibling) = sibling.filter(|_| given) {
            self.raw(&format!("{probe}/{SIBLING}"), &sibling, form)
                .await?;
        }
        Ok(())
    }

    async fn raw(
        &self,
        probe: &str,
        route: &Route,
        form: PathForm,
    ) -> Result<Option<Exchange>, SendError> {
        let session = self.session;
        let Some(target) = path::target(route, &session.url(route.request_path()), form) else {
            return Ok(None);
        };
        let exchange = session
            .send_as(probe, route, None, &|request| {
                request.target = Some(target.clone());
            })
            .await?;
        Ok(Some(exchange))
    }
}
