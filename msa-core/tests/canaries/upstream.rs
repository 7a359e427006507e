//! The service that is called: it answers with secrets in headers and bodies.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::plant::Canaries;

type Shared = Arc<Mutex<Canaries>>;

/// Listens until the test ends.
pub(crate) async fn listen(canaries: Shared) -> SocketAddr {
    let routes = Router::new()
        .route("/headers", get(headers))
        .route("/order", get(order))
        .route("/kind", get(kind))
        .route("/refused", get(refused))
        .with_state(canaries);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    addr
}

async fn headers(State(canaries): State<Shared>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut canaries = canaries.lock().unwrap();
    for name in [
        header::SET_COOKIE,
        header::SET_COOKIE,
        header::AUTHORIZATION,
    ] {
        let planted = canaries.plant(format!("an answer's {name}"));
        headers.append(
            name,
            HeaderValue::from_str(&format!("sid={planted}; Secure")).unwrap(),
        );
    }
    for name in ["x-api-key", "x-auth-token", "x-shop-key"] {
        let planted = canaries.plant(format!("an answer's {name}"));
        headers.append(name, HeaderValue::from_str(&planted).unwrap());
    }
    headers
}

/// JSON that is not what its reader expects.
async fn order(State(canaries): State<Shared>) -> (HeaderMap, String) {
    let planted = canaries.lock().unwrap().plant("an answer's body");
    (json(), format!(r#"{{"id":"{planted}"}}"#))
}

async fn kind(State(canaries): State<Shared>) -> (HeaderMap, String) {
    let planted = canaries.lock().unwrap().plant("an answer's variant");
    (json(), format!(r#"{{"id":1,"kind":"{planted}"}}"#))
}

/// A problem document with members of its own.
async fn refused(State(canaries): State<Shared>) -> (StatusCode, HeaderMap, String) {
    let planted = canaries
        .lock()
        .unwrap()
        .plant("a member of an answer's document");
    let body = format!(r#"{{"title":"Refused","session":"{planted}"}}"#);
    (StatusCode::CONFLICT, json(), body)
}

fn json() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json)])
}
