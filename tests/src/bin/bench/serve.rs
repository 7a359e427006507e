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
use crate::args::Telemetry;

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

pub(crate) async fn bare() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, hello()).await });
    input_closed().await
}

pub(crate) async fn msa(telemetry: Telemetry, collector: Option<SocketAddr>) -> Result<()> {
    let service = service(telemetry, collector, "")?;
    let running = service.routes(hello()).start()?;
    announce(running.addr());
    input_closed().await
}

/// A service with the defaults but for addresses and what it tells of itself.
pub(crate) fn service(
    telemetry: Telemetry,
    collector: Option<SocketAddr>,
    toml: &str,
) -> Result<Service> {
    let mut settings = format!(
        "server.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\nlog.format = 'json'\n{toml}\n"
    );
    if matches!(telemetry, Telemetry::Off | Telemetry::Quiet) {
        settings.push_str("log.access = false\n");
    }
    if telemetry == Telemetry::Off {
        settings.push_str("telemetry.metrics.enabled = false\ntelemetry.journal.enabled = false\n");
    }
    if let Telemetry::Otlp(percent) = telemetry {
        let collector = collector.ok_or("spans need a --collector to go to")?;
        settings.push_str(&format!(
            "telemetry.otlp.endpoint = 'http://{collector}'\n\
             telemetry.traces.sampler = 'parentbased_traceidratio'\n\
             telemetry.traces.sampler_arg = '{percent}%'\n"
        ));
    }
    let loader = Loader::new("bench").env(Vec::<(OsString, OsString)>::new());
    let config = loader.toml_str("bench", settings).load()?;
    Ok(Service::builder("bench").with_config(config)?)
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
