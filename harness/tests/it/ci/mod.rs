//! What CI services are told to do, done here: workflows on the pages, the action, and what the release calls.

mod action;
mod fences;
mod files;
mod pages;
mod release;
mod runner;
