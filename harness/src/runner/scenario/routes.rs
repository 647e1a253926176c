//! Which route of the profile a step means.

use alloy_primitives::U256;

use crate::config::profile::{PRICE_DECIMALS, Route as Paid, RouteKind};
use crate::scenario::steps::Route;

/// The first route whose `price` is above that of the first one, both in one unit.
fn dearer(routes: &[Paid]) -> Option<&Paid> {
    let units = |route: &Paid| {
        let units = route.price.as_ref()?.base_units(PRICE_DECIMALS)?;
        U256::from_str_radix(&units, 10).ok()
    };
    let (main, others) = routes.split_first()?;
    let main = units(main)?;
    others
        .iter()
        .find(|route| units(route).is_some_and(|price| price > main))
}

/// The paid route a step means; none for a name that an `origin` step gave, for `upto`, which offers
/// tell, and for what the profile has not.
pub(super) fn find(routes: &[Paid], route: &Route) -> Option<Paid> {
    let kind = |kind: RouteKind| routes.iter().find(|route| route.kind == kind);
    match route {
        Route::Main => routes.first(),
        Route::Other => routes.get(1),
        Route::Dearer => dearer(routes),
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
        Route::Named(_) | Route::Upto => None,
    }
    .cloned()
}
