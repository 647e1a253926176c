//! Renderers on sample reports.

mod books_csv;
mod compare;
mod compare_schema;
mod expected;
mod github;
mod hostile;
mod html;
mod json;
mod junit;
mod kill_matrix;
mod load;
mod load_page;
mod markdown;
mod reproduce;
mod samples;
mod sarif;
mod scenarios;
mod schema;
mod terminal;
