//! Several sources, asked one after the other.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Discover, EndpointSet};
use crate::clock::Instant;

/// Sources in order of precedence: the first one that knows a name answers for it.
///
/// A follower stays with the source that answered when it subscribed. So a name that a source no longer knows becomes
/// an empty set for who follows it, and does not silently move to a source with another idea of what the name means.
///
/// ```
/// use std::sync::Arc;
/// use msa_core::discovery::{Chain, Discover, FixedSource};
/// use msa_core::event::Observers;
///
/// let near = FixedSource::new(Observers::none());
/// near.update([("users", ["http://10.0.0.1:8081"])])?;
/// let far = FixedSource::new(Observers::none());
/// far.update([("users", ["http://10.9.0.1:8081"]), ("stock", ["http://10.9.0.2:8081"])])?;
///
/// let chain = Chain::new([Arc::new(near) as Arc<dyn Discover>, Arc::new(far)]);
/// let users = chain.subscribe("users").ok_or("unknown")?;
/// assert_eq!(users.borrow().as_slice()[0].authority(), "10.0.0.1:8081");
/// assert_eq!(chain.services(), ["stock", "users"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Chain(Vec<Arc<dyn Discover>>);

impl Chain {
    /// A chain of these sources, the one to ask first in front.
    pub fn new(sources: impl IntoIterator<Item = Arc<dyn Discover>>) -> Self {
        Self(sources.into_iter().collect())
    }
}

impl Discover for Chain {
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>> {
        self.0.iter().find_map(|source| source.subscribe(service))
    }

    /// What is wrong with any of them, separated by `; `.
    fn last_error(&self) -> Option<String> {
        let errors: Vec<String> = self.0.iter().filter_map(|s| s.last_error()).collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }

    fn last_read(&self) -> Option<Instant> {
        self.0.iter().filter_map(|source| source.last_read()).min()
    }

    fn services(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.0.iter().flat_map(|s| s.services()).collect();
        names.into_iter().collect()
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("sources", &self.0.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(Option<&'static str>);

    impl Discover for Broken {
        fn subscribe(&self, _: &str) -> Option<watch::Receiver<EndpointSet>> {
            None
        }
        fn last_error(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }
        fn services(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn chain(errors: &[Option<&'static str>]) -> Chain {
        Chain::new(
            errors
                .iter()
                .map(|e| Arc::new(Broken(*e)) as Arc<dyn Discover>),
        )
    }

    #[test]
    fn every_failing_source_is_heard() {
        let failing = chain(&[Some("file gone"), None, Some("no route")]);
        assert_eq!(failing.last_error().unwrap(), "file gone; no route");
        assert_eq!(chain(&[None]).last_error(), None);
        assert!(failing.subscribe("users").is_none());
    }
}
