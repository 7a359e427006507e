//! The same route twice: by axum alone, and in a service.

use std::ffi::OsString;
use std::io::Read as _;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use msa_core::Service;
use msa_core::config::Loader;
use tokio::net::TcpListener;

use crate::Result;

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

pub(crate) async fn bare() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, hello()).await });
    input_closed().await
}

pub(crate) async fn msa(access_log: bool, journal: bool) -> Result<()> {
    let settings = [
        ("MSA_SERVER__ADDR", "127.0.0.1:0"),
        ("MSA_ADMIN__ADDR", "127.0.0.1:0"),
        ("MSA_LOG__FORMAT", "json"),
        ("MSA_LOG__ACCESS", if access_log { "true" } else { "false" }),
        (
            "MSA_TELEMETRY__JOURNAL__ENABLED",
            if journal { "true" } else { "false" },
        ),
    ];
    let env = settings.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let config = Loader::new("bench").env(env).load()?;
    let service = Service::builder("bench").with_config(config)?;
    let running = service.routes(hello()).start()?;
    announce(running.addr());
    input_closed().await
}

/// Standard output is for logs.
pub(crate) fn announce(addr: SocketAddr) {
    eprintln!("listening {addr}");
}

/// Serves until whoever started the process closes its standard input, or is gone itself.
pub(crate) async fn input_closed() -> Result<()> {
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    // Not by returning: connections that are still open would be waited for.
    std::process::exit(0)
}
