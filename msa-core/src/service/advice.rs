//! What goes wrong without stopping the service: the last good state stays, and whoever runs it should know.

use std::future::ready;
use std::time::Duration;

use crate::config::Config;
use crate::discovery::{Chain, Discover};
use crate::health::{Kind, Registry};

/// Looking costs a lock, so the page need not be older than what it tells of.
const INTERVAL: Duration = Duration::from_secs(1);

/// Registers the advisory checks `configuration` and `discovery`.
pub(super) fn register(health: &Registry, config: Config, discovery: Chain) {
    watch(health, "configuration", move || config.last_error());
    watch(health, "discovery", move || discovery.last_error());
}

fn watch(
    health: &Registry,
    name: &'static str,
    error: impl Fn() -> Option<String> + Send + Sync + 'static,
) {
    health
        .check(Kind::Advisory, name)
        .interval(INTERVAL)
        .run(move || ready(error().map_or(Ok(()), Err)));
}
