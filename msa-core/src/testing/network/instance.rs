//! One instance of a service in memory.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use tokio::sync::watch;

use super::{Inner, serve};
use crate::client::transport::{Failure, TransportError};
use crate::discovery::Endpoint;
use crate::testing::Script;

/// What answers at an instance: an axum router, or a [`Script`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Upstream {
    /// Calls the router.
    Router(Router),
    /// Takes the script's next step.
    Script(Script),
}

impl From<Router> for Upstream {
    fn from(router: Router) -> Self {
        Self::Router(router)
    }
}

impl From<Script> for Upstream {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

/// One instance of a service of a [`Network`](super::Network): to be killed, cut off, healed, and taken out of discovery.
///
/// What befalls an instance and what discovery knows of it are two things, as in life: a killed instance stays listed
/// until it [leaves](Instance::leave). Cheap to clone; clones are the same instance.
#[derive(Clone)]
pub struct Instance(Arc<State>);

struct State {
    network: Weak<Inner>,
    service: String,
    endpoint: Endpoint,
    upstream: Upstream,
    link: watch::Sender<Link>,
}

/// Whether the instance can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) reach: Reach,
    /// Raised by each kill: requests of an earlier epoch are over, even if the instance is back already.
    pub(super) epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Up,
    Dead,
    CutOff,
}

impl Instance {
    pub(super) fn new(
        network: Weak<Inner>,
        service: String,
        endpoint: Endpoint,
        upstream: Upstream,
    ) -> Self {
        let link = Link {
            reach: Reach::Up,
            epoch: 0,
        };
        Self(Arc::new(State {
            network,
            service,
            endpoint,
            upstream,
            link: watch::Sender::new(link),
        }))
    }

    /// Its endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Ends it as SIGKILL would: what is in flight breaks, and connections are refused from now on.
    pub fn kill(&self) {
        self.0.link.send_modify(|link| {
            link.reach = Reach::Dead;
            link.epoch += 1;
        });
    }

    /// Cuts it off as a broken network would: connections time out, and what is in flight neither breaks nor moves.
    pub fn partition(&self) {
        self.0.link.send_modify(|link| link.reach = Reach::CutOff);
    }

    /// Starts it again, or ends the partition.
    pub fn heal(&self) {
        self.0.link.send_modify(|link| link.reach = Reach::Up);
    }

    /// Takes it out of discovery. It still answers whoever calls.
    pub fn leave(&self) {
        self.list(|listed, me| listed.retain(|endpoint| !endpoint.same_instance(me)));
    }

    /// Lists it in discovery again, last. A new instance is listed.
    pub fn join(&self) {
        self.list(|listed, me| {
            listed.retain(|endpoint| !endpoint.same_instance(me));
            listed.push(me.clone());
        });
    }

    fn list(&self, change: impl FnOnce(&mut Vec<Endpoint>, &Endpoint)) {
        // Without its network there is no discovery to be listed in.
        if let Some(network) = self.0.network.upgrade() {
            network.list(&self.0.service, |listed| change(listed, &self.0.endpoint));
        }
    }

    pub(super) async fn call(
        &self,
        request: reqwest::Request,
        connect_timeout: Duration,
    ) -> Result<reqwest::Response, TransportError> {
        let mut link = self.0.link.subscribe();
        let connected = tokio::time::timeout(connect_timeout, async {
            let link = link.wait_for(|link| link.reach != Reach::CutOff).await;
            link.map(|link| *link)
        })
        .await;
        let epoch = match connected {
            Err(_) => return Err(TransportError::new(Failure::ConnectTimeout)),
            Ok(Ok(Link {
                reach: Reach::Up,
                epoch,
            })) => epoch,
            Ok(_) => return Err(TransportError::new(Failure::Refused)),
        };
        let url = request.url().clone();
        let request = self.as_received(request)?;
        match &self.0.upstream {
            Upstream::Router(router) => {
                let router = router.clone();
                let answer = async move {
                    let Ok(response) = tower::ServiceExt::oneshot(router, request).await;
                    Some(response)
                };
                serve::exchange(answer, link, epoch, url).await
            }
            Upstream::Script(script) => {
                let step = script.next();
                if step.refuses() {
                    return Err(TransportError::new(Failure::Refused));
                }
                let script = script.clone();
                let answer = async move { script.play(step, request).await.ok() };
                serve::exchange(answer, link, epoch, url).await
            }
        }
    }

    /// The request as it comes out of a server's parser: the path for a URI, the authority in `Host`.
    fn as_received(&self, request: reqwest::Request) -> Result<Request<Body>, TransportError> {
        let invalid =
            |error: &dyn fmt::Display| TransportError::because(Failure::Invalid, error.to_string());
        let request = Request::<reqwest::Body>::try_from(request).map_err(|e| invalid(&e))?;
        let mut request = request.map(Body::new);
        if !request.headers().contains_key(HOST) {
            let authority = self.0.endpoint.authority();
            // A client leaves the scheme's own port out.
            let host = match (self.0.endpoint.scheme().as_str(), authority) {
                ("http", authority) => authority.strip_suffix(":80"),
                (_, authority) => authority.strip_suffix(":443"),
            };
            let host = HeaderValue::from_str(host.unwrap_or(authority)).map_err(|e| invalid(&e))?;
            request.headers_mut().insert(HOST, host);
        }
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
        Ok(request)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("service", &self.0.service)
            .field("endpoint", &self.0.endpoint)
            .field("reach", &self.0.link.borrow().reach)
            .finish_non_exhaustive()
    }
}
