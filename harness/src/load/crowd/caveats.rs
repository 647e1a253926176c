//! What the figures of virtual users cannot show.

use super::run::Crowd;
use crate::load::text;
use crate::load::users::{Journey, Users};

/// One sentence each.
pub(in crate::load) fn caveats(users: &Users, crowd: &Crowd) -> Vec<String> {
    let (least, most) = users.think;
    let think = match (least.is_zero() && most.is_zero(), least == most) {
        (true, _) => "without a pause".to_owned(),
        (_, true) => format!("thinking {}", text::duration(most)),
        _ => format!(
            "thinking {} to {}",
            text::duration(least),
            text::duration(most)
        ),
    };
    let mut caveats = vec![format!(
        "{} virtual users on goose, {think} between journeys: it costs about twice the CPU of the bench's own engine for a request, so no limit of the target is shown; times are of payments only",
        users.count
    )];
    if users.journeys.percent(Journey::Retry) > 0.0 {
        caveats.push(match crowd.repeated {
            0 => "no payment of a `retry` journey failed, so none was sent again".to_owned(),
            1 => "1 payment was sent again by a `retry` journey".to_owned(),
            many => format!("{many} payments were sent again by `retry` journeys"),
        });
    }
    caveats.extend(crowd.trouble.as_ref().map(|trouble| {
        format!("not everything is known: {trouble}; what was recorded until then is counted")
    }));
    caveats
}
