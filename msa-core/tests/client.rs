//! The outbound stack over a transport that plays a script, with a paused clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use msa_core::balance::{self, End, Fleet, Measures, Slot, Watch};
use msa_core::client::transport::{Failure, SendFuture, SendOptions, Transport, TransportError};
use msa_core::client::{
    CallError, CallErrorKind, CallOptions, ServiceClient, ServiceClientBuilder,
};
use msa_core::clock::{self, Instant};
use msa_core::config::{BalanceSettings, ClientSettings, Settings, Size, Span};
use msa_core::discovery::{Endpoint, FixedSource};
use msa_core::event::{Event, Observer};
use msa_core::txn::{self, Txn};
use reqwest::{Body, Request, Response, ResponseBuilderExt, Url};
use reqwest_middleware::RequestBuilder;
use tokio::sync::watch;

const A: &str = "http://10.0.0.1:8081";
const B: &str = "http://10.0.0.2:8081";

/// Plays one answer after the other, and the last one for ever.
#[derive(Debug)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
    forgotten: Mutex<Vec<String>>,
}

#[derive(Debug, Clone)]
enum Answer {
    /// A status, after a while.
    Status(u16, Duration),
    Fail(Failure),
    /// Fails after it has read a piece of the request's body.
    FailHalfRead(Failure),
    /// The request's own body.
    Echo,
    Body(Vec<&'static str>),
    /// One chunk, and then nothing for ever.
    Stalls,
    Hangs,
}

#[derive(Debug, Clone)]
struct Seen {
    url: Url,
    endpoint: String,
    headers: HeaderMap,
    service: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
            forgotten: Mutex::default(),
        })
    }

    fn ok() -> Arc<Self> {
        Self::new([Answer::Status(200, Duration::ZERO)])
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn endpoints(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.endpoint).collect()
    }
}

impl Transport for Script {
    fn send<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        mut request: Request,
        options: &'a SendOptions<'a>,
    ) -> SendFuture<'a> {
        let sent = request.body_mut().take().unwrap_or_default();
        self.seen.lock().unwrap().push(Seen {
            url: request.url().clone(),
            endpoint: endpoint.to_string(),
            headers: request.headers().clone(),
            service: options.service.to_owned(),
        });
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            match answers.len() {
                1 => answers[0].clone(),
                _ => answers.pop_front().unwrap(),
            }
        };
        let response = move |status: u16, body: Body| {
            let response = http::Response::builder()
                .status(status)
                .header("x-answer", "yes")
                .url(request.url().clone())
                .body(body);
            Ok(Response::from(response.unwrap()))
        };
        Box::pin(async move {
            match answer {
                Answer::Status(status, after) => {
                    tokio::time::sleep(after).await;
                    response(status, Body::from("hello"))
                }
                Answer::Fail(failure) => Err(TransportError::new(failure)),
                Answer::FailHalfRead(failure) => {
                    let mut sent = sent;
                    sent.frame().await.unwrap().unwrap();
                    Err(TransportError::new(failure))
                }
                Answer::Echo => response(200, sent),
                Answer::Body(chunks) => {
                    let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
                    let stream = futures_util::stream::iter(chunks);
                    response(200, Body::wrap_stream(stream))
                }
                Answer::Stalls => {
                    let first = futures_util::stream::iter([Ok::<_, std::io::Error>("first")]);
                    let stream = first.chain(futures_util::stream::pending());
                    response(200, Body::wrap_stream(stream))
                }
                Answer::Hangs => std::future::pending().await,
            }
        })
    }

    fn forget(&self, endpoint: &Endpoint) {
        self.forgotten.lock().unwrap().push(endpoint.to_string());
    }
}

fn source(endpoints: &[&str]) -> Arc<FixedSource> {
    let source = FixedSource::default();
    let endpoints = endpoints.iter().map(|url| url.parse().unwrap());
    source.set("user-service", endpoints);
    Arc::new(source)
}

