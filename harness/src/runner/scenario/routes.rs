//! Which route of the profile a step means.

use crate::config::profile::{Route as Paid, RouteKind};
use crate::scenario::steps::Route;

/// The paid route a step means; none for a name that an `origin` step gave, and for what the profile has not.
pub(super) fn find(routes: &[Paid], route: &Route) -> Option<Paid> {
    let kind = |kind: RouteKind| routes.iter().find(|route| route.kind == kind);
    match route {
        Route::Main => routes.first(),
        Route::Other => routes.get(1),
        Route::Parameter => kind(RouteKind::Parameter),
        Route::Wildcard => kind(RouteKind::Wildcard),
        Route::WithBody => routes.iter().find(|route| route.body.is_some()),
        Route::Path(path) => {
            return routes.first().map(|main| Paid {
                path: path.clone(),
                example: None,
                kind: RouteKind::Static,
                ..main.clone()
            });
        }
        Route::Named(_) => None,
    }
    .cloned()
}
