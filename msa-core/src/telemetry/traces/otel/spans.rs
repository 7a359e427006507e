//! The spans of requests, calls and attempts, by OpenTelemetry's conventions for HTTP
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::header::{HOST, USER_AGENT};
use http::{Method, Request, StatusCode, Version};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard, KeyValue};
use url::Url;

use super::super::Traces;
use super::{Recorder, remote};
use crate::clock::{self, Instant};
use crate::discovery::Endpoint;
use crate::event::Outcome;
use crate::txn::{Call, Txn};

/// As long as it lives, what is recorded in this thread belongs to the span.
pub(crate) type Entered = Option<ContextGuard>;

/// The span of a request, to the end of its answer's body; dropped before its answer, the client went away. Nothing where the trace is
/// not recorded.
#[derive(Default)]
pub(crate) struct ServerSpan {
    context: Option<Context>,
    answered: bool,
}

impl ServerSpan {
    /// Inside the transaction.
    #[inline]
    pub(crate) fn begin<B>(traces: &Traces, txn: &Txn, request: &Request<B>, now: Instant) -> Self {
        let recorder = traces.recorder().filter(|_| txn.span().is_sampled());
        Self {
            context: recorder.map(|recorder| serve(recorder, txn, request, now)),
            answered: false,
        }
    }

    #[inline]
    pub(crate) fn enter(&self) -> Entered {
        self.context
            .as_ref()
            .map(|context| context.clone().attach())
    }

    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.context.is_some()
    }

    /// The answer's head is there, made by this handler. A drop from now on is the end: who serves drops many a body that it has sent.
    #[inline]
    pub(crate) fn answered(&mut self, status: StatusCode, handler: Option<&'static str>) {
        if let Some(context) = &self.context {
            if let Some(name) = handler {
                context
                    .span()
                    .set_attribute(KeyValue::new("code.function.name", name));
            }
            // A 4xx is the client's fault, and no error of this service.
            tell_status(context, status.as_u16(), status.is_server_error());
            self.answered = true;
        }
    }

    /// The answer's body failed.
    pub(crate) fn body_failed(&mut self) {
        if let Some(context) = self.context.take() {
            end(&context, &Outcome::Failed("body"), clock::now());
        }
    }

    /// The answer's body has ended.
    pub(crate) fn end(&mut self) {
        if let Some(context) = self.context.take() {
            let now = clock::system_at(clock::now());
            context.span().end_with_timestamp(now);
        }
    }
}

impl Drop for ServerSpan {
    fn drop(&mut self) {
        match self.context.take() {
            Some(context) if self.answered => {
                let now = clock::system_at(clock::now());
                context.span().end_with_timestamp(now);
            }
            Some(context) => end(&context, &Outcome::Cancelled, clock::now()),
            None => {}
        }
    }
}

fn serve<B>(recorder: &Recorder, txn: &Txn, request: &Request<B>, now: Instant) -> Context {
    let (method, original) = known(request.method());
    let route = txn.route();
    let name = match route {
        Some(route) => format!("{method} {route}").into(),
        None => Cow::Borrowed(method),
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("network.protocol.version", version(request.version())),
    ];
    attributes.extend(original);
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let host = request.uri().authority().map(|to| to.as_str());
    if let Some(host) = host.or_else(|| text(HOST)) {
        address(host, &mut attributes);
    }
    if let Some(agent) = text(USER_AGENT) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let ip = peer.ip().to_canonical().to_string();
        attributes.push(KeyValue::new("network.peer.address", ip.clone()));
        attributes.push(KeyValue::new("network.peer.port", i64::from(peer.port())));
        attributes.push(KeyValue::new("client.address", ip));
    }
    attributes.push(KeyValue::new("msa.gtxid", txn.gtxid().to_string()));
    attributes.push(KeyValue::new("msa.ltxid", i64::from(txn.ltxid().get())));
    attributes.push(KeyValue::new("msa.branch", txn.branch().to_string()));
    if txn.attempt() > 1 {
        attributes.push(KeyValue::new("msa.attempt", i64::from(txn.attempt())));
    }
    let parent = match txn.parent_span() {
        Some(parent) => remote(txn, parent),
        None => Context::new(),
    };
    recorder.begin(txn.span(), &parent, name, SpanKind::Server, attributes, now)
}

/// The span of a logical call, from its beginning to the end of its body.
pub(crate) struct CallSpan(Option<Box<Calling>>);

struct Calling {
    recorder: Recorder,
    context: Context,
    method: &'static str,
    path: Box<str>,
}

impl CallSpan {
    /// `service` is the name of a service; a plain host, of which there may be any number, names no span.
    #[inline]
    pub(crate) fn begin(
        traces: &Traces,
        call: &Call,
        service: Option<&str>,
        (method, url): (&Method, &Url),
        now: Instant,
    ) -> Self {
        let recorder = traces.recorder().filter(|_| call.span().is_sampled());
        Self(
            recorder
                .map(|recorder| Box::new(begin_call(recorder, call, service, method, url, now))),
        )
    }

    #[inline]
    pub(crate) fn enter(&self) -> Entered {
        let calling = self.0.as_ref()?;
        Some(calling.context.clone().attach())
    }

