//! The server's own rate and its queue, in the inbound stack.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use axum::routing::{get, post};
use http::Request;
use http_body_util::BodyExt as _;
use msa_core::clock;
use msa_core::event::Observers;
use msa_core::server::MsaLayer;
use tower::ServiceExt as _;

use crate::support::{Told, ms, settings, since};

fn app(toml: &str) -> (Router, MsaLayer, Arc<Told>) {
    let told = Arc::new(Told::default());
    let layer = MsaLayer::new(&settings(toml)).unwrap();
    let layer = layer.observed_by(Observers::none().with(told.clone()));
    let app = Router::new()
        .route("/", get(async || "here"))
        .route("/slow", get(async || tokio::time::sleep(ms(60_000)).await))
        .route("/echo", post(async |body: Bytes| body))
        .layer(layer.clone());
    (app, layer, told)
}

async fn ask(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

async fn see(app: &Router, path: &str) -> Response {
    ask(app, Request::get(path).body(Body::empty()).unwrap()).await
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[cfg(feature = "rate-limit")]
mod rate {
    use super::*;

    const TWO: &str = "[server.rate_limit]\nrate = \"2/m\"\n";

    #[tokio::test(start_paused = true)]
    async fn above_it_requests_are_429_and_told_when_to_come_again() {
        let (app, _, told) = app(TWO);
        let first = see(&app, "/").await;
        assert_eq!(header(&first, "ratelimit-policy"), "\"server\";q=2;w=60");
        assert_eq!(header(&first, "ratelimit"), "\"server\";r=1;t=30");
        assert_eq!(see(&app, "/").await.status(), 200);

        let refused = see(&app, "/").await;
        assert_eq!(refused.status(), 429);
        assert_eq!(header(&refused, "retry-after"), "30");
        assert_eq!(header(&refused, "ratelimit"), "\"server\";r=0;t=60");
        assert_eq!(header(&refused, "content-type"), "application/problem+json");
        assert_eq!(header(&refused, "x-gtxid").len(), 32);
        assert_eq!(told.take(), ["shed rate_limit false"]);

        tokio::time::advance(ms(30_000)).await;
        assert_eq!(see(&app, "/").await.status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_of_a_refused_request_is_not_read() {
        let (app, _, _) = app("[server.rate_limit]\nrate = \"0/s\"");
        let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<Bytes>>());
        let start = clock::now();
        let refused = ask(&app, Request::post("/echo").body(never).unwrap()).await;
        assert_eq!((refused.status().as_u16(), since(start)), (429, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_off_by_default_and_changed_while_requests_run() {
        let (app, layer, _) = app("");
        for _ in 0..1_000 {
            let free = see(&app, "/").await;
            assert_eq!(
                (free.status().as_u16(), header(&free, "ratelimit")),
                (200, "")
            );
        }
        layer.configure(&settings(TWO)).unwrap();
        for status in [200, 200, 429] {
            assert_eq!(see(&app, "/").await.status(), status);
        }
        // The same rate once more is not a new one; another is.
        layer.configure(&settings(TWO)).unwrap();
        assert_eq!(see(&app, "/").await.status(), 429);
        layer
            .configure(&settings("[server.rate_limit]\nrate = \"1/s\""))
            .unwrap();
        assert_eq!(see(&app, "/").await.status(), 200);
        layer.configure(&settings("")).unwrap();
        assert_eq!(see(&app, "/").await.status(), 200);
        assert_eq!(see(&app, "/").await.status(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_dark_it_tells_and_lets_everybody_in() {
        let (app, _, told) = app(&format!("{TWO}dark = true"));
        for _ in 0..3 {
            assert_eq!(see(&app, "/").await.status(), 200);
        }
        assert_eq!(told.take(), ["shed rate_limit true"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_comes_after_the_loop_check_and_counts_what_waited_for_a_place() {
        let overload = "[server.overload]\nmode = \"on\"\nalgorithm = \"fixed\"\ninitial = 1\nqueue.max_wait = \"1m\"\n";
        let (app, _, _) = app(&format!("{overload}[server.rate_limit]\nrate = \"1/h\""));
        let loops = Request::get("/")
            .header("x-ltxid", "33")
            .body(Body::empty());
        assert_eq!(ask(&app, loops.unwrap()).await.status(), 508);
        let slow = see(&app, "/slow");
        let waits = async {
            tokio::time::sleep(ms(1)).await;
            see(&app, "/").await
        };
        let (slow, waited) = tokio::join!(
            async { tokio::time::timeout(ms(100), slow).await.is_err() },
            waits
        );
        assert!(slow);
        assert_eq!(
            (waited.status().as_u16(), header(&waited, "ratelimit")),
            (429, "\"server\";r=0;t=3600")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_place_is_answered_at_its_deadline_and_leaves_the_queue() {
    let overload = "[server.overload]\nmode = \"on\"\nalgorithm = \"fixed\"\ninitial = 1\nqueue.length = 1\nqueue.max_wait = \"1s\"\n";
    let (app, _, _) = app(overload);
    let held = see(&app, "/slow");
    let start = clock::now();
    let others = async {
        tokio::time::sleep(ms(1)).await;
        for n in 1..4 {
            let hurried = Request::get("/").header("x-txn-timeout-ms", "50");
            let answer = ask(&app, hurried.body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status().as_u16(), since(start)), (504, 1 + n * 50));
        }
    };
    let held = async { tokio::time::timeout(ms(500), held).await.is_err() };
    assert!(tokio::join!(held, others).0);
    let answer = see(&app, "/").await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "here", "the place is free again");
}
