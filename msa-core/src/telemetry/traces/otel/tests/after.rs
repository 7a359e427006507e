//! What goes on after the handler: bodies that stream, and tasks of their own.

use tokio::sync::Notify;

use super::*;

/// A stream that says `part`, waits at the gate, calls `user-service`, and ends.
fn streamed(
    client: ServiceClient,
    gate: Arc<Notify>,
    end: Option<&'static str>,
) -> axum::body::Body {
    use futures_util::{StreamExt as _, stream};

    let parts = stream::iter([0, 1, 2]).then(move |part| {
        let (client, gate) = (client.clone(), gate.clone());
        async move {
            match (part, end) {
                (1, _) => {
                    gate.notified().await;
                    let called = client.get("http://user-service/").send();
                    called.await.unwrap();
                    Ok("called")
                }
                (2, Some(error)) => Err(error),
                _ => Ok("part"),
            }
        }
    });
    axum::body::Body::from_stream(parts)
}

#[tokio::test(start_paused = true)]
async fn a_requests_span_ends_with_its_answers_body_and_what_the_body_calls_stands_below() {
    for error in [None, Some("lost")] {
        let kept = Kept::new();
        let network = Network::new().service("user-service", Script::new([Step::status(200)]));
        let client = kept.client(&network);
        let gate = Arc::new(Notify::new());
        let opened = gate.clone();
        let stream = move || async move { streamed(client, opened, error) };
        let routes = Router::new().route("/", get(stream));
        network.instance("front", routes.layer(kept.layer()));
        let answer = network.client().unwrap().get("http://front/").send();
        let answer = answer.await.unwrap();
        assert_eq!(kept.spans().await, [], "the head is there, and no more");
        tokio::time::advance(Duration::from_secs(3)).await;
        gate.notify_one();
        assert_eq!(answer.text().await.is_err(), error.is_some());

        let spans = kept.spans().await;
        let server = named(&spans, "GET /")[0];
        let call = named(&spans, "GET user-service")[0];
        assert_eq!(call.parent_span_id, id(server), "{spans:#?}");
        let took = server.end_time.duration_since(server.start_time).unwrap();
        assert!(took >= Duration::from_secs(3), "{took:?}");
        let failed = attribute(server, "error.type");
        assert_eq!(failed.as_deref(), error.map(|_| "body"));
        let status = attribute(server, "http.response.status_code");
        assert_eq!(status.as_deref(), Some("200"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_to_its_end_ends_the_span_when_it_is_dropped() {
    let kept = Kept::new();
    let network = Network::new();
    let client = kept.client(&network);
    let shut = Arc::new(Notify::new());
    let stream = move || async move { streamed(client, shut, None) };
    let routes = Router::new().route("/", get(stream));
    network.instance("front", routes.layer(kept.layer()));
    let answer = network.client().unwrap().get("http://front/").send();
    let mut answer = answer.await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "part");
    drop(answer);
    let mut spans = kept.spans().await;
    while spans.is_empty() {
        tokio::task::yield_now().await;
        spans = kept.spans().await;
    }
    assert_eq!(spans.len(), 1);
    assert_eq!(attribute(&spans[0], "error.type"), None, "it was answered");
}

#[tokio::test(start_paused = true)]
async fn calls_of_new_tasks_stand_below_the_span_that_they_were_spawned_in() {
    use crate::txn::{JoinSet, spawn, spawn_blocking};

    let kept = Kept::new();
    let scripted = Script::new([Step::status(200), Step::status(200), Step::status(200)]);
    let network = Network::new().service("user-service", scripted);
    let client = kept.client(&network);
    let work = move || async move {
        let call = |path: &str| {
            let url = format!("http://user-service/{path}");
            let call = client.get(url).send();
            async move { call.await.unwrap() }
        };
        let blocking = spawn_blocking(|| Context::current().span().span_context().span_id());
        let spawned = spawn(call("spawned"));
        let mut set = JoinSet::new();
        set.spawn(call("set"));
        spawned.await.unwrap();
        set.join_next().await.unwrap().unwrap();
        blocking.await.unwrap().to_string()
    };
    let routes = Router::new().route("/", get(work));
    network.instance("front", routes.layer(kept.layer()));
    let answer = network.client().unwrap().get("http://front/").send();
    let seen = answer.await.unwrap().text().await.unwrap();
    let spans = kept.spans().await;
    let server = named(&spans, "GET /")[0];
    assert_eq!(seen, id(server).to_string());
    let calls = named(&spans, "GET user-service");
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call.parent_span_id, id(server));
        assert!(!call.parent_span_is_remote, "of this very process");
    }
}
