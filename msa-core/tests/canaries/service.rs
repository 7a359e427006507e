//! The service that is looked at: it calls another one in every way that can go wrong, and logs what people log.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use axum::response::Response;
use msa_core::client::typed::TypedClient;
use msa_core::client::{CallError, ServiceClient};
use msa_core::config::Secret;
use msa_core::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Set, it makes the test the service.
pub(crate) const CHILD: &str = "CANARIES_CHILD";

/// What an operator configured as a secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Vault {
    url: Secret,
    tokens: Vec<Secret>,
    stores: BTreeMap<String, Secret>,
}

/// What a programmer forgot to make one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Plain {
    values: BTreeMap<String, String>,
    nested: BTreeMap<String, BTreeMap<String, String>>,
    texts: Vec<String>,
    database_password: String,
    api_key: Option<String>,
    pin: u64,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)] // only read
struct Order {
    id: u64,
    kind: Kind,
    when: std::net::IpAddr,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Small,
}

#[derive(Clone)]
struct App {
    client: ServiceClient,
    typed: TypedClient,
}

pub(crate) fn main() -> ExitCode {
    msa_core::run(async {
        let service = Service::builder("front")
            .section::<Vault>("vault")
            .section::<Plain>("plain")
            .version("1.0.0")
            .from_env()?;
        let vault: Arc<Vault> = service.config().section("vault")?;
        let settings = service.config().settings();
        tracing::info!(?vault, url = %vault.url, config = ?service.config(), admin = ?settings.admin, otlp = ?settings.telemetry.otlp, "as configured");
        let app = App {
            client: service.client(),
            typed: TypedClient::new(service.client(), "back", ""),
        };
        let routes = Router::new()
            .route("/headers", get(headers))
            .route("/order", post(order))
            .route("/query", get(query))
            .route("/path/{id}/{kind}", get(path))
            .route("/typed/{what}", get(typed))
            .route("/raw/{what}", get(raw))
            .route("/unread", get(unread))
            .route("/panic/{what}", get(panics))
            .route("/gone/{what}", get(gone))
            .with_state(app);
        service.routes(routes).run().await
    })
}

/// Logs what it is asked by and answered with, as people do; passes on what it was given.
async fn headers(
    State(app): State<App>,
    headers: http::HeaderMap,
    uri: http::Uri,
) -> Result<Response, Problem> {
    tracing::trace!(?headers, "asked");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut call = app.client.get(format!("http://back{path}"));
    for (name, value) in &headers {
        if name != http::header::HOST {
            // By name and text, as those do who do not know `bearer_auth`.
            call = call.header(name.as_str(), value.as_bytes());
        }
    }
    let answer = call.send().await?;
    tracing::debug!(headers = ?answer.headers(), status = answer.status().as_u16(), "answered");
    let mut response = Response::new(axum::body::Body::empty());
    *response.headers_mut() = answer.headers().clone();
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    Ok(response)
}

async fn order(Json(order): Json<Order>) -> String {
    format!("{}", order.id)
}

async fn query(Query(order): Query<Order>) -> String {
    format!("{}", order.id)
}

async fn path(Path((id, _)): Path<(u64, Kind)>) -> String {
    format!("{id}")
}

async fn typed(
    State(app): State<App>,
    Path(what): Path<String>,
    uri: http::Uri,
) -> Result<String, Problem> {
    let order: Order = ask(&app, &what, &uri).await?;
    Ok(order.id.to_string())
}

async fn ask(app: &App, what: &str, uri: &http::Uri) -> Result<Order, CallError> {
    let mut call = app.typed.get().path("/").parameter("what", what);
    for pair in uri.query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or_default();
        call = call.query(name, value);
    }
    call.json().await
}

async fn raw(
    State(app): State<App>,
    Path(what): Path<String>,
    uri: http::Uri,
) -> Result<String, Problem> {
    let query = uri.query().unwrap_or_default();
    let call = app
        .client
        .get(format!("http://u:{query}@back/{what}?{query}"));
    let answer = call.send().await?.error_for_status()?;
    let order: Order = answer.json().await?;
    Ok(order.id.to_string())
}

/// An error of the program's own, with reqwest's below.
#[derive(Debug, thiserror::Error)]
#[error("the order cannot be had")]
struct Unhad(#[source] reqwest::Error);

async fn unread(State(app): State<App>, uri: http::Uri) -> Result<String, Problem> {
    let query = uri.query().unwrap_or_default();
    let answer = app.client.get(format!("http://back/order?{query}")).send();
    let answer = answer.await?.json::<Order>().await.map_err(Unhad);
    let problem = |error| Problem::new(StatusCode::BAD_GATEWAY).caused_by(error);
    Ok(answer.map_err(problem)?.id.to_string())
}

async fn panics(State(app): State<App>, Path(what): Path<String>, uri: http::Uri) -> String {
    let order = ask(&app, &what, &uri).await.unwrap();
    order.id.to_string()
}

/// Calls that reach nobody.
async fn gone(
    State(app): State<App>,
    Path(what): Path<String>,
    uri: http::Uri,
) -> Result<String, Problem> {
    let query = uri.query().unwrap_or_default();
    let url = match what.as_str() {
        "nobody" => format!("http://nobody/x?{query}"),
        "unknown" => format!("http://u:{query}@unknown/x?{query}"),
        "hostless" => format!("data:text/plain?{query}"),
        _ => format!("http://u:{query}@[bad/x?{query}"),
    };
    let answer = app.client.get(url).send().await?;
    Ok(answer.text().await?)
}
