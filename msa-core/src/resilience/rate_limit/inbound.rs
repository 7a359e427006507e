//! A rate for each client in front of a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{KeyedRateLimit, Limited, Quota, RateLimitConfig, RateLimitKey};
use crate::clock::{self, Instant};
use crate::event::{Event, Observers};
use crate::problem::Problem;

/// Answers requests above the rate with 429 and `Retry-After` before their bodies are read, and tells each client what is left
/// in `RateLimit` and `RateLimit-Policy`.
///
/// ```
/// use axum::{Router, routing::get};
/// use msa_core::clock;
/// use msa_core::resilience::rate_limit::{InboundRateLimitLayer, RateLimitConfig, RateLimitKey};
///
/// let limit = InboundRateLimitLayer::new(RateLimitConfig::gcra("100/s".parse()?), clock::now())
///     .key(RateLimitKey::Client);
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(limit);
/// # Ok::<(), msa_core::config::UnitError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct InboundRateLimitLayer {
    config: RateLimitConfig,
    born: Instant,
    rule: Rule,
}

#[derive(Debug, Clone)]
struct Rule {
    limit: KeyedRateLimit,
    key: Arc<RateLimitKey>,
    name: Arc<str>,
    headers: bool,
    dark: bool,
    observers: Observers,
}

/// Keys that are remembered unless said otherwise: about 1.5 MiB.
const KEYS: usize = 65_536;

impl InboundRateLimitLayer {
    /// One rate for all, until [`key`](Self::key) says whose.
    pub fn new(config: RateLimitConfig, now: Instant) -> Self {
        Self {
            config,
            born: now,
            rule: Rule {
                limit: KeyedRateLimit::new(config, KEYS, now),
                key: Arc::default(),
                name: "default".into(),
                headers: true,
                dark: false,
                observers: Observers::none(),
            },
        }
    }

    /// Whose rate a request counts on. Defaults to [`RateLimitKey::All`].
    pub fn key(mut self, key: RateLimitKey) -> Self {
        self.rule.key = Arc::new(key);
        self
    }

    /// How many keys are remembered at a time. Defaults to 65,536.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.rule.limit = KeyedRateLimit::new(self.config, keys, self.born);
        self
    }

    /// The limit's name in the headers. Defaults to `default`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.rule.name = name.into();
        self
    }

    /// Whether answers say what is left. Defaults to yes; a refusal always has `Retry-After`.
    pub fn headers(mut self, on: bool) -> Self {
        self.rule.headers = on;
        self
    }

    /// Whether it only reports what it would refuse. Defaults to no.
    pub fn dark(mut self, dark: bool) -> Self {
        self.rule.dark = dark;
        self
    }

    /// Who is told of refusals, as [`Event::Shed`]. Defaults to nobody.
    pub fn observers(mut self, observers: Observers) -> Self {
        self.rule.observers = observers;
        self
    }
}

impl<S> Layer<S> for InboundRateLimitLayer {
    type Service = InboundRateLimitService<S>;

    fn layer(&self, inner: S) -> InboundRateLimitService<S> {
        InboundRateLimitService {
            inner,
            rule: self.rule.clone(),
        }
    }
}

/// Counts requests; made by [`InboundRateLimitLayer`].
#[derive(Debug, Clone)]
pub struct InboundRateLimitService<S> {
    inner: S,
    rule: Rule,
}

impl<S, B> Service<Request<B>> for InboundRateLimitService<S>
where
    S: Service<Request<B>, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = InboundRateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> InboundRateLimitFuture<S::Future> {
        let rule = &self.rule;
        let taken = rule.limit.try_acquire(&rule.key.of(&request), clock::now());
        let quota = match taken {
            Ok(quota) => quota,
            Err(limited) => {
                rule.observers.tell(&Event::Shed {
                    criticality: crate::txn::with_current(|txn| txn.criticality().as_str())
                        .unwrap_or("default"),
                    reason: "rate_limit",
                    dark: rule.dark,
                });
                if !rule.dark {
                    let answer = refusal(&limited, rule.headers.then_some(&*rule.name));
                    return InboundRateLimitFuture {
                        state: State::Refused {
                            answer: Some(answer),
                        },
                    };
                }
                limited.quota
            }
        };
        InboundRateLimitFuture {
            state: State::Running {
                running: self.inner.call(request),
                quota: rule.headers.then(|| (quota, rule.name.clone())),
            },
        }
    }
}

/// 429; with a name, also with what is left of that limit.
pub(crate) fn refusal(limited: &Limited, name: Option<&str>) -> Response {
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .title("Rate limit exceeded")
        .detail("too many requests in this time; send the next one when Retry-After says");
    if let Some(wait) = limited.retry_after {
        problem = problem.retry_after(wait.max(Duration::from_secs(1)));
    }
    let mut answer = problem.into_response();
    if let Some(name) = name {
        limited.quota.headers(name, answer.headers_mut());
    }
    answer
}

pin_project! {
    /// One request that was counted.
    #[derive(Debug)]
    pub struct InboundRateLimitFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F> {
        Refused {
            answer: Option<Response>,
        },
        Running {
            #[pin]
            running: F,
            quota: Option<(Quota, Arc<str>)>,
        },
    }
}

impl<F, E> Future for InboundRateLimitFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                None => Poll::Pending, // polled after its end
            },
            StateProjection::Running { running, quota } => {
                let mut answer = ready!(running.poll(cx))?;
                if let Some((quota, name)) = quota {
                    quota.headers(name, answer.headers_mut());
                }
                Poll::Ready(Ok(answer))
            }
        }
    }
}
