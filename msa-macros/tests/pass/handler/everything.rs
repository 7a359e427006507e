//! Handlers of many shapes, in a crate that allows nothing.

#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

use axum::body::Bytes;
use axum::extract::Request;
use msa_core::prelude::*;

/// The state.
#[derive(Clone, Debug)]
pub struct App;

/// Lists.
///
/// # Errors
/// None.
#[handler(timeout = "500ms", criticality = "background", name = "list")]
pub async fn list(State(app): State<App>, Path((a, b)): Path<(u64, u64)>) -> Result<String, Problem> {
    std::future::ready(()).await;
    Ok(format!("{app:?}{a}{b}"))
}

#[handler]
async fn bytes(State(_): State<App>, mut body: Bytes) -> Bytes {
    std::future::ready(()).await;
    body.truncate(7);
    body
}

#[handler]
async fn raw(request: Request) -> impl IntoResponse {
    std::future::ready(()).await;
    request.into_body()
}

#[handler]
async fn early(Path(id): Path<u64>, argument_1: Option<Json<u8>>) -> Result<impl IntoResponse, CallError> {
    if id == 0 {
        return Ok("none");
    }
    std::future::ready(()).await;
    let _ = argument_1;
    Ok("some")
}

/// What answers.
pub trait Store: Clone + Send + Sync + 'static {
    /// The text.
    fn text(&self) -> String;
}

#[handler]
async fn generic<S: Store, const N: usize>(State(store): State<S>) -> String {
    std::future::ready(()).await;
    store.text().repeat(N)
}

#[handler]
async fn generic_state<S>(State(store): State<S>) -> String
where
    S: Store,
{
    std::future::ready(()).await;
    store.text()
}

impl Store for App {
    fn text(&self) -> String {
        String::new()
    }
}

impl App {
    #[handler]
    async fn of_type(State(app): State<Self>) -> &'static str {
        std::future::ready(()).await;
        drop(app);
        Self::TEXT
    }

    const TEXT: &'static str = "text";
}

fn main() {
    let _: Router = Router::new()
        .route("/list/{a}/{b}", get(list))
        .route("/bytes", post(bytes))
        .route("/raw", post(raw))
        .route("/early/{id}", get(early))
        .route("/generic", get(generic_state::<App>))
        .route("/times", get(generic::<App, 3>))
        .route("/of-type", get(App::of_type))
        .with_state(App);
}
