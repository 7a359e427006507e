//! A router over a fresh database, and a way to ask it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use banner_service::api::{self, App};
use banner_service::settings::BannerSettings;
use banner_service::store::Store;
use http_body_util::BodyExt;
use msa_core::config::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) struct Fixture {
    pub(crate) settings: Arc<BannerSettings>,
    pub(crate) store: Store,
    /// Holds the SQLite file; empty with another database.
    pub(crate) folder: TempDir,
    router: Router,
}

/// An answer: its status, its headers, and its body if it was JSON.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let fixture = Self::unopened_sqlite("banner.db");
        fixture.store.migrate().await.unwrap();
        fixture
    }

    /// A store in this file of a temporary folder, as it is before anything was asked.
    pub(crate) fn unopened_sqlite(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join(file).display());
        Self::over(&url, folder)
    }

    pub(crate) fn over(url: &str, folder: TempDir) -> Self {
        let settings = Arc::new(BannerSettings {
            database_url: Secret::new(url),
            ..BannerSettings::default()
        });
        let store = Store::new(&settings).unwrap();
        let router = api::router(App {
            settings: settings.clone(),
            store: store.clone(),
        });
        Self {
            settings,
            store,
            folder,
            router,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, None)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(request(Method::DELETE, path, None)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(request(Method::POST, path, Some(body))).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(request(Method::PUT, path, Some(body))).await
    }

    /// Keeps a banner and returns its id.
    pub(crate) async fn banner(&self, title: &str) -> i64 {
        let answer = self.post("/api/banners", &banner(title)).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        answer.json["id"].as_i64().unwrap()
    }

    /// Sends the same request so many times at once.
    pub(crate) async fn at_once(&self, times: usize, path: &str, body: &Value) -> Vec<Answer> {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..times {
            tasks.spawn(send(
                self.router.clone(),
                request(Method::POST, path, Some(body)),
            ));
        }
        tasks.join_all().await
    }
}

pub(crate) fn request(method: Method, path: &str, body: Option<&Value>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    match body {
        None => request.body(Body::empty()),
        Some(json) => request
            .header("content-type", "application/json")
            .body(Body::from(json.to_string())),
    }
    .unwrap()
}

async fn send(router: Router, request: Request<Body>) -> Answer {
    let (head, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer {
        status: head.status,
        headers: head.headers,
        json,
    }
}

pub(crate) fn banner(title: &str) -> Value {
    json!({"title": title, "image_url": "https://example.com/a.png", "link": "https://example.com/"})
}

pub(crate) fn placement(platform: &str, slot: i32, start: &str, end: &str) -> Value {
    json!({"platform": platform, "slot": slot, "start": start, "end": end})
}
