//! Services in memory.

mod answer;
mod instance;
mod serve;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::client::transport::{Failure, SendFuture, SendOptions, Transport, TransportError};
use crate::client::{CallError, ServiceClient, ServiceClientBuilder};
use crate::discovery::{Directory, Discover, Endpoint, EndpointSet, normalize};

pub use instance::{Instance, Upstream};
pub(super) use serve::AbortOnDrop;

/// Services in memory, each with one instance or more: a [`Discover`] that finds them by name, and a [`Transport`] that
/// calls them without a socket. Cheap to clone; clones are the same network.
///
/// An instance answers in a task of its own, as behind a socket: it sees nothing of its caller's task-locals, its
/// panics break the connection and nothing else, and dropping the call or the response's body drops the handler's future or
/// body. Bodies stream, a frame at a time. Nothing here takes time or chance, so with a paused clock each run is the same.
///
/// ```
/// use axum::{Router, routing::get};
/// use msa_core::testing::Network;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = || Router::new().route("/users/{id}", get(|| async { "Ada" }));
/// let network = Network::new().service("user-service", users());
/// let client = network.client()?;
/// assert_eq!(client.get("http://user-service/users/7").send().await?.text().await?, "Ada");
///
/// // A second instance that is dead: a refused connection is tried elsewhere.
/// let second = network.instance("user-service", users());
/// assert_eq!(second.endpoint().authority(), "user-service-2.test:80");
/// second.kill();
/// for _ in 0..4 {
///     assert_eq!(client.get("http://user-service/users/7").send().await?.status(), 200);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    directory: Directory,
    instances: Mutex<Instances>,
}

#[derive(Default)]
struct Instances {
    /// By authority.
    all: BTreeMap<String, Instance>,
    /// By service, in the order in which they joined.
    listed: BTreeMap<String, Vec<Endpoint>>,
    made: BTreeMap<String, usize>,
}

impl Network {
    /// A network without services.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an instance of a service and returns the network, to be written in a chain.
    #[must_use]
    pub fn service(self, name: &str, upstream: impl Into<Upstream>) -> Self {
        self.instance(name, upstream);
        self
    }

    /// Adds an instance of a service, an axum router or a [`Script`](super::Script). The n-th is called
    /// `http://<service>-<n>.test:80`.
    pub fn instance(&self, service: &str, upstream: impl Into<Upstream>) -> Instance {
        let name = normalize(service).into_owned();
        let number = {
            let mut instances = self.lock();
            let made = instances.made.entry(name.clone()).or_default();
            *made += 1;
            *made
        };
        let host = url::Host::Domain(format!("{name}-{number}.test"));
        let endpoint = Endpoint::new(crate::discovery::Scheme::Http, host, 80);
        self.instance_at(service, endpoint, upstream)
    }

    /// Adds an instance of a service at this endpoint, with its own name, weight, zone and labels. One that has the same
    /// `host:port` already is replaced.
    pub fn instance_at(
        &self,
        service: &str,
        endpoint: Endpoint,
        upstream: impl Into<Upstream>,
    ) -> Instance {
        let instance = Instance::new(
            Arc::downgrade(&self.0),
            normalize(service).into_owned(),
            endpoint,
            upstream.into(),
        );
        let authority = instance.endpoint().authority().to_owned();
        self.lock().all.insert(authority, instance.clone());
        instance.join();
        instance
    }

    /// A client of these services, with the default settings.
    ///
    /// # Errors
    ///
    /// As of [`ServiceClientBuilder::build`].
    pub fn client(&self) -> Result<ServiceClient, CallError> {
        self.client_builder().build()
    }

    /// A builder of clients of these services, for settings and observers of your own. Its seed is 0, so that each run
    /// picks the same.
    pub fn client_builder(&self) -> ServiceClientBuilder {
        ServiceClient::builder()
            .discovery(Arc::new(self.clone()))
            .transport(Arc::new(self.clone()))
            .seed(0)
    }

    fn lock(&self) -> MutexGuard<'_, Instances> {
        self.0.lock()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Instances> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes which endpoints of a service discovery lists.
    fn list(&self, service: &str, change: impl FnOnce(&mut Vec<Endpoint>)) {
        let set: EndpointSet = {
            let mut instances = self.lock();
            let listed = instances.listed.entry(service.to_owned()).or_default();
            change(listed);
            listed.iter().cloned().collect()
        };
        self.directory.set(service, set);
    }
}

impl Discover for Network {
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>> {
        self.0.directory.subscribe(service)
    }

    fn last_error(&self) -> Option<String> {
        None
    }

    fn services(&self) -> Vec<String> {
        self.0.directory.services()
    }
}

impl Transport for Network {
    fn send<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        request: reqwest::Request,
        options: &'a SendOptions<'a>,
    ) -> SendFuture<'a> {
        let instance = self.lock().all.get(endpoint.authority()).cloned();
        Box::pin(async move {
            match instance {
                Some(instance) => {
                    let connect_timeout = options.connection.connect_timeout;
                    instance.call(request, connect_timeout).await
                }
                None => {
                    let reason = format!("the test's network has no instance at {endpoint}");
                    Err(TransportError::because(Failure::Dns, reason))
                }
            }
        })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(&self.0.directory).finish()
    }
}

#[cfg(test)]
mod tests;
