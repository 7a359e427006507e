//! What is recorded, and what becomes of it.

mod after;
mod export;

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use opentelemetry::trace::Status;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::client::ServiceClient;
use crate::config::{Settings, TraceSampler};
use crate::event::Observers;
use crate::server::{MsaLayer, handler};
use crate::telemetry::traces::Traces;
use crate::testing::{Network, Script, Step};

#[derive(Debug, Clone)]
pub(super) enum TestExporter {
    Keep(Arc<Mutex<Vec<SpanData>>>),
    Fail,
    Hang,
}

impl TestExporter {
    pub(super) async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Keep(spans) => spans.lock().unwrap().extend(batch),
            Self::Fail => return Err(OTelSdkError::InternalFailure("refused".into())),
            Self::Hang => pending().await,
        }
        Ok(())
    }
}

fn recording(exporter: TestExporter, settings: &TelemetrySettings) -> Traces {
    let resource = told(&Resource::of("test", None, settings));
    let recorder = Recorder::with(settings, resource, |_| Ok(Some(Exporter::Test(exporter))));
    Traces {
        recorder: recorder.unwrap(),
        ..Traces::new(settings)
    }
}

/// Traces, and what was recorded of them.
struct Kept {
    traces: Traces,
    spans: Arc<Mutex<Vec<SpanData>>>,
}

impl Kept {
    fn with(sampler: TraceSampler) -> Self {
        let mut settings = TelemetrySettings::default();
        settings.traces.sampler = sampler;
        let spans = Arc::default();
        Self {
            traces: recording(TestExporter::Keep(Arc::clone(&spans)), &settings),
            spans,
        }
    }

    fn new() -> Self {
        Self::with(TraceSampler::ParentbasedAlwaysOn)
    }

    async fn spans(&self) -> Vec<SpanData> {
        self.traces.flush().await;
        let mut spans = self.spans.lock().unwrap().clone();
        spans.sort_by_key(|span| span.start_time);
        spans
    }

    fn layer(&self) -> MsaLayer {
        MsaLayer::new(&Settings::default())
            .unwrap()
            .traced_by(self.traces.clone())
            .observed_by(self.traces.observed(Observers::none()))
    }

    fn client(&self, network: &Network) -> ServiceClient {
        network
            .client_builder()
            .traces(self.traces.clone())
            .observers(self.traces.observed(Observers::none()))
            .build()
            .unwrap()
    }
}

fn named<'s>(spans: &'s [SpanData], name: &str) -> Vec<&'s SpanData> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key.as_str() == key);
    found.map(|one| one.value.to_string())
}

fn id(span: &SpanData) -> SpanId {
    span.span_context.span_id()
}

/// Calls `user-service` for each request.
fn front(client: ServiceClient) -> Router {
    let greet = move || {
        let client = client.clone();
        async move {
            handler::enter("shop::greet");
            let answer = client
                .get("http://user-service/users/7?token=secret")
                .send();
            answer.await.unwrap().text().await.unwrap()
        }
    };
    Router::new().route("/greet", get(greet))
}

