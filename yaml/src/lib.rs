//! YAML with positions: events become a tree of spans, and a decoder which reports every problem
//! of a file at once. Knows nothing of profiles, scenarios or personalities.

mod as_json;
mod duration;
mod file;
mod map_view;
mod node;
mod problem;
mod reader;
mod suggest;
mod view;

pub use as_json::as_json;
pub use duration::{parse_duration, parse_positive_duration};
pub use file::{read_bounded, utf8};
pub use map_view::MapView;
pub use node::{Entry, Node, NodeKind, Position, Scalar, Style};
pub use problem::{Problem, ProblemList, Problems};
pub use reader::{DEPTH_MAX, FILE_BYTES_MAX, parse};
pub use suggest::{did_you_mean, nearest};
pub use view::View;
