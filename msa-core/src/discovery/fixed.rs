//! Endpoints that the configuration names.

use std::fmt::{self, Write as _};

use tokio::sync::watch;

use super::{Directory, Discover, Endpoint, EndpointError, EndpointSet};
use crate::event::Observers;

/// A source that is told its endpoints: the `endpoints` lists of the configuration, again after each reload.
///
/// ```
/// use msa_core::discovery::{Discover, FixedSource};
/// use msa_core::event::Observers;
///
/// let source = FixedSource::new(Observers::none());
/// source.update([("user-service", ["http://10.0.0.1:8081", "http://10.0.0.2:8081"])])?;
///
/// let users = source.subscribe("user-service").ok_or("unknown")?;
/// assert_eq!(users.borrow().len(), 2);
/// source.update([("user-service", ["http://10.0.0.2:8081"])])?;
/// assert_eq!(users.borrow().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct FixedSource {
    directory: Directory,
}

impl FixedSource {
    /// A source that knows nothing yet and tells its changes to these observers.
    #[must_use]
    pub fn new(observers: Observers) -> Self {
        Self {
            directory: Directory::new(observers),
        }
    }

    /// Takes over the endpoint URLs of all services; what is not in it is gone.
    ///
    /// A service with an empty list is unknown here, so that the next source of a [`Chain`](super::Chain) may know it: a
    /// configuration that leaves `endpoints` out means that somebody else is to be asked.
    ///
    /// # Errors
    ///
    /// Names every URL that is not an endpoint; nothing has changed then.
    pub fn update<N, U>(
        &self,
        services: impl IntoIterator<Item = (N, U)>,
    ) -> Result<(), EndpointsError>
    where
        N: AsRef<str>,
        U: IntoIterator<Item: AsRef<str>>,
    {
        let mut sets = Vec::new();
        let mut refused = Vec::new();
        for (name, urls) in services {
            let name = name.as_ref();
            let mut endpoints = Vec::new();
            for url in urls {
                match url.as_ref().parse::<Endpoint>() {
                    Ok(endpoint) => endpoints.push(endpoint),
                    Err(error) => refused.push((name.to_owned(), error)),
                }
            }
            if !endpoints.is_empty() {
                sets.push((name.to_owned(), endpoints.into_iter().collect()));
            }
        }
        if refused.is_empty() {
            self.directory.replace(sets);
            Ok(())
        } else {
            Err(EndpointsError { refused })
        }
    }

    /// Takes over the endpoints of one service and leaves the others; an empty set is a known service without instances.
    pub fn set(&self, service: &str, endpoints: impl IntoIterator<Item = Endpoint>) {
        self.directory.set(service, endpoints.into_iter().collect());
    }
}

impl Discover for FixedSource {
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>> {
        self.directory.subscribe(service)
    }

    /// Never: what it is told is there.
    fn last_error(&self) -> Option<String> {
        None
    }

    fn services(&self) -> Vec<String> {
        self.directory.services()
    }
}

/// Some of the configured endpoints cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct EndpointsError {
    refused: Vec<(String, EndpointError)>,
}

impl EndpointsError {
    /// Each refused URL with the service that it was given for.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &EndpointError)> {
        self.refused
            .iter()
            .map(|(service, error)| (service.as_str(), error))
    }
}

impl fmt::Display for EndpointsError {
    /// One line for each refused URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (service, error)) in self.refused.iter().enumerate() {
            if i > 0 {
                f.write_char('\n')?;
            }
            write!(f, "endpoints of {service}: {error}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_update_names_every_bad_url_and_changes_nothing() {
        let source = FixedSource::default();
        source.update([("a", ["http://a:80"])]).unwrap();
        let error = source
            .update([("a", vec!["http://a:81", "a:82"]), ("b", vec!["b"])])
            .unwrap_err();
        assert_eq!(error.refused().count(), 2);
        assert!(
            error.to_string().starts_with("endpoints of a: `a:82`"),
            "{error}"
        );
        assert!(
            error.to_string().contains("\nendpoints of b: `b`"),
            "{error}"
        );
        let a = source.subscribe("a").unwrap();
        assert_eq!(a.borrow().as_slice()[0].port(), 80);
        assert_eq!(source.services(), ["a"]);
    }

    #[test]
    fn an_empty_list_leaves_the_service_to_the_next_source_but_ends_it_for_its_followers() {
        let source = FixedSource::default();
        source.update([("a", vec![] as Vec<&str>)]).unwrap();
        assert!(source.subscribe("a").is_none());
        source.update([("a", vec!["http://a:80"])]).unwrap();
        let follower = source.subscribe("a").unwrap();
        source.update([("a", vec![] as Vec<&str>)]).unwrap();
        assert!(follower.borrow().is_empty());
    }
}
