//! All that a trait may say, in a crate that allows nothing.

#![deny(warnings, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use msa_core::client::typed::Response;
use msa_core::prelude::*;
use serde::{Deserialize, Serialize};

type Bytes = axum::body::Bytes;

/// A user.
#[derive(Debug, Serialize, Deserialize)]
pub struct User {
    id: u64,
}

/// An error of its own.
#[derive(Debug)]
pub struct MyError(CallError);

impl From<CallError> for MyError {
    fn from(error: CallError) -> Self {
        Self(error)
    }
}

const PATIENCE: Duration = Duration::from_millis(1500);

/// The users.
#[service_client(name = "user-service", path = "/api/v1/")]
pub trait UserApi: Send + Sync {
    /// One of them.
    #[get("/users/{id}")]
    async fn user(&self, id: u64) -> Result<User, CallError>;

    /// One of them, if there is one.
    #[get("/users/{type}/{id}.json?full=1")]
    #[timeout("250ms")]
    #[no_retry]
    async fn maybe(&self, r#type: Cow<'_, str>, id: &str) -> Result<Option<User>, MyError>;

    /// All of them.
    #[get("/users")]
    #[timeout(total = PATIENCE, attempt = "1s")]
    #[retry(3)]
    #[max_response("1MiB")]
    async fn all(
        &self,
        #[query] name: Option<&str>,
        #[query("page-size")] size: u32,
        #[query] ids: &[u64],
        #[header("x-tenant")] tenant: Option<&String>,
    ) -> Result<Vec<User>, CallError>;

    /// One more.
    #[post("/users")]
    #[idempotent]
    async fn add(&self, user: &User) -> std::result::Result<(), CallError>;

    /// With arguments of names that the expansion uses itself.
    #[put("/users/{call}")]
    async fn put(&self, call: u64, #[form] answer: &User, #[query] client: u8, #[query] values: u8) -> Result<Bytes, CallError>;

    /// Gone.
    #[delete("/users/{id}")]
    #[deprecated = "users stay"]
    async fn remove(&self, id: u64) -> Result<Response, CallError>;

    /// Only looked at.
    #[head("/users/{id}")]
    async fn exists(&self, id: u64) -> Result<Option<()>, CallError>;

    /// A stream.
    #[get("/events")]
    #[stream]
    async fn events(&self) -> Result<Response, CallError>;

    /// As it is.
    #[patch("/raw")]
    async fn raw(&self, #[raw] data: Vec<u8>) -> Result<String, CallError>;

    /// Not compiled at all.
    #[cfg(any())]
    #[get("/never")]
    async fn never(&self) -> Result<Nowhere, CallError>;
}

mod inner {
    use super::{CallError, service_client};

    #[service_client("other")]
    pub(super) trait Quiet {
        #[get("/")]
        async fn text(&self) -> Result<String, CallError>;
    }
}

async fn generic(users: impl UserApi) -> Result<u64, CallError> {
    users.user(7).await.map(|user| user.id)
}

fn is_send<T: Send>(future: T) -> T {
    future
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = ServiceClient::builder().build()?;
    let users = UserApiClient::new(client.clone());
    drop(is_send(generic(users.clone())));
    let object: Arc<dyn DynUserApi> = Arc::new(users);
    drop(is_send(object.user(7)));
    drop(is_send(generic(object.clone())));
    drop(is_send(generic(UserApiMock::new())));
    let quiet = inner::QuietClient::new(client);
    drop(is_send(inner::Quiet::text(&quiet)));
    Ok(())
}
