//! The same call twice: by reqwest alone, and through a service client.

use std::net::SocketAddr;

use msa_core::clock;
use tokio::task::JoinSet;

use crate::Result;
use crate::args::Telemetry;
use crate::serve::service;

/// Requests before the clock starts: connections are made, pools and caches are filled.
pub(crate) const WARM_UP: usize = 640;

pub(crate) async fn bare(addr: SocketAddr, requests: usize, parallel: usize) -> Result<()> {
    // reqwest is built here without a provider of its own, as msa wants it.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "rustls has a provider already")?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    let url = format!("http://{addr}/hello");
    measure(requests, parallel, move || {
        let request = client.get(&url);
        async move { Ok(request.send().await?.bytes().await?.len()) }
    })
    .await
}

pub(crate) async fn msa(
    (telemetry, collector): (Telemetry, Option<SocketAddr>),
    addr: SocketAddr,
    requests: usize,
    parallel: usize,
) -> Result<()> {
    let toml = format!("clients.hello-service.endpoints = ['http://{addr}']");
    let client = service(telemetry, collector, &toml)?.client();
    measure(requests, parallel, move || {
        let request = client.get("http://hello-service/hello");
        async move { Ok(request.send().await?.bytes().await?.len()) }
    })
    .await
}

/// Makes the calls, so many at a time, and prints the seconds that they took.
async fn measure<F, Fut>(requests: usize, parallel: usize, call: F) -> Result<()>
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<usize>> + Send + 'static,
{
    repeat(WARM_UP / parallel, parallel, &call).await?;
    let began = clock::now();
    repeat(requests / parallel, parallel, &call).await?;
    println!("{}", clock::since(began).as_secs_f64());
    Ok(())
}

async fn repeat<F, Fut>(times: usize, parallel: usize, call: &F) -> Result<()>
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<usize>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..parallel {
        let call = call.clone();
        tasks.spawn(async move {
            for _ in 0..times {
                if call().await? != 5 {
                    return Err("the body was not the one expected".into());
                }
            }
            Result::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