    #[inline]
    pub(crate) fn attempt(
        &self,
        call: &Call,
        number: u32,
        endpoint: &Endpoint,
        now: Instant,
    ) -> AttemptSpan {
        let calling = self.0.as_ref();
        AttemptSpan(calling.map(|calling| calling.attempt(call, number, endpoint, now)))
    }

    #[inline]
    pub(crate) fn end(&mut self, attempts: u32, outcome: &Outcome<'_>, now: Instant) {
        if let Some(calling) = self.0.take() {
            let span = calling.context.span();
            span.set_attribute(KeyValue::new("msa.attempts", i64::from(attempts)));
            end(&calling.context, outcome, now);
        }
    }
}

fn begin_call(
    recorder: &Recorder,
    call: &Call,
    service: Option<&str>,
    method: &Method,
    url: &Url,
    now: Instant,
) -> Calling {
    let (method, original) = known(method);
    let txn = call.txn();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("msa.gtxid", txn.gtxid().to_string()),
        KeyValue::new("msa.ltxid", i64::from(txn.ltxid().get())),
        KeyValue::new("msa.branch", call.branch().to_string()),
    ];
    attributes.extend(original);
    let host = url.host_str().map(str::to_owned);
    attributes.extend(host.map(|host| KeyValue::new("server.address", host)));
    // A span of the program's own around the call, if it is of this trace; else that of the request, if there is one.
    let current = Context::current();
    let ours = u128::from_be_bytes(current.span().span_context().trace_id().to_bytes());
    let parent = if ours == txn.span().trace_id() {
        current
    } else if txn.received().is_some() {
        remote(txn, txn.span().span_id())
    } else {
        Context::new()
    };
    let name = match service {
        Some(service) => format!("{method} {service}").into(),
        None => Cow::Borrowed(method),
    };
    let context = recorder.begin(
        call.span(),
        &parent,
        name,
        SpanKind::Client,
        attributes,
        now,
    );
    Calling {
        recorder: recorder.clone(),
        context,
        method,
        path: url.path().into(),
    }
}

impl Calling {
    fn attempt(&self, call: &Call, number: u32, endpoint: &Endpoint, now: Instant) -> Context {
        let scheme = endpoint.scheme().as_str();
        let (host, path) = (endpoint.authority(), &*self.path);
        let mut attributes = vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("server.address", endpoint.host().to_string()),
            KeyValue::new("server.port", i64::from(endpoint.port())),
            // Without the query, which may hold what is nobody's business.
            KeyValue::new("url.full", format!("{scheme}://{host}{path}")),
            KeyValue::new("msa.attempt", i64::from(number)),
        ];
        if let Some(again) = number.checked_sub(1).filter(|again| *again > 0) {
            attributes.push(KeyValue::new("http.request.resend_count", i64::from(again)));
        }
        let name = Cow::Borrowed(self.method);
        let span = call.attempt_span(number);
        self.recorder
            .begin(span, &self.context, name, SpanKind::Client, attributes, now)
    }
}

/// The span of one attempt, up to the response's headers: parent of the called service's.
pub(crate) struct AttemptSpan(Option<Context>);

impl AttemptSpan {
    #[inline]
    pub(crate) fn end(&mut self, outcome: &Outcome<'_>, now: Instant) {
        if let Some(context) = self.0.take() {
            end(&context, outcome, now);
        }
    }
}

/// The end of what this service asked of another: a 4xx is an error there.
fn end(context: &Context, outcome: &Outcome<'_>, now: Instant) {
    let failed = |kind: &str| {
        let span = context.span();
        span.set_attribute(KeyValue::new("error.type", kind.to_owned()));
        span.set_status(Status::error(kind.to_owned()));
        span.end_with_timestamp(clock::system_at(now));
    };
    match outcome {
        Outcome::Status(status) => end_with_status(context, *status, *status >= 400, now),
        Outcome::Failed(kind) => failed(kind),
        Outcome::Cancelled => failed("cancelled"),
    }
}

fn end_with_status(context: &Context, status: u16, failed: bool, now: Instant) {
    tell_status(context, status, failed);
    context.span().end_with_timestamp(clock::system_at(now));
}

fn tell_status(context: &Context, status: u16, failed: bool) {
    let span = context.span();
    span.set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status),
    ));
    if failed {
        span.set_attribute(KeyValue::new("error.type", status.to_string()));
        span.set_status(Status::error(""));
    }
}

/// The method as the conventions name it, and as it came where that is not one of theirs.
fn known(method: &Method) -> (&'static str, Option<KeyValue>) {
    const KNOWN: [&str; 9] = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE",
    ];
    match KNOWN.iter().find(|known| **known == method.as_str()) {
        Some(known) => (known, None),
        None => {
            let original = KeyValue::new("http.request.method_original", method.to_string());
            ("_OTHER", Some(original))
        }
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}

/// `host:port` of a request.
fn address(host: &str, attributes: &mut Vec<KeyValue>) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, port.parse::<u16>().ok())
        }
        _ => (host, None),
    };
    attributes.push(KeyValue::new("server.address", name.to_owned()));
    attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
}

impl fmt::Debug for ServerSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSpan")
            .field("is_recorded", &self.is_recorded())
            .finish_non_exhaustive()
    }
}
impl fmt::Debug for CallSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallSpan").field(&self.0.is_some()).finish()
    }
}
impl fmt::Debug for AttemptSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AttemptSpan")
            .field(&self.0.is_some())
            .finish()
    }
}
