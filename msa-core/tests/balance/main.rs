//! Choosing endpoints: shares, statistics, standings, for every algorithm.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

mod choice;
mod measures;
mod service;
mod shares;
mod support;
