//! `#[handler]` on axum handlers of all shapes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request};
use msa_core::clock;
use msa_core::config::Settings;
use msa_core::prelude::*;
use msa_core::server::MsaLayer;
use msa_core::testing::Network;
use msa_core::txn;
use serde_json::Value;
use tower::ServiceExt as _;

#[derive(Clone, Default)]
struct App {
    dropped: Arc<AtomicU32>,
    client: Option<ServiceClient>,
}

/// Counts when it is dropped before its time.
struct Guard(Arc<AtomicU32>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[handler]
async fn plain() -> &'static str {
    "plain"
}

#[handler(name = "the-slow-one", timeout = "500ms")]
async fn slow(State(app): State<App>, Path(ms): Path<u64>) -> Result<String, Problem> {
    let _guard = Guard(app.dropped);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    let left = txn::current().unwrap().remaining(clock::now());
    Ok(format!("{left:?}"))
}

/// Documented.
#[handler]
pub(crate) async fn nothing() {}

#[handler]
async fn of_impl(headers: HeaderMap, Json(body): Json<Value>) -> impl IntoResponse {
    (StatusCode::CREATED, format!("{} {body}", headers.len()))
}

#[handler]
async fn of_result_of_impl(Path(fine): Path<bool>) -> Result<impl IntoResponse, Problem> {
    if !fine {
        return Err(Problem::not_found("not fine"));
    }
    Ok((StatusCode::ACCEPTED, "fine"))
}

trait Greeter: Send + Sync + Clone + 'static {
    fn greet(&self) -> String;
}

#[derive(Clone)]
struct Polite;

impl Greeter for Polite {
    fn greet(&self) -> String {
        "Good day".to_owned()
    }
}

#[handler]
async fn generic<G, const TIMES: usize>(State(greeter): State<G>) -> String
where
    G: Greeter,
{
    greeter.greet().repeat(TIMES)
}

struct Api;

impl Api {
    const TEXT: &'static str = "associated";

    #[handler(criticality = "background")]
    async fn associated(State(_): State<App>, State(_): State<App>) -> String {
        format!("{} {}", Self::TEXT, txn::current().unwrap().criticality())
    }
}

/// An error that is a response.
#[derive(Debug)]
struct Teapot;

impl fmt::Display for Teapot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret of the teapot")
    }
}

impl Error for Teapot {}

impl IntoResponse for Teapot {
    fn into_response(self) -> Response {
        StatusCode::IM_A_TEAPOT.into_response()
    }
}

/// One with a document of its own, for all that it could be a response too.
#[derive(Debug)]
struct Taken;

impl From<Taken> for Problem {
    fn from(_: Taken) -> Self {
        Self::new(StatusCode::CONFLICT)
    }
}

/// One that can only be told.
struct Told;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret that is told")
    }
}

#[derive(Debug)]
struct Wrapped(CallError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret around a call")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

type Aliased<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[handler]
async fn teapot() -> Result<String, Teapot> {
    Err(Teapot)
}

#[handler]
async fn taken() -> Result<String, Taken> {
    Err(Taken)
}

#[handler]
async fn told() -> Result<String, Told> {
    Err(Told)
}

#[handler]
async fn text() -> Result<String, String> {
    Err("a secret text".to_owned())
}

#[handler]
async fn aliased() -> Aliased<String> {
    Err("a secret in a box")?
}

#[handler]
async fn wrapped() -> Aliased<String> {
    Err(Wrapped(CallError::new(
        CallErrorKind::DeadlineExceeded,
        "late",
    )))?
}

#[handler]
async fn status() -> Result<String, StatusCode> {
    Err(StatusCode::GONE)
}

#[handler]
async fn failed_call() -> Result<String, CallError> {
    Err(CallError::new(CallErrorKind::CircuitOpen, "open"))
}

#[handler(criticality = "sheddable", timeout = "300ms")]
async fn calls(State(app): State<App>) -> Result<String, Problem> {
    let seen = app.client.unwrap().get("http://below/").send().await?;
    Ok(seen.text().await?)
}

/// Policies above the handler.
#[retry(max = 2, backoff = "10ms")]
#[handler(timeout = "500ms")]
#[timeout("300ms")]
async fn flaky_above(State(app): State<App>, Path(good): Path<u32>) -> Result<String, Problem> {
    flaky(&app, good).await
}

/// The same below it.
#[handler(timeout = "500ms")]
#[timeout("300ms")]
#[retry(max = 2, backoff = "10ms")]
async fn flaky_below(State(app): State<App>, Path(good): Path<u32>) -> Result<String, Problem> {
    flaky(&app, good).await
}

async fn flaky(app: &App, good: u32) -> Result<String, Problem> {
    let call = app.dropped.fetch_add(1, Ordering::Relaxed) + 1;
    if call == 9 {
        std::future::pending::<()>().await;
    }
    if call < good {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE));
    }
    Ok(call.to_string())
}

fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/plain", get(plain))
        .route("/slow/{ms}", get(slow))
        .route("/nothing", get(nothing))
        .route("/impl", post(of_impl))
        .route("/result-of-impl/{fine}", get(of_result_of_impl))
        .route("/associated", get(Api::associated))
        .route("/teapot", get(teapot))
        .route("/taken", get(taken))
        .route("/told", get(told))
        .route("/text", get(text))
        .route("/aliased", get(aliased))
        .route("/wrapped", get(wrapped))
        .route("/status", get(status))
        .route("/failed-call", get(failed_call))
        .route("/calls", get(calls))
        .route("/flaky-above/{good}", get(flaky_above))
        .route("/flaky-below/{good}", get(flaky_below))
        .with_state(app)
        .route("/generic", get(generic::<Polite, 2>).with_state(Polite));
    routes.layer(MsaLayer::new(&Settings::default()).unwrap())
}

async fn ask(router: Router, request: Request<Body>) -> (u16, String) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 4096).await;
    (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
}

async fn get_path(path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty());
    ask(router(App::default()), request.unwrap()).await
}

fn is(status: u16, body: &str) -> (u16, String) {
    (status, body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn handlers_of_all_shapes_answer_as_without_the_attribute() {
    assert_eq!(get_path("/plain").await, is(200, "plain"));
    assert_eq!(get_path("/nothing").await, is(200, ""));
    assert_eq!(get_path("/generic").await, is(200, "Good dayGood day"));
    assert_eq!(get_path("/result-of-impl/true").await, is(202, "fine"));
    assert_eq!(get_path("/result-of-impl/false").await.0, 404);
    assert_eq!(
        get_path("/associated").await,
        is(200, "associated background")
    );
    let request = Request::post("/impl").header("content-type", "application/json");
    let answer = ask(
        router(App::default()),
        request.body(Body::from("[1]")).unwrap(),
    )
    .await;
    assert_eq!(answer, is(201, "1 [1]"));
}

#[tokio::test]
async fn a_handler_is_still_called_by_hand() {
    let path = Path(true);
    assert!(of_result_of_impl(path).await.is_ok());
    nothing().await;
    assert_eq!(told().await.status(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_not_ready_in_time_is_dropped_and_answered_504() {
    let app = App::default();
    let start = clock::now();
    let request = Request::get("/slow/600").body(Body::empty()).unwrap();
    let (status, body) = ask(router(app.clone()), request).await;
    assert_eq!(
        (status, clock::since(start)),
        (504, Duration::from_millis(500))
    );
    assert_eq!(app.dropped.load(Ordering::Relaxed), 1);
    let document: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        document["detail"],
        "the request was not answered within the 500ms that its handler has"
    );
    assert!(document["gtxid"].is_string());
}

#[tokio::test(start_paused = true)]
async fn the_sooner_of_both_deadlines_holds() {
    assert_eq!(get_path("/slow/100").await, is(200, "Some(400ms)"));
    let request = Request::get("/slow/100").header("x-txn-timeout-ms", "300");
    let (_, left) = ask(router(App::default()), request.body(Body::empty()).unwrap()).await;
    assert_eq!(left, "Some(200ms)");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_answered_as_it_says_or_by_500_and_its_text_is_for_the_log() {
    for (path, status) in [
        ("/teapot", 418),
        ("/taken", 409),
        ("/told", 500),
        ("/text", 500),
        ("/aliased", 500),
        ("/wrapped", 504),
        ("/status", 410),
        ("/failed-call", 503),
    ] {
        let (answered, body) = get_path(path).await;
        assert_eq!(answered, status, "{path}: {body}");
        assert!(!body.contains("secret"), "{path}: {body}");
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["status"], status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_calls_is_told_its_criticality_and_its_deadline() {
    let below = Router::new().route(
        "/",
        get(async |headers: HeaderMap| {
            let header = |name: &str| headers[name].to_str().unwrap().to_owned();
            format!(
                "{} {}",
                header("x-msa-criticality"),
                header("x-txn-timeout-ms")
            )
        }),
    );
    let client = Network::new().service("below", below).client().unwrap();
    let app = App {
        client: Some(client),
        ..App::default()
    };
    let request = Request::get("/calls").header("x-msa-criticality", "critical");
    let answer = ask(router(app), request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer, is(200, "sheddable 300"));
}

#[tokio::test(start_paused = true)]
async fn policies_run_inside_of_the_handler_whatever_the_order_of_writing() {
    for path in ["/flaky-above", "/flaky-below"] {
        assert_eq!(get_path(&format!("{path}/3")).await, is(200, "3"), "{path}");
        assert_eq!(get_path(&format!("{path}/4")).await.0, 503, "{path}");
        let app = App::default();
        app.dropped.store(8, Ordering::Relaxed);
        let start = clock::now();
        let request = Request::get(format!("{path}/1")).body(Body::empty());
        let (status, body) = ask(router(app), request.unwrap()).await;
        assert_eq!(
            (status, clock::since(start)),
            (504, Duration::from_millis(300)),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn the_transaction_knows_the_route_that_was_matched() {
    let routes = Router::new().route(
        "/users/{id}",
        get(async || txn::current().unwrap().route().unwrap().to_owned()),
    );
    let routes = routes.fallback(async || format!("{:?}", txn::current().unwrap().route()));
    let routes = routes.layer(MsaLayer::new(&Settings::default()).unwrap());
    let request = Request::get("/users/7").body(Body::empty()).unwrap();
    assert_eq!(ask(routes.clone(), request).await, is(200, "/users/{id}"));
    let request = Request::get("/elsewhere").body(Body::empty()).unwrap();
    assert_eq!(ask(routes, request).await, is(200, "None"));
}

#[handler]
async fn named() -> String {
    let handler = || txn::current().unwrap().handler();
    let spawned = msa_core::spawn(async move { handler().unwrap() }).await;
    format!("{:?} {}", handler(), spawned.unwrap())
}

#[handler(name = "the-outer")]
async fn outer() -> String {
    named().await
}

#[tokio::test]
async fn a_transaction_knows_its_handlers_name_and_of_two_the_outer_one() {
    let ask_for = async |routes: Router| {
        let routes = routes.layer(MsaLayer::new(&Settings::default()).unwrap());
        let request = Request::get("/").body(Body::empty()).unwrap();
        ask(routes, request).await.1
    };
    let route = |method| Router::new().route("/", method);
    let name = "Some(\"handlers::named\") handlers::named";
    assert_eq!(ask_for(route(get(named))).await, name);
    let name = "Some(\"the-outer\") the-outer";
    assert_eq!(ask_for(route(get(outer))).await, name);
    let bare = get(async || format!("{:?}", txn::current().unwrap().handler()));
    assert_eq!(ask_for(route(bare)).await, "None");
}

trait Shelf: Sized {
    async fn fetch(shelf: State<Self>, of: Path<u64>) -> Response;
    async fn count(shelf: State<Self>) -> Result<String, Problem>;
}

#[derive(Clone)]
struct Books(u64);

impl Shelf for Books {
    #[handler(timeout = "500ms")]
    async fn fetch(State(mut shelf): State<Self>, Path(ms): Path<u64>) -> Result<String, Told> {
        if ms == 1 {
            return Err(Told);
        }
        tokio::time::sleep(Duration::from_millis(ms)).await;
        shelf.0 += 1;
        let Self(books) = shelf;
        Ok(books.to_string())
    }

    #[handler]
    async fn count(State(Self(books)): State<Self>) -> Result<String, Problem> {
        Ok(books.to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_of_a_trait_may_name_self() {
    let routes = Router::new()
        .route("/{ms}", get(<Books as Shelf>::fetch))
        .route("/", get(Books::count))
        .with_state(Books(7));
    let routes = routes.layer(MsaLayer::new(&Settings::default()).unwrap());
    let ask = async |path| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        ask(routes.clone(), request).await
    };
    assert_eq!(ask("/").await, is(200, "7"));
    assert_eq!(ask("/10").await, is(200, "8"));
    assert_eq!(ask("/1").await.0, 500);
    assert_eq!(ask("/600").await.0, 504);
}

#[handler(scope = "orders:write")]
async fn write(State(app): State<App>) -> Result<String, Problem> {
    Ok(format!("written {}", app.dropped.load(Ordering::Relaxed)))
}

#[handler(scope = "orders:read orders:write", timeout = "500ms")]
async fn rewrite(State(_app): State<App>, body: String) -> Result<String, Told> {
    Ok(body)
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_asked_of_what_the_authentication_found_and_refused_without_one() {
    use msa_core::server::handler::{Caller, Scopes};

    let routes = || {
        let routes = Router::new()
            .route("/write", get(write))
            .route("/rewrite", post(rewrite));
        routes.with_state(App::default())
    };
    let ask = async |routes: Router, request: http::request::Builder| {
        let routes = routes.layer(MsaLayer::new(&Settings::default()).unwrap());
        let response = routes
            .oneshot(request.body(Body::from("text")).unwrap())
            .await
            .unwrap();
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        (response.status().as_u16(), challenge)
    };
    let missing = r#"Bearer error="insufficient_scope", scope="orders:read orders:write""#;
    for (scopes, write, rewrite) in [
        (
            None,
            401,
            (401, r#"Bearer scope="orders:read orders:write""#),
        ),
        (Some(Scopes::parse("orders:read")), 403, (403, missing)),
        (Some(Scopes::parse("orders:write")), 200, (403, missing)),
        (
            Some(Scopes::parse("a orders:write orders:read")),
            200,
            (200, ""),
        ),
        (Some(Scopes::all()), 200, (200, "")),
    ] {
        let routes = match scopes {
            Some(scopes) => routes().layer(axum::Extension(scopes)),
            None => routes(),
        };
        assert_eq!(ask(routes.clone(), Request::get("/write")).await.0, write);
        let (status, challenge) = ask(routes, Request::post("/rewrite")).await;
        assert_eq!((status, challenge.as_str()), rewrite);
    }
    let caller = Caller::with(Scopes::all());
    assert_eq!(
        write(caller, State(App::default())).await.unwrap(),
        "written 0"
    );
}

#[handler(criticality = "background", timeout = "200ms")]
async fn streams(State(app): State<App>) -> Response {
    let client = app.client.unwrap();
    let body = futures_util::stream::once(async move {
        tokio::time::sleep(Duration::from_secs(1)).await; // longer than the handler has: it is done
        let seen = client.get("http://below/").send().await?;
        seen.text().await.map_err(CallError::from)
    });
    Body::from_stream(body).into_response()
}

#[tokio::test(start_paused = true)]
async fn what_a_streamed_body_calls_is_told_the_handlers_criticality_and_has_its_time() {
    let below = Router::new().route(
        "/",
        get(async |headers: HeaderMap| headers["x-msa-criticality"].to_str().unwrap().to_owned()),
    );
    let client = Network::new().service("below", below).client().unwrap();
    let app = App {
        client: Some(client),
        ..App::default()
    };
    let routes = Router::new().route("/", get(streams)).with_state(app);
    let routes = routes.layer(MsaLayer::new(&Settings::default()).unwrap());
    let request = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(ask(routes, request).await, is(200, "background"));
}
