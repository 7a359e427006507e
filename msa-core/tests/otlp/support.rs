//! Services that export.

use std::ffi::OsString;

use axum::routing::get;
use axum::{Json, Router};
use msa_core::Service;
use msa_core::client::ServiceClient;
use msa_core::config::Loader;
use msa_core::service::Running;

pub(crate) fn service(name: &str, variables: &[(&str, &str)]) -> Service {
    let fixed = [
        ("MSA_SERVER__ADDR", "127.0.0.1:0"),
        ("MSA_ADMIN__ADDR", "127.0.0.1:0"),
        ("MSA_SERVER__DRAIN__LAG", "0s"),
    ];
    let env = fixed.iter().chain(variables);
    let env = env.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let config = Loader::new(name)
        .env(env)
        .toml_str("msa.toml", "")
        .load()
        .unwrap();
    Service::builder(name).with_config(config).unwrap()
}

/// `front` calls `user-service`.
pub(crate) fn two_services(variables: &[(&str, &str)]) -> (Running, Running) {
    let users = service("user-service", variables)
        .routes(Router::new().route("/users/{id}", get(|| async { Json("Ada") })))
        .start()
        .unwrap();
    let endpoints = format!("http://{}", users.addr());
    let endpoints = [("MSA_CLIENTS__USER_SERVICE__ENDPOINTS", endpoints.as_str())];
    let variables: Vec<_> = variables.iter().copied().chain(endpoints).collect();
    let front = service("front", &variables);
    let client = front.client();
    let greet = move || async move {
        let answer = client.get("http://user-service/users/7").send();
        answer.await.unwrap().text().await.unwrap()
    };
    let front = front.routes(Router::new().route("/greet", get(greet)));
    (front.start().unwrap(), users)
}

pub(crate) async fn ask(running: &Running) -> String {
    let client = ServiceClient::builder()
        .allow_plain_hosts(true)
        .build()
        .unwrap();
    let url = format!("http://{}/greet", running.addr());
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.headers()["x-gtxid"].to_str().unwrap().to_owned()
}

pub(crate) async fn stop(running: Running) {
    running.stop();
    running.finished().await.unwrap();
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
