//! Answers that serve more than one call: shared between identical calls in flight, or kept to stand in when a call fails.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Version, header};
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};
use url::Url;

use super::deadline::Deadline;
use super::{CallError, CallOptions};
use crate::clock;
use crate::config::ClientSettings;
use crate::event::{Event, Observers};
use crate::resilience::coalesce::{Role, SingleFlight};
use crate::resilience::fallback::StaleCache;
use crate::txn::Gtxid;

/// What a service's answers are kept in, where that is configured. Cheap to clone; clones share them.
#[derive(Clone)]
pub(super) struct Answers {
    flights: Option<SingleFlight<Key, Result<Whole, CallError>>>,
    stale: Option<StaleCache<Key, Whole>>,
}

/// Two calls with the same one ask for the same answer.
type Key = Arc<(Url, Vec<(HeaderName, Vec<u8>)>)>;

/// An answer that was read to its end.
#[derive(Clone)]
struct Whole(Arc<Parts>);

struct Parts {
    url: Url,
    status: StatusCode,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
}

/// Who asks.
pub(super) struct Asker<'a> {
    pub(super) service: Arc<str>,
    pub(super) gtxid: Gtxid,
    pub(super) deadline: Deadline,
    pub(super) observers: &'a Observers,
}

/// How old an answer is that stands in for one that could not be had (RFC 9111).
const AGE: HeaderName = header::AGE;

impl Answers {
    /// `None` when neither is configured.
    pub(super) fn of(settings: &ClientSettings) -> Option<Self> {
        let fallback = &settings.fallback;
        let size_of = |key: &Key, answer: &Whole| {
            let headers = |map: &HeaderMap| -> usize {
                map.iter()
                    .map(|(name, value)| name.as_str().len() + value.len())
                    .sum()
            };
            let asked: usize = key
                .1
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len())
                .sum();
            let told = answer.0.body.len() + headers(&answer.0.headers);
            (key.0.as_str().len() + asked + told) as u64
        };
        let stale = (fallback.enabled && !fallback.stale_for.is_zero())
            .then(|| StaleCache::measured(fallback.stale_for.get(), fallback.stale_bytes, size_of));
        let flights = settings.coalesce.then(SingleFlight::new);
        (stale.is_some() || flights.is_some()).then_some(Self { flights, stale })
    }

    /// Calls under way that others may join.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> usize {
        self.flights.as_ref().map_or(0, SingleFlight::len)
    }

    /// Only a `GET` without a body, whose answer is awaited to its end, has an answer to share.
    pub(super) fn apply_to(request: &Request, options: &CallOptions) -> bool {
        request.method() == Method::GET && request.body().is_none() && !options.is_stream()
    }

    /// Makes the call, unless another one does already; answers with what was kept when it fails.
    pub(super) async fn run(
        &self,
        request: &Request,
        asker: &Asker<'_>,
        call: impl Future<Output = reqwest_middleware::Result<Response>>,
    ) -> reqwest_middleware::Result<Response> {
        let (service, observers) = (&*asker.service, asker.observers);
        let key = key_of(request);
        let work = async { Whole::read(call.await?).await };
        let result = match &self.flights {
            None => work.await,
            Some(flights) => {
                let flight = flights.run(key.clone(), || work);
                // Whose call it is has all the time of its own deadline; who joined may have less.
                match tokio::time::timeout_at(asker.deadline.at(), flight).await {
                    Ok((result, Role::Led)) => result,
                    Ok((result, Role::Joined)) => {
                        observers.tell(&Event::Coalesced { service });
                        result.map_err(|error| error.with_gtxid(asker.gtxid))
                    }
                    Err(_elapsed) => Err(asker.late()),
                }
            }
        };
        let now = clock::now();
        let status;
        let reason = match &result {
            Ok(answer) if !answer.0.status.is_server_error() => {
                if let (Some(stale), true) = (&self.stale, answer.0.status.is_success()) {
                    stale.put(key, answer.clone(), now);
                }
                return result?.response(None).map_err(Into::into);
            }
            Ok(answer) => {
                status = answer.0.status;
                status.as_str()
            }
            Err(error) => error.kind().as_str(),
        };
        match self.stale.as_ref().and_then(|stale| stale.get(&key, now)) {
            Some(stale) => {
                observers.tell(&Event::FellBack {
                    service,
                    how: "stale",
                    reason,
                });
                let age = stale.age.as_secs();
                stale.value.response(Some(age)).map_err(Into::into)
            }
            None => result?.response(None).map_err(Into::into),
        }
    }
}

impl Asker<'_> {
    #[cold]
    fn late(&self) -> CallError {
        let error = self.deadline.error().with_service(self.service.clone());
        error.with_gtxid(self.gtxid)
    }
}

fn key_of(request: &Request) -> Key {
    let headers = request.headers().iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
        .collect();
    // One header's values keep their order, which may matter; names need none.
    headers.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Arc::new((request.url().clone(), headers))
}

impl Whole {
    async fn read(response: Response) -> Result<Self, CallError> {
        let (url, status, version) = (
            response.url().clone(),
            response.status(),
            response.version(),
        );
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(CallError::from)?;
        Ok(Self(Arc::new(Parts {
            url,
            status,
            version,
            headers,
            body,
        })))
    }

    /// The answer once more; `age` in seconds when it is an old one.
    fn response(&self, age: Option<u64>) -> Result<Response, CallError> {
        let parts = &*self.0;
        let mut builder = http::Response::builder()
            .status(parts.status)
            .version(parts.version)
            .url(parts.url.clone());
        if let Some(headers) = builder.headers_mut() {
            *headers = parts.headers.clone();
            if let Some(age) = age {
                headers.insert(AGE, age.into());
            }
        }
        let response = builder.body(Body::from(parts.body.clone()));
        response.map(Response::from).map_err(|error| {
            let text = "the answer that was kept cannot be put together again";
            CallError::new(super::CallErrorKind::Invalid, text).with_source(error)
        })
    }
}