fn builder(script: &Arc<Script>, endpoints: &[&str]) -> ServiceClientBuilder {
    ServiceClient::builder()
        .discovery(source(endpoints))
        .transport(script.clone())
        .seed(1)
}

fn client(script: &Arc<Script>, endpoints: &[&str]) -> ServiceClient {
    builder(script, endpoints).build().unwrap()
}

/// One attempt, whatever comes of it.
async fn once(client: &ServiceClient) -> Result<Response, CallError> {
    let request = client.get("http://user-service/");
    let request = request.with_extension(CallOptions::new().max_retries(0));
    request.send().await.map_err(CallError::from)
}

async fn get(client: &ServiceClient) -> Result<Response, CallError> {
    let url = "http://user-service/users/7?full=yes";
    Ok(client.get(url).send().await?)
}

async fn kind(client: &ServiceClient) -> CallErrorKind {
    get(client).await.unwrap_err().kind()
}

fn inbound(timeout: Duration) -> Txn {
    let mut headers = HeaderMap::new();
    headers.insert("x-gtxid", "the-one".parse().unwrap());
    headers.insert("x-ltxid", "4".parse().unwrap());
    headers.insert("x-txn-branch", "1.2".parse().unwrap());
    let mut incoming = txn::Headers::default().extract(&headers);
    incoming.timeout = Some(timeout);
    Txn::from_incoming(&incoming, || unreachable!(), None, clock::now())
}

#[tokio::test(start_paused = true)]
async fn what_reqwest_itself_finds_wrong_names_the_service_and_its_status_and_no_address() {
    use msa_core::problem::Problem;

    let empty = Answer::Body(Vec::new());
    let answers = [
        Answer::Status(404, Duration::ZERO),
        Answer::Status(200, Duration::ZERO),
        empty,
    ];
    let script = Script::new(answers);
    let client = client(&script, &[A]);
    let refused = get(&client).await.unwrap().error_for_status().unwrap_err();
    let document = Problem::from(refused).to_json();
    assert_eq!(
        document["detail"],
        "the call to user-service failed: it answered 404"
    );
    assert_eq!(document["upstream_status"], 404);
    for _ in 0..2 {
        let read = get(&client).await.unwrap().json::<u8>().await;
        let document = Problem::from(read.unwrap_err()).to_json();
        assert_eq!(document["detail"], "the call to user-service failed: body");
        assert_eq!(document["service"], "user-service");
        assert_eq!(document["status"], 502);
        assert!(!document.to_string().contains("10.0.0.1"), "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logical_name_becomes_an_endpoint_and_the_call_carries_the_transaction() {
    let script = Script::ok();
    let client = client(&script, &[A]);
    let response = txn::scope(inbound(Duration::from_secs(60)), async {
        get(&client).await.unwrap();
        get(&client).await.unwrap()
    })
    .await;
    let asked = "http://user-service/users/7?full=yes";
    assert_eq!(response.url().as_str(), asked, "it can be asked again");
    assert_eq!(response.headers()["x-answer"], "yes");
    assert_eq!(response.content_length(), Some(5));
    assert_eq!(response.text().await.unwrap(), "hello");

    let seen = script.seen();
    assert_eq!(seen[0].url.as_str(), format!("{A}/users/7?full=yes"));
    assert_eq!(seen[0].service, "user-service");
    for (seen, branch) in seen.iter().zip(["1.2.1", "1.2.2"]) {
        assert_eq!(seen.header("x-gtxid"), "the-one");
        assert_eq!(seen.header("x-ltxid"), "5");
        assert_eq!(seen.header("x-txn-branch"), branch);
        assert_eq!(seen.header("x-txn-attempt"), "1");
        assert_eq!(seen.header("x-txn-timeout-ms"), "3000");
    }
}

#[tokio::test(start_paused = true)]
async fn outside_of_a_transaction_each_call_begins_one() {
    let script = Script::ok();
    let client = client(&script, &[A]);
    get(&client).await.unwrap();
    get(&client).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].header("x-gtxid").len(), 32);
    assert_ne!(seen[0].header("x-gtxid"), seen[1].header("x-gtxid"));
    assert_eq!(seen[1].header("x-ltxid"), "2");
    assert_eq!(seen[1].header("x-txn-branch"), "1.1");
}