#[tokio::test(start_paused = true)]
async fn a_retried_call_between_two_services_is_one_tree() {
    let (front_kept, user_kept) = (Kept::new(), Kept::new());
    let network = Network::new();
    let asked = Arc::new(AtomicU32::new(0));
    for _ in 0..2 {
        let asked = asked.clone();
        let user = move || async move {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0 => (StatusCode::SERVICE_UNAVAILABLE, ""),
                _ => (StatusCode::OK, "Ada"),
            }
        };
        let routes = Router::new().route("/users/{id}", get(user));
        network.instance("user-service", routes.layer(user_kept.layer()));
    }
    let client = front_kept.client(&network);
    network.instance("front", front(client).layer(front_kept.layer()));

    let answer = network.client().unwrap().get("http://front/greet").send();
    let answer = answer.await.unwrap();
    let gtxid = answer.headers()["x-gtxid"].to_str().unwrap().to_owned();
    assert_eq!(answer.text().await.unwrap(), "Ada");

    let (front, user) = (front_kept.spans().await, user_kept.spans().await);
    for span in front.iter().chain(&user) {
        assert_eq!(span.span_context.trace_id().to_string(), gtxid);
    }
    let [server] = named(&front, "GET /greet")[..] else {
        panic!("{front:#?}")
    };
    let [call] = named(&front, "GET user-service")[..] else {
        panic!("{front:#?}")
    };
    let [first, second] = named(&front, "GET")[..] else {
        panic!("{front:#?}")
    };
    let [one, two] = named(&user, "GET /users/{id}")[..] else {
        panic!("{user:#?}")
    };
    assert_eq!((front.len(), user.len()), (4, 2));
    assert!(server.parent_span_is_remote && server.span_kind == SpanKind::Server);
    assert_eq!(
        (call.parent_span_id, &call.span_kind),
        (id(server), &SpanKind::Client)
    );
    assert_eq!(
        (first.parent_span_id, second.parent_span_id),
        (id(call), id(call))
    );
    assert_eq!(
        (one.parent_span_id, two.parent_span_id),
        (id(first), id(second))
    );

    assert_eq!(attribute(server, "http.route").as_deref(), Some("/greet"));
    let handler = attribute(server, "code.function.name");
    assert_eq!(handler.as_deref(), Some("shop::greet"));
    assert_eq!(attribute(one, "code.function.name"), None);
    assert_eq!(
        attribute(server, "http.response.status_code").as_deref(),
        Some("200")
    );
    assert_eq!(attribute(server, "msa.gtxid"), Some(gtxid));
    assert_eq!(attribute(one, "msa.branch").as_deref(), Some("1.1.1"));
    assert_eq!(attribute(call, "msa.attempts").as_deref(), Some("2"));
    assert_eq!(attribute(first, "error.type").as_deref(), Some("503"));
    assert_eq!(attribute(first, "http.request.resend_count"), None);
    assert_eq!(
        attribute(second, "http.request.resend_count").as_deref(),
        Some("1")
    );
    assert!(
        matches!(first.status, Status::Error { .. }) && matches!(one.status, Status::Error { .. })
    );
    assert_eq!(
        (&second.status, &call.status, &server.status),
        (&Status::Unset, &Status::Unset, &Status::Unset)
    );
    let full = attribute(second, "url.full").unwrap();
    assert!(
        full.ends_with(".test:80/users/7"),
        "without the query: {full}"
    );

    let events: Vec<_> = call.events.iter().map(|event| &*event.name).collect();
    assert_eq!(events, ["msa.retried"]);
    assert!(server.events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_is_not_sampled_leaves_no_span_and_says_so_to_others() {
    let kept = Kept::with(TraceSampler::ParentbasedAlwaysOff);
    let upstream = Script::new([Step::status(200)]);
    let network = Network::new().service("user-service", upstream.clone());
    network.instance("front", front(kept.client(&network)).layer(kept.layer()));
    // A caller without a traceparent: the decision is ours.
    let silent = TelemetrySettings {
        propagation: Vec::new(),
        ..TelemetrySettings::default()
    };
    let caller = network
        .client_builder()
        .traces(Traces::new(&silent))
        .build()
        .unwrap();
    caller.get("http://front/greet").send().await.unwrap();
    assert_eq!(kept.spans().await, []);
    let seen = upstream.requests();
    assert!(
        seen[0].headers["traceparent"]
            .to_str()
            .unwrap()
            .ends_with("-00")
    );
}

#[tokio::test(start_paused = true)]
async fn the_programs_own_spans_stand_between_the_request_and_its_calls() {
    let kept = Kept::new();
    let layer = tracing_opentelemetry::layer().with_tracer(kept.traces.tracer().unwrap().clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let network = Network::new().service("user-service", Script::new([Step::status(200)]));
    let client = kept.client(&network);
    let work = move || {
        let client = client.clone();
        async move {
            let call = client.get("http://user-service/").send();
            let answered = call.instrument(tracing::info_span!("work", step = 1));
            answered.await.unwrap().status().to_string()
        }
    };
    network.instance(
        "front",
        Router::new().route("/", get(work)).layer(kept.layer()),
    );
    network
        .client()
        .unwrap()
        .get("http://front/")
        .send()
        .await
        .unwrap();

    let spans = kept.spans().await;
    let (server, work) = (named(&spans, "GET /")[0], named(&spans, "work")[0]);
    let call = named(&spans, "GET user-service")[0];
    assert_eq!(work.parent_span_id, id(server), "{spans:#?}");
    assert_eq!(call.parent_span_id, id(work), "{spans:#?}");
    assert_eq!(work.span_context.trace_id(), server.span_context.trace_id());
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_of_a_request_begins_a_trace_by_its_gtxid() {
    let kept = Kept::new();
    let network = Network::new().service("user-service", Script::new([Step::refuse()]));
    let client = kept.client(&network);
    let txn = Txn::begin();
    let called = crate::txn::scope(txn.clone(), client.post("http://user-service/").send());
    called.await.unwrap_err();
    let spans = kept.spans().await;
    let call = named(&spans, "POST user-service")[0];
    assert_eq!(call.parent_span_id, SpanId::INVALID);
    assert_eq!(
        call.span_context.trace_id().to_string(),
        txn.gtxid().as_str()
    );
    assert_eq!(attribute(call, "error.type").as_deref(), Some("connect"));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_client_goes_away_ends_its_span() {
    let kept = Kept::new();
    let network = Network::new();
    let hang = || async { pending::<()>().await };
    network.instance(
        "front",
        Router::new().route("/", get(hang)).layer(kept.layer()),
    );
    let client = network.client().unwrap();
    let called = tokio::time::timeout(
        Duration::from_millis(10),
        client.get("http://front/").send(),
    );
    called.await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let spans = kept.spans().await;
    assert_eq!(
        attribute(&spans[0], "error.type").as_deref(),
        Some("cancelled")
    );
}

#[cfg(feature = "fault")]
#[tokio::test(start_paused = true)]
async fn a_fault_on_purpose_stands_on_the_span_of_the_request_or_call_that_it_strikes() {
    let kept = Kept::new();
    let network = Network::new().service("user-service", Script::new([Step::status(200)]));
    let mut calls = Settings::default();
    calls.client.fault.delay_percentage = crate::config::Percent::ALL;
    let client = network
        .client_builder()
        .settings(calls)
        .traces(kept.traces.clone())
        .observers(kept.traces.observed(Observers::none()))
        .build()
        .unwrap();
    let mut settings = Settings::default();
    settings.server.fault.delay_percentage = crate::config::Percent::ALL;
    let layer = MsaLayer::new(&settings)
        .unwrap()
        .traced_by(kept.traces.clone())
        .observed_by(kept.traces.observed(Observers::none()));
    network.instance("front", front(client).layer(layer));
    let answer = network.client().unwrap().get("http://front/greet").send();
    answer.await.unwrap().text().await.unwrap();
    let spans = kept.spans().await;
    for (name, upstream) in [
        ("GET /greet", "server"),
        ("GET user-service", "user-service"),
    ] {
        let events = &named(&spans, name)[0].events;
        let [event] = &events[..] else {
            panic!("{name}: {events:?}")
        };
        assert_eq!(event.name, "msa.fault_injected");
        assert_eq!(event.attributes[0].value.to_string(), upstream);
    }
}
