//! Target profiles (design section 5): what is tested, how to reach, steer and watch it.

mod decode;
mod from_flags;
mod header;
mod load;
mod networks;
mod price;
mod route;
mod secret;
mod sections;
mod types;
mod url_template;

pub use from_flags::{RequestFlags, Role};
pub use header::Header;
pub(crate) use load::from_node;
pub use load::{ProfileError, load, parse};
pub use networks::{caip2, parse_network_flag};
pub use price::{PRICE_DECIMALS, Price};
pub use route::{Route, RouteKind};
pub use secret::Secret;
pub use types::{Auth, Flow, Launch, Limits, Origin, TargetKind, TargetProfile, Tls};
pub use url_template::UrlTemplate;

#[cfg(test)]
mod tests;
