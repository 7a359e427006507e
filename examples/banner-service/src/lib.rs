//! Keeps the banner schedule: which banner stands in which slot of which platform, and when.
//!
//! A template: copy the folder, rename it, and replace banners by your own things. `main.rs` is the whole start,
//! [`settings`] what can be configured, [`model`] what the service is about, [`api`] how it is asked and [`store`] where
//! it is kept.

#![cfg_attr(test, allow(clippy::unwrap_used))] // a test fails by panicking

pub mod api;
pub mod model;
pub mod seed;
pub mod settings;
pub mod store;
mod time;