#[tokio::test(start_paused = true)]
async fn what_the_user_wrote_into_our_headers_is_overwritten() {
    let script = Script::ok();
    let client = client(&script, &[A]);
    client
        .get("http://user-service/")
        .header("x-gtxid", "planted")
        .header("x-gtxid", "twice")
        .header("connection", "x-gtxid, te")
        .send()
        .await
        .unwrap();
    let seen = &script.seen()[0];
    let gtxids: Vec<_> = seen.headers.get_all("x-gtxid").iter().collect();
    assert_eq!(gtxids.len(), 1);
    assert_ne!(gtxids[0], "planted");
    assert_eq!(seen.header("connection"), "te");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_name_says_what_is_known_and_what_to_configure() {
    let script = Script::ok();
    let client = client(&script, &[A]);
    let error = client.get("http://user-servise/x").send().await;
    let error = CallError::from(error.unwrap_err());
    assert_eq!(error.kind(), CallErrorKind::NoEndpoint);
    assert_eq!(error.service(), Some("user-servise"));
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = error.to_string();
    for part in [
        "did you mean `user-service`?",
        "clients.user-servise.endpoints",
        "clients.user-servise.allow_plain_hosts",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(script.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_known_later_is_found_later() {
    let script = Script::ok();
    let source = source(&[A]);
    let client = ServiceClient::builder()
        .discovery(source.clone())
        .transport(script.clone())
        .build()
        .unwrap();
    let call = || client.get("http://late/").send();
    assert!(call().await.is_err());
    source.set("late", [B.parse().unwrap()]);
    assert!(call().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_service_without_instances_is_an_immediate_error() {
    let script = Script::ok();
    let client = client(&script, &[]);
    let before = clock::now();
    let error = get(&client).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NoEndpoint);
    assert!(error.to_string().contains("no instance now"), "{error}");
    assert!(error.gtxid().is_some() && error.never_sent());
    assert_eq!(clock::since(before), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_plain_host_is_its_own_endpoint_where_that_is_allowed() {
    let script = Script::ok();
    let allowed = builder(&script, &[A])
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    let call = async |client: &ServiceClient, url: &str| client.get(url).send().await;
    call(&allowed, "http://example.org:3000/a").await.unwrap();
    call(&allowed, "http://example.org:3001/a").await.unwrap();
    call(&allowed, "http://user-service/a").await.unwrap();
    assert_eq!(
        script.endpoints(),
        ["http://example.org:3000", "http://example.org:3001", A]
    );

    let mut settings = Settings::default();
    let mut plain = ClientSettings::default();
    plain.allow_plain_hosts = true;
    settings.clients.insert("partner".into(), plain);
    let by_name = builder(&script, &[A]).settings(settings).build().unwrap();
    call(&by_name, "http://partner/").await.unwrap();
    assert!(call(&by_name, "http://other/").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_plain_host_that_discovery_learns_of_becomes_a_service() {
    let script = Script::ok();
    let source = source(&[A]);
    let client = ServiceClient::builder()
        .discovery(source.clone())
        .transport(script.clone())
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    client.get("http://late/").send().await.unwrap();
    source.set("late", [B.parse().unwrap()]);
    tokio::time::advance(Duration::from_secs(1)).await;
    client.get("http://late/").send().await.unwrap();
    assert_eq!(script.endpoints(), ["http://late:80", B]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_at_its_timeout() {
    let script = Script::new([Answer::Hangs]);
    let client = client(&script, &[A, B]);
    let before = clock::now();
    let error = once(&client).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::AttemptTimeout);
    assert_eq!(error.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(!error.never_sent());
    assert_eq!(error.attempts(), 1);
    assert_eq!(clock::since(before), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn the_soonest_of_all_deadlines_holds_and_is_propagated() {
    let ms = Duration::from_millis;
    let script = Script::new([Answer::Hangs]);
    let mut settings = ClientSettings::default();
    settings.timeout = Span::secs(2);
    let client = builder(&script, &[A])
        .client_settings(settings)
        .build()
        .unwrap();

    let measure = async |inherited: u64, options: CallOptions, own: Option<Duration>| {
        let before = clock::now();
        let mut request = client.get("http://user-service/").with_extension(options);
        if let Some(own) = own {
            request = request.timeout(own);
        }
        let call = txn::scope(inbound(ms(inherited)), request.send());
        let error = CallError::from(call.await.unwrap_err());
        let told = script
            .seen()
            .last()
            .unwrap()
            .header("x-txn-timeout-ms")
            .to_owned();
        (error.kind(), clock::since(before).as_millis(), told)
    };
    use CallErrorKind::{AttemptTimeout, DeadlineExceeded};
    let none = CallOptions::new().max_retries(0);
    let deadline = |ms: u128| (DeadlineExceeded, ms, ms.to_string());
    assert_eq!(measure(9000, none, None).await, deadline(2000));
    assert_eq!(measure(700, none, None).await, deadline(700));
    assert_eq!(measure(9000, none, Some(ms(600))).await, deadline(600));
    assert_eq!(
        measure(9000, none.timeout(ms(400)), None).await,
        deadline(400)
    );
    // An option may be longer than the setting; nothing is longer than what was inherited.
    let long = none.timeout(ms(8000)).attempt_timeout(ms(8000));
    assert_eq!(measure(5000, long, None).await, deadline(5000));
    let attempt = none.attempt_timeout(ms(50));
    assert_eq!(
        measure(9000, attempt, None).await,
        (AttemptTimeout, 50, "50".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_is_sent() {
    let script = Script::ok();
    let client = client(&script, &[A]);
    let txn = inbound(Duration::from_millis(5));
    tokio::time::advance(Duration::from_millis(5)).await;
    let error = txn::scope(txn, get(&client)).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    assert_eq!(error.attempts(), 0);
    assert!(script.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_body_unless_it_is_a_stream() {
    let script = Script::new([Answer::Stalls]);
    let client = client(&script, &[A]);
    let before = clock::now();
    let error = get(&client).await.unwrap().bytes().await.unwrap_err();
    assert_eq!(clock::since(before), Duration::from_secs(10));
    let error = CallError::from(error);
    assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
    assert_eq!(error.endpoint().unwrap().to_string(), A);

    let streamed = client
        .get("http://user-service/")
        .with_extension(CallOptions::new().stream());
    let reading = streamed.send().await.unwrap().bytes();
    let day = Duration::from_secs(24 * 60 * 60);
    assert!(tokio::time::timeout(day, reading).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_read_slowly_meets_the_deadline_though_it_is_always_ready() {
    let script = Script::new([Answer::Body(vec!["a"; 100])]);
    let client = client(&script, &[A]);
    let mut response = get(&client).await.unwrap();
    let mut chunks = 0;
    let error = loop {
        match response.chunk().await {
            Ok(chunk) => chunks += chunk.unwrap().len(),
            Err(error) => break error,
        }
        tokio::time::advance(Duration::from_secs(1)).await;
    };
    assert_eq!(chunks, 10);
    assert_eq!(
        CallError::find(&error).unwrap().kind(),
        CallErrorKind::DeadlineExceeded
    );
}

#[tokio::test(start_paused = true)]
async fn a_larger_body_than_allowed_is_an_error_and_one_that_fits_is_not() {
    let script = Script::new([Answer::Body(vec!["12345", "67890"])]);
    let client = client(&script, &[A]);
    let read = async |max: u64| {
        let options = CallOptions::new().max_response(Size::bytes(max));
        let request = client.get("http://user-service/").with_extension(options);
        request.send().await.unwrap().bytes().await
    };
    assert_eq!(read(10).await.unwrap(), Bytes::from("1234567890"));
    let error = read(9).await.unwrap_err();
    let found = CallError::find(&error).unwrap();
    assert_eq!(found.kind(), CallErrorKind::Body);
    assert!(found.to_string().contains("larger than the 9B"), "{found}");

    // A length that is declared is enough: not a byte is read.
    let script = Script::ok();
    let client = builder(&script, &[A]).build().unwrap();
    let options = CallOptions::new().max_response(Size::bytes(4));
    let request = client.get("http://user-service/").with_extension(options);
    let mut response = request.send().await.unwrap();
    let error = CallError::from(response.chunk().await.unwrap_err());
    assert_eq!(error.kind(), CallErrorKind::Body);
}

#[tokio::test(start_paused = true)]
async fn what_never_reached_anybody_is_sent_to_another_endpoint() {
    let refused = Answer::Fail(Failure::Refused);
    let script = Script::new([refused, Answer::Status(200, Duration::ZERO)]);
    let client = client(&script, &[A, B]);
    let request = client.post("http://user-service/").body("once");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let seen = script.seen();
    assert_ne!(seen[0].endpoint, seen[1].endpoint);
    assert_eq!(seen[1].header("x-txn-attempt"), "2");
    assert_eq!(
        seen[0].header("x-txn-branch"),
        seen[1].header("x-txn-branch")
    );
}

#[tokio::test(start_paused = true)]
async fn who_refused_alone_is_asked_again_and_a_closed_connection_is_made_anew() {
    let script = Script::new([Answer::Fail(Failure::Refused)]);
    let error = get(&client(&script, &[A])).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Connect);
    assert_eq!(script.seen().len(), 3);
    let tries: Vec<String> = error.tries().iter().map(ToString::to_string).collect();
    assert_eq!(
        tries,
        [format!("connect at {A}"), format!("connect at {A}")]
    );

    let closed = Answer::Fail(Failure::NeverSent);
    let script = Script::new([closed, Answer::Status(200, Duration::ZERO)]);
    get(&client(&script, &[A])).await.unwrap();
    assert_eq!(script.endpoints(), [A, A]);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_sent_again_at_most_twice() {
    let script = Script::new([Answer::Fail(Failure::NeverSent)]);
    let error = get(&client(&script, &[A, B])).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Connect);
    assert_eq!(error.attempts(), 3);
    assert_eq!(script.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_processed_is_sent_again_only_if_it_is_idempotent() {
    let keyed = |request: RequestBuilder| request.header("idempotency-key", "7");
    let marked =
        |request: RequestBuilder| request.with_extension(CallOptions::new().idempotent(true));
    for failure in [Failure::Reset, Failure::Timeout, Failure::Protocol] {
        let script = Script::new([Answer::Fail(failure)]);
        let attempts = async |request: RequestBuilder| {
            let before = script.seen().len();
            let error = CallError::from(request.send().await.unwrap_err());
            assert_eq!(error.failure(), Some(failure));
            assert!(!error.never_sent());
            assert_eq!(error.attempts() as usize, script.seen().len() - before);
            error.attempts()
        };
        let client = client(&script, &[A, B]);
        let url = "http://user-service/";
        assert_eq!(attempts(client.post(url)).await, 1);
        assert_eq!(attempts(client.get(url)).await, 3);
        assert_eq!(attempts(client.delete(url)).await, 3);
        assert_eq!(attempts(keyed(client.post(url))).await, 3);
        assert_eq!(attempts(marked(client.post(url))).await, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_is_sent_again_unless_much_of_it_was_read() {
    let post = async |script: &Arc<Script>| {
        let chunks = ["one", "two"].map(Ok::<_, std::io::Error>);
        let body = Body::wrap_stream(futures_util::stream::iter(chunks));
        let request = client(script, &[A, B]).post("http://user-service/");
        request.body(body).send().await.map_err(CallError::from)
    };
    let script = Script::new([Answer::Echo]);
    assert_eq!(post(&script).await.unwrap().text().await.unwrap(), "onetwo");

    for failure in [Failure::Refused, Failure::NeverSent] {
        let script = Script::new([Answer::Fail(failure), Answer::Echo]);
        assert_eq!(post(&script).await.unwrap().text().await.unwrap(), "onetwo");
        assert_eq!(script.seen().len(), 2);

        let script = Script::new([Answer::FailHalfRead(failure), Answer::Echo]);
        assert_eq!(post(&script).await.unwrap().text().await.unwrap(), "onetwo");
        assert_eq!(script.seen().len(), 2);

        let script = Script::new([Answer::FailHalfRead(failure)]);
        let body = Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(
            vec![0; 64 * 1024 + 1],
        )]));
        let request = client(&script, &[A, B]).post("http://user-service/");
        let error = CallError::from(request.body(body).send().await.unwrap_err());
        assert_eq!((error.failure(), error.attempts()), (Some(failure), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_left_is_forgotten_and_one_with_a_new_weight_is_not() {
    let script = Script::ok();
    let source = source(&[A, B]);
    let client = ServiceClient::builder()
        .discovery(source.clone())
        .transport(script.clone())
        .build()
        .unwrap();
    get(&client).await.unwrap();
    let heavy: Endpoint = B.parse().unwrap();
    source.set("user-service", [heavy.with_weight(7)]);
    for _ in 0..3 {
        get(&client).await.unwrap();
    }
    assert_eq!(script.endpoints()[1..], [B, B, B]);
    assert_eq!(*script.forgotten.lock().unwrap(), [A]);
}

#[tokio::test(start_paused = true)]
async fn changed_settings_hold_for_the_next_call_and_new_connections_where_those_differ() {
    let script = Script::new([Answer::Hangs]);
    let (change, live) = watch::channel(Arc::new(Settings::default()));
    let client = builder(&script, &[A]).live_settings(live).build().unwrap();
    let mut settings = Settings::default();
    let before = clock::now();
    settings.client.attempt_timeout = Span::secs(1);
    settings.client.retry.max_retries = 0;
    change.send(Arc::new(settings.clone())).unwrap();
    assert_eq!(kind(&client).await, CallErrorKind::AttemptTimeout);
    assert_eq!(clock::since(before), Duration::from_secs(1));
    assert!(script.forgotten.lock().unwrap().is_empty());

    settings.client.http2 = true;
    change.send(Arc::new(settings)).unwrap();
    assert_eq!(kind(&client).await, CallErrorKind::AttemptTimeout);
    assert_eq!(*script.forgotten.lock().unwrap(), [A]);

    // Whoever sent the settings is gone: the last ones stay.
    drop(change);
    let before = clock::now();
    assert_eq!(kind(&client).await, CallErrorKind::AttemptTimeout);
    assert_eq!(clock::since(before), Duration::from_secs(1));
}

/// Notes what every pick is told.
#[derive(Debug)]
struct Noting {
    begun: Instant,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Noting {
    fn note(&self, text: String) {
        self.notes.lock().unwrap().push(text);
    }
}

impl Watch for Noting {
    fn answered(
        &self,
        _slot: &Arc<Slot>,
        answer: balance::Answer,
        latency: Duration,
        _now: Instant,
    ) {
        self.note(format!("{answer:?} after {}", latency.as_millis()));
    }
    fn ended(&self, _slot: &Arc<Slot>, end: End) {
        self.note(match end {
            End::Complete(at) => format!("complete after {}", (at - self.begun).as_millis()),
            End::BodyFailed(at) => format!("body failed after {}", (at - self.begun).as_millis()),
            other => format!("{other:?}"),
        });
    }
}

/// Told of every event of a call, in a line each.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(match event {
            Event::Picked {
                endpoint, attempt, ..
            } => format!("picked {endpoint} {attempt}"),
            Event::AttemptEnded {
                attempt,
                outcome,
                elapsed,
                ..
            } => {
                format!("attempt {attempt} {outcome:?} {}", elapsed.as_millis())
            }
            Event::CallEnded {
                attempts,
                outcome,
                elapsed,
                ..
            } => {
                format!("call {attempts} {outcome:?} {}", elapsed.as_millis())
            }
            other => format!("{other:?}"),
        });
    }
}

async fn noted(
    answer: Answer,
    call: impl AsyncFnOnce(ServiceClient),
) -> (Vec<String>, Vec<String>) {
    let script = Script::new([answer]);
    let notes = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::new(Told::default());
    let shared = notes.clone();
    let client = builder(&script, &[A])
        .balancer(move |_, name| {
            let noting = Noting {
                begun: clock::now(),
                notes: shared.clone(),
            };
            let watches: [Arc<dyn Watch>; 1] = [Arc::new(noting)];
            let fleet = Fleet::with(Measures::default(), None, watches);
            balance::build_on(
                Arc::new(fleet),
                name,
                &BalanceSettings::default(),
                1,
                clock::now(),
            )
        })
        .observer(told.clone())
        .build()
        .unwrap();
    call(client).await;
    let notes = notes.lock().unwrap().clone();
    let told = told.0.lock().unwrap().clone();
    (notes, told)
}

#[tokio::test(start_paused = true)]
async fn a_pick_ends_when_the_body_ends() {
    let answer = Answer::Status(200, Duration::from_millis(20));
    let (notes, told) = noted(answer, async |client| {
        let response = get(&client).await.unwrap();
        tokio::time::advance(Duration::from_millis(5)).await;
        response.bytes().await.unwrap();
    })
    .await;
    assert_eq!(notes, ["Success after 20", "complete after 25"]);
    assert_eq!(
        told,
        [
            "picked 10.0.0.1:8081 1",
            "attempt 1 Status(200) 20",
            "call 1 Status(200) 25"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_is_complete_and_an_error_status_is_no_success() {
    let answer = Answer::Status(500, Duration::ZERO);
    let (notes, told) = noted(answer, async |client| {
        let response = get(&client).await.unwrap();
        tokio::time::advance(Duration::from_millis(5)).await;
        drop(response);
    })
    .await;
    assert_eq!(notes, ["Failure after 0", "complete after 5"]);
    assert_eq!(told[2], "call 1 Status(500) 5");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_before_the_headers_is_neither_success_nor_failure() {
    let (notes, told) = noted(Answer::Hangs, async |client| {
        let call = tokio::time::timeout(Duration::from_millis(7), get(&client));
        assert!(call.await.is_err());
    })
    .await;
    assert_eq!(notes, ["Cancelled"]);
    assert_eq!(told[1..], ["attempt 1 Cancelled 7", "call 1 Cancelled 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_one_more_failure() {
    let (notes, told) = noted(Answer::Stalls, async |client| {
        get(&client).await.unwrap().bytes().await.unwrap_err();
    })
    .await;
    assert_eq!(notes, ["Success after 0", "body failed after 10000"]);
    assert_eq!(told[2], "call 1 Failed(\"deadline_exceeded\") 10000");
}

#[tokio::test(start_paused = true)]
async fn a_users_middleware_sees_the_logical_name_and_its_error_stays_its_own() {
    #[derive(Debug, thiserror::Error)]
    #[error("not on a Sunday")]
    struct Sunday;

    struct Guard;
    impl reqwest_middleware::Middleware for Guard {
        fn handle<'a, 'b, 'c, 'f>(
            &'a self,
            request: Request,
            extensions: &'b mut http::Extensions,
            next: reqwest_middleware::Next<'c>,
        ) -> std::pin::Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'f>>
        where
            'a: 'f,
            'b: 'f,
            'c: 'f,
            Self: 'f,
        {
            Box::pin(async move {
                assert_eq!(request.url().host_str(), Some("user-service"));
                if request.url().path() == "/sunday" {
                    return Err(reqwest_middleware::Error::middleware(Sunday));
                }
                next.run(request, extensions).await
            })
        }
    }
    let script = Script::ok();
    let client = builder(&script, &[A]).with(Guard).build().unwrap();
    get(&client).await.unwrap();
    let error = client
        .get("http://user-service/sunday")
        .send()
        .await
        .unwrap_err();
    let error = CallError::from(error);
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    assert!(error.source().unwrap().to_string().contains("Sunday"));
}
