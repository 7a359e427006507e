//! The faces of the outbound stack as reqwest middlewares.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use http::header::{HOST, HeaderValue};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::admission::Admission;
use super::attempt::{Attempt, Calling};
use super::choice::{ChoiceOptions, choose};
use super::deadline::Deadline;
use super::record::CallRecord;
use super::services::Services;
use super::{CallError, CallErrorKind, CallOptions, ServiceClient, body, stack, target};
use crate::clock;
use crate::config::Size;
use crate::discovery::{Endpoint, Scheme};
use crate::telemetry::traces::CallSpan;
use crate::txn::{self, Headers};

type Handling<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// The whole stack in one middleware. It ends in the transport and never calls `next`.
pub(super) struct Outbound {
    pub(super) services: Arc<Services>,
    pub(super) headers: Headers,
}

impl Middleware for Outbound {
    fn handle<'a, 'b, 'c, 'f>(
        &'a self,
        request: Request,
        extensions: &'b mut Extensions,
        _next: Next<'c>,
    ) -> Handling<'f>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(stack::call(
            &self.services,
            &self.headers,
            request,
            extensions,
        ))
    }
}

/// The small form, for a reqwest client of your own: names, transaction and time, but your client's connections.
///
/// ```
/// use std::sync::Arc;
/// use msa_core::client::{ServiceClient, ServiceMiddleware};
/// use msa_core::discovery::FixedSource;
///
/// # fn own_client() -> reqwest::Client { unreachable!() }
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let source = FixedSource::default();
/// source.update([("user-service", ["http://10.0.0.1:8081", "http://10.0.0.2:8081"])])?;
/// let services = ServiceClient::builder().discovery(Arc::new(source)).build()?;
///
/// let client = reqwest_middleware::ClientBuilder::new(own_client())
///     .with(ServiceMiddleware::new(&services))
///     .build();
/// # Ok(())
/// # }
/// ```
///
/// It picks an endpoint, writes it into the URL, adds the transaction's headers, and calls what comes next within the
/// deadline. It differs from a [`ServiceClient`] in what your client does: keep-alive pools outlive discovery; redirects,
/// proxies and retries are as you set them; and an endpoint that has an address beside its name is called at the address
/// with its name in `Host` only, which is right for plain HTTP/1 and nothing else. An `https://` endpoint is therefore
/// called by its name, which DNS must know.
///
/// Your client needs a TLS provider of its own: the feature `tls` turns on reqwest's `rustls-no-provider` for the whole program, and
/// with that alone `reqwest::Client::new()` panics. Take reqwest with its feature `rustls`, or install a provider first
/// (`rustls::crypto::ring::default_provider().install_default()`).
pub struct ServiceMiddleware {
    services: Arc<Services>,
    headers: Headers,
}

impl ServiceMiddleware {
    /// Shares discovery, settings, balancers and observers with this client.
    #[must_use]
    pub fn new(client: &ServiceClient) -> Self {
        Self {
            services: client.0.services.clone(),
            headers: client.0.headers.clone(),
        }
    }

    async fn call(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> std::result::Result<Response, CallError> {
        let now = clock::now();
        let options = extensions.get().copied().unwrap_or(CallOptions::new());
        let txn = self.services.noted(txn::current(), now);
        let shared = self.services.shared();
        shared.traces.sampler().decide(&txn);
        let service = self
            .services
            .find(request.url(), now)
            .map_err(|error| error.with_gtxid(*txn.gtxid()))?;
        let state = service.current(shared, now);
        let own = request.timeout().copied();
        let deadline = Deadline::of(now, &state.limits, &options, own, txn.deadline());
        let choice = extensions.get::<ChoiceOptions>().cloned();
        let observers = shared.observers.clone();
        let call = txn.next_call();
        let asked = (request.method(), request.url());
        let span = CallSpan::begin(&shared.traces, &call, service.named(), asked, now);
        let record = CallRecord::begin(service, call, span, observers, &request, now);
        if deadline.has_passed(now) {
            let error = record.name(deadline.error());
            return Err(record.fail(error));
        }
        let mut avoid = ChoiceOptions::avoided(choice.as_ref());
        let (pick, permit) = match choose(&state, &record, choice.as_ref(), &mut avoid, now) {
            Ok(chosen) => chosen,
            Err(error) => return Err(record.fail(error)),
        };
        if let Err(error) = point_by_address(&mut request, pick.endpoint()) {
            let error = record.name(error);
            return Err(record.fail(error));
        }
        let calling = Calling {
            record: &record,
            state: &state,
            timeout: (options.get_attempt_timeout()).unwrap_or(state.limits.attempt_timeout),
            deadline,
            sensitive: &shared.sensitive,
        };
        let attempt = Attempt::begin(&calling, pick, permit, record.next_attempt(), now);
        stack::inject(shared, &self.headers, &mut request, &attempt, &record);
        let ended = attempt.wait(next.run(request, extensions)).await;
        match ended.result {
            Ok(answered) => {
                let max = options
                    .get_max_response()
                    .map_or(state.limits.max_response, Size::get);
                let covers_body = (!options.is_stream()).then_some(deadline);
                let admission = Admission::default();
                body::guard(answered, record, state, admission, max, covers_body)
            }
            Err(error) => Err(record.fail(error)),
        }
    }
}

impl Middleware for ServiceMiddleware {
    fn handle<'a, 'b, 'c, 'f>(
        &'a self,
        request: Request,
        extensions: &'b mut Extensions,
        next: Next<'c>,
    ) -> Handling<'f>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move { Ok(self.call(request, extensions, next).await?) })
    }
}

impl fmt::Debug for ServiceMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceMiddleware").finish_non_exhaustive()
    }
}

/// Writes the endpoint into the URL, for a client that knows no other way to an address.
fn point_by_address(
    request: &mut Request,
    endpoint: &Endpoint,
) -> std::result::Result<(), CallError> {
    target::point(request.url_mut(), endpoint)?;
    let Some(addr) = endpoint
        .addr()
        .filter(|_| endpoint.scheme() == Scheme::Http)
    else {
        return Ok(());
    };
    let url = request.url_mut();
    let pointed = url.set_ip_host(addr.ip()).is_ok() && url.set_port(Some(addr.port())).is_ok();
    let host = HeaderValue::from_str(endpoint.authority());
    match host {
        Ok(host) if pointed => {
            request.headers_mut().insert(HOST, host);
            Ok(())
        }
        _ => Err(CallError::new(
            CallErrorKind::Invalid,
            format!("its URL cannot be sent to {endpoint}"),
        )),
    }
}
