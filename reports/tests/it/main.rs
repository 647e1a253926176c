//! Renderers on sample reports.

mod books_csv;
mod expected;
mod hostile;
mod html;
mod json;
mod junit;
mod load;
mod markdown;
mod samples;
mod sarif;
mod scenarios;
mod schema;
mod terminal;
