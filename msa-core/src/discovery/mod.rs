//! Who is there: the instances of the services that this one calls.
//!
//! A source implements [`Discover`] and yields whole snapshots. It keeps the last good one when it fails, and says so in
//! [`Discover::last_error`], which health reports.
//!
//! | source | knows | follows |
//! | --- | --- | --- |
//! | [`FixedSource`] | what it is told, as a rule the `endpoints` of the configuration | each reload |
//! | [`FileSource`] | one TOML or JSON file for all services | the file's content |
//! | [`Chain`] | what its sources know, the first one that does answers | its sources |
//!
//! A source of your own keeps its state in a [`Directory`], which has the followers, the names and the events, and is
//! left with finding out who is there.

mod chain;
mod directory;
mod endpoint;
mod file;
mod fixed;
mod name;
mod parse;
mod set;

pub use chain::Chain;
pub use directory::Directory;
pub use endpoint::{Endpoint, Identity, Scheme};
pub use file::FileSource;
pub use fixed::{EndpointsError, FixedSource};
pub use name::normalize;
pub use parse::EndpointError;
pub use set::EndpointSet;

use tokio::sync::watch;

use crate::clock::Instant;

/// A source of endpoints.
pub trait Discover: Send + Sync + 'static {
    /// Follows a service: the receiver holds the newest snapshot, and is told of each change.
    ///
    /// Returns `None` when this source does not know the name, so that the next one may be asked; it may know it later.
    /// A known service without instances is an empty snapshot. Names are compared by their [`normalize`]d spelling.
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>>;

    /// What is wrong with the source now, when the snapshots it serves are the last good ones.
    fn last_error(&self) -> Option<String>;

    /// When what it knows was last read and found good, changed or not; of several sources the one that was read longest ago. `None` (the
    /// default) for a source that reads nothing, or could not yet.
    fn last_read(&self) -> Option<Instant> {
        None
    }

    /// The names of the services that it knows now, for the error about an unknown one.
    fn services(&self) -> Vec<String>;
}
