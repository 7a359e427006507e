//! Those who are called.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use msa_core::config::{ConfigError, Loader};
use msa_core::prelude::*;
use msa_core::service::Running;

/// So many instances has the big one.
pub(crate) const MANY: u16 = 300;

/// The settings of a service that is only called.
pub(crate) fn quiet(name: &str) -> Result<msa_core::config::Config, ConfigError> {
    let toml = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\nserver.drain.lag = '0s'\n";
    let none: [(&str, &str); 0] = [];
    Loader::new(name)
        .env(none)
        .toml_str("msa.toml", toml)
        .load()
}

/// An instance that takes so long.
pub(crate) fn leaf(name: &str, takes: Duration) -> Result<Running, msa_core::Error> {
    let answer = async move |Path(what): Path<String>, headers: HeaderMap| {
        tokio::time::sleep(takes).await;
        let first = headers
            .get("x-txn-attempt")
            .is_none_or(|attempt| attempt == "1");
        match what.as_str() {
            "flaky" if first => StatusCode::SERVICE_UNAVAILABLE,
            "broken" => StatusCode::SERVICE_UNAVAILABLE,
            "0" => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        }
    };
    let service = Service::builder(name).with_config(quiet(name)?)?;
    service
        .routes(Router::new().route("/{what}", get(answer)))
        .start()
}

/// A place where nobody listens.
pub(crate) async fn closed() -> std::io::Result<SocketAddr> {
    tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await?
        .local_addr()
}

/// All instances of the big one, at 300 addresses of the loopback network: one listener for those that live.
pub(crate) async fn crowd() -> std::io::Result<Vec<SocketAddr>> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    let (port, dead) = (listener.local_addr()?.port(), closed().await?.port());
    let router = Router::new().fallback(member);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let place = |n: u16| {
        let ip = Ipv4Addr::new(127, 0, 1 + (n / 250) as u8, 1 + (n % 250) as u8);
        SocketAddr::from((ip, if n % 71 == 9 { dead } else { port }))
    };
    Ok((0..MANY).map(place).collect())
}

/// One of the crowd; which, its own address tells.
async fn member(headers: HeaderMap) -> (StatusCode, HeaderMap) {
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let ip = host.and_then(|host| host.split(':').next()?.parse::<Ipv4Addr>().ok());
    let [_, _, high, low] = ip.unwrap_or(Ipv4Addr::LOCALHOST).octets();
    let n = u64::from(high) * 250 + u64::from(low);
    let slow = n % 43 == 5;
    tokio::time::sleep(Duration::from_millis(if slow {
        70 + n % 30
    } else {
        1 + n * 7 % 13
    }))
    .await;
    let mut more = HeaderMap::new();
    if n % 97 == 3 {
        more.insert("x-msa-draining", HeaderValue::from_static("1"));
    }
    let broken = n % 59 == 7;
    (
        if broken {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::OK
        },
        more,
    )
}
