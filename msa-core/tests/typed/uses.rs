//! One trait, used by its client, generically, as a trait object and by its mock.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use msa_core::clock;
use msa_core::prelude::*;
use msa_core::testing::Network;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

/// An argument that cannot be shown.
#[derive(Serialize)]
struct Patch {
    name: String,
}

#[service_client(name = "user-service", path = "/api")]
trait UserApi {
    /// One user.
    #[get("/users/{id}")]
    async fn user(&self, id: u64) -> Result<User, CallError>;

    #[get("/users")]
    async fn named(
        &self,
        #[query] name: &str,
        #[query] call: Option<&str>,
    ) -> Result<Vec<User>, CallError>;

    #[patch("/users/{id}")]
    async fn rename(&self, id: u64, patch: &Patch) -> Result<User, CallError>;

    #[cfg(any())]
    #[get("/never")]
    async fn never(&self) -> Result<Nowhere, CallError>;
}

fn ada(id: u64) -> User {
    User {
        id,
        name: "Ada".to_owned(),
    }
}

fn network() -> Network {
    let users = Router::new()
        .route(
            "/api/users/{id}",
            get(async |Path(id): Path<u64>| Json(ada(id))),
        )
        .route("/api/users", get(async || Json([ada(1), ada(2)])));
    Network::new().service("user-service", users)
}

async fn name_of(users: impl UserApi, id: u64) -> String {
    users.user(id).await.unwrap().name
}

#[derive(Clone)]
struct App<U> {
    users: U,
}

/// A handler over any client: its future has to be `Send`.
async fn greet<U: UserApi>(
    State(app): State<App<U>>,
    Path(id): Path<u64>,
) -> Result<String, Problem> {
    Ok(format!("Hello, {}", app.users.user(id).await?.name))
}

async fn answer<U: UserApi + Clone + 'static>(users: U) -> String {
    let router = Router::new()
        .route("/greet/{id}", get(greet::<U>))
        .with_state(App { users });
    let request = http::Request::get("/greet/7").body(axum::body::Body::empty());
    let response = router.oneshot(request.unwrap()).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1024).await;
    String::from_utf8(body.unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_used_by_its_type_generically_and_as_an_object() {
    let client = UserApiClient::new(network().client().unwrap());
    assert_eq!(client.user(7).await.unwrap(), ada(7));
    assert_eq!(client.named("Ada", None).await.unwrap().len(), 2);
    assert_eq!(name_of(client.clone(), 7).await, "Ada");

    let object: Arc<dyn DynUserApi> = Arc::new(client.clone());
    assert_eq!(object.user(7).await.unwrap(), ada(7));
    assert_eq!(
        name_of(object.clone(), 7).await,
        "Ada",
        "an object is an implementor too"
    );

    assert_eq!(answer(client).await, "Hello, Ada");
    assert_eq!(answer(object).await, "Hello, Ada");
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_in_a_task_of_its_own() {
    let object: Arc<dyn DynUserApi> = Arc::new(UserApiClient::new(network().client().unwrap()));
    let name = String::from("Ada");
    let task = tokio::spawn(async move { object.named(&name, Some("x")).await });
    assert_eq!(task.await.unwrap().unwrap().len(), 2);
}

#[test]
fn a_client_tells_what_it_is() {
    let client = UserApiClient::new(network().client().unwrap());
    let shown = format!("{client:?}");
    assert!(shown.contains("http://user-service/api"), "{shown}");
}

#[tokio::test]
async fn a_trait_is_implemented_by_hand_too() {
    struct Fake;
    impl UserApi for Fake {
        async fn user(&self, id: u64) -> Result<User, CallError> {
            Ok(ada(id))
        }
        async fn named(&self, _: &str, _: Option<&str>) -> Result<Vec<User>, CallError> {
            Ok(Vec::new())
        }
        async fn rename(&self, id: u64, patch: &Patch) -> Result<User, CallError> {
            let name = patch.name.clone();
            Ok(User { id, name })
        }
    }
    let object: Arc<dyn DynUserApi> = Arc::new(Fake);
    assert_eq!(object.user(3).await.unwrap(), ada(3));
}

#[tokio::test]
async fn a_mock_answers_as_it_is_told_and_remembers_its_calls() {
    let mock = UserApiMock::new();
    let mut served = 0;
    mock.on_user(move |id| {
        served += 1;
        if served > 1 {
            return Err(CallError::new(CallErrorKind::CircuitOpen, "enough"));
        }
        Ok(ada(id))
    })
    .on_rename(|id, patch| {
        Ok(User {
            id,
            name: patch.name.clone(),
        })
    })
    .on_named(|name, call| {
        Ok(vec![User {
            id: 1,
            name: format!("{name}{call:?}"),
        }])
    });

    assert_eq!(mock.user(7).await.unwrap(), ada(7));
    assert_eq!(
        mock.clone().user(8).await.unwrap_err().kind(),
        CallErrorKind::CircuitOpen
    );
    let patch = Patch {
        name: "Grace".to_owned(),
    };
    assert_eq!(mock.rename(9, &patch).await.unwrap().name, "Grace");
    assert_eq!(
        mock.named("a", Some("b")).await.unwrap()[0].name,
        "aSome(\"b\")"
    );
    assert_eq!(
        mock.calls(),
        [
            "user(7)",
            "user(8)",
            "rename(9, _)",
            "named(\"a\", Some(\"b\"))"
        ]
    );
    let object: Arc<dyn DynUserApi> = Arc::new(mock);
    let document: serde_json::Value = serde_json::from_str(&answer(object).await).unwrap();
    assert_eq!(document["kind"], "circuit_open");
}

#[tokio::test]
#[should_panic(
    expected = "`UserApiMock` does not know how to answer `user(7)`: tell it by `on_user(|...| ...)` before"
)]
async fn a_mock_that_was_told_nothing_says_what_to_tell_it() {
    let _ = UserApiMock::new().user(7).await; // it panics before there is a result
}

#[tokio::test(start_paused = true)]
async fn a_mock_answers_later_and_several_calls_at_once() {
    let mock = UserApiMock::new();
    mock.async_on_named(|name, _| {
        let user = User {
            id: name.len() as u64,
            name: name.to_owned(),
        };
        async move {
            tokio::time::sleep(Duration::from_millis(10 * user.id)).await;
            Ok(vec![user])
        }
    });
    let start = clock::now();
    let (first, second) = tokio::join!(mock.named("Grace", None), mock.named("Ada", None));
    assert_eq!(
        clock::since(start),
        Duration::from_millis(50),
        "side by side"
    );
    assert_eq!(first.unwrap().first().unwrap().name, "Grace");
    assert_eq!(second.unwrap().first().unwrap().id, 3);
    let never = mock.async_on_user(|_| std::future::pending()).user(7);
    assert!(
        tokio::time::timeout(Duration::from_secs(1), never)
            .await
            .is_err()
    );
    assert_eq!(mock.calls().len(), 3);
}
