//! Who is there: the instances of the services that this one calls.
//!
//! A source implements [`Discover`] and yields whole snapshots. It keeps the last good one when it fails.

mod endpoint;

pub use endpoint::{Endpoint, EndpointError, EndpointSet, Scheme};

use tokio::sync::watch;

/// A source of endpoints.
pub trait Discover: Send + Sync + 'static {
    /// Follows a service: the receiver holds the newest snapshot, and is told of each change.
    ///
    /// Returns `None` when this source does not know the name, so that the next one may be asked.
    /// A known service without instances is an empty snapshot.
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>>;

    /// What is wrong with the source now, when the snapshots it serves are the last good ones.
    fn last_error(&self) -> Option<String>;

    /// The names of the services that it knows now, for the error about an unknown one.
    fn services(&self) -> Vec<String>;
}
