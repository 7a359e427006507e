//! The service under test: answers what it was asked, by whom and how much came.

use std::process::ExitCode;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ConnectInfo;
use msa_core::prelude::*;
use serde::{Deserialize, Serialize};

use crate::load::checksum;

/// What the service says of a request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) pid: u32,
    /// The caller's end of the connection: tells whether a connection was used again.
    pub(crate) peer: std::net::SocketAddr,
    /// The number in the path, or the length of the body.
    pub(crate) number: u64,
    pub(crate) checksum: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Wait {
    #[serde(default)]
    wait_ms: u64,
}

/// Runs until it is told to end.
pub(crate) fn main() -> ExitCode {
    msa_core::run(async {
        let service = Service::builder("prove")
            .about("Answers what it was asked, for `prove`.")
            .command("serve", "serve until SIGTERM")
            .from_env()?;
        let routes = Router::new()
            .route("/items", post(take))
            .route("/items/{id}", get(give));
        service.routes(routes).run().await
    })
}

async fn give(
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Path(id): Path<u64>,
) -> Json<Answer> {
    Json(Answer {
        pid: std::process::id(),
        peer,
        number: id,
        checksum: 0,
    })
}

async fn take(
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Query(wait): Query<Wait>,
    body: Bytes,
) -> Json<Answer> {
    if wait.wait_ms > 0 {
        tokio::time::sleep(Duration::from_millis(wait.wait_ms)).await;
    }
    Json(Answer {
        pid: std::process::id(),
        peer,
        number: body.len() as u64,
        checksum: checksum(&body),
    })
}
