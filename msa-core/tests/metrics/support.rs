//! Two services, one of which calls the other, and what a scrape shows.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use msa_core::Service;
use msa_core::client::{CallError, ServiceClient};
use msa_core::config::Loader;
use msa_core::problem::Problem;
use msa_core::service::Running;

const LOOPBACK: &str = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\n\
                        server.drain = { lag = '0s', deadline = '100ms', flush = '1s' }\n";

pub(crate) fn service(name: &str, toml: &str) -> Service {
    let loader = Loader::new(name).env([("", ""); 0]);
    let loader = loader.toml_str("msa.toml", format!("{LOOPBACK}{toml}"));
    let builder = Service::builder(name).version("1.2.3");
    builder.with_config(loader.load().unwrap()).unwrap()
}

/// Is called: `/left/{id}` is fine, `/broken` is not, and `/hang` never answers.
pub(crate) fn leaf() -> Running {
    let routes = Router::new()
        .route("/left/{id}", get(async || "7 left"))
        .route("/broken", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/hang", get(std::future::pending::<&'static str>));
    service("stock", "").routes(routes).start().unwrap()
}

/// Calls the leaf as `stock`.
pub(crate) fn caller(stock: &Running, toml: &str) -> Running {
    let endpoints = format!("clients.stock.endpoints = ['http://{}']\n", stock.addr());
    let service = service("greeter", &format!("{endpoints}{toml}"));
    let routes = Router::new()
        .route("/greet/{id}", get(greet))
        .route("/fail", get(fail))
        .route("/wait", get(wait))
        .route("/hang", get(std::future::pending::<&'static str>))
        .route("/echo", post(async |body: Bytes| body))
        .with_state(service.client());
    service.routes(routes).start().unwrap()
}

async fn greet(
    State(client): State<ServiceClient>,
    Path(id): Path<u64>,
) -> Result<String, Problem> {
    let left = client.get(format!("http://stock/left/{id}")).send().await?;
    let left = left.text().await.map_err(CallError::from)?;
    Ok(format!("Hello, {left}"))
}

async fn fail(State(client): State<ServiceClient>) -> Result<StatusCode, Problem> {
    let answer = client.get("http://stock/broken").send().await?;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    answer.bytes().await.map_err(CallError::from)?;
    Ok(StatusCode::BAD_GATEWAY)
}

async fn wait(State(client): State<ServiceClient>) -> Result<StatusCode, Problem> {
    Ok(client.get("http://stock/hang").send().await?.status())
}

/// A plain client, without anything of ours.
#[derive(Clone)]
pub(crate) struct Http(Client<HttpConnector, Body>);

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Http {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn get(&self, url: impl AsRef<str>) -> Answer {
        self.ask(Method::GET, url.as_ref(), Body::empty()).await
    }

    pub(crate) async fn ask(&self, method: Method, url: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(url);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// The same of a server that may not be there yet.
    pub(crate) async fn try_get(&self, url: &str) -> Option<Answer> {
        self.try_send(Request::get(url).body(Body::empty()).unwrap())
            .await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&self, request: Request<Body>) -> Option<Answer> {
        let (head, body) = self.0.request(request).await.ok()?.into_parts();
        let text = body.collect().await.ok()?.to_bytes();
        Some(Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(text.to_vec()).unwrap(),
        })
    }
}

/// What `/metrics` told.
pub(crate) struct Scraped {
    pub(crate) text: String,
    pub(crate) kind: String,
}

impl Scraped {
    pub(crate) async fn new(service: &Running, accept: &str) -> Self {
        let url = format!("http://{}/metrics", service.admin_addr().unwrap());
        let request = Request::get(url).header(ACCEPT, accept);
        let answer = Http::new().send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200);
        let kind = answer.headers[CONTENT_TYPE].to_str().unwrap().to_owned();
        Self {
            text: answer.text,
            kind,
        }
    }

    /// The value of the series that is written so.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let line = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        self.text.lines().find_map(line)
    }

    /// The sum of all series of that name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let value = rest
                .strip_prefix(' ')
                .or_else(|| rest.rsplit_once("} ").map(|(_, v)| v));
            value?.parse::<f64>().ok()
        };
        self.text.lines().filter_map(of).sum()
    }
}

pub(crate) async fn scrape(service: &Running) -> Scraped {
    Scraped::new(service, "*/*").await
}
