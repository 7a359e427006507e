//! `/hystrix.stream` beside a reference implementation, `opossum-hystrix` for Node: the same fields of the same types, so that whatever
//! reads the one reads the other.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::path::PathBuf;
use std::process::Command;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use msa_core::Service;
use msa_core::client::ServiceClient;
use msa_core::config::Loader;
use serde_json::{Map, Value};

/// What ours tells besides: the thread pool that the command belongs to, which the dashboard's servlet tells too.
const OURS_ALONE: [&str; 1] = ["threadPool"];

/// Where npm put the reference: `MSA_TEST_NPM`, else the folder that `.ci/run` installs into.
fn modules() -> PathBuf {
    let folder = std::env::var_os("MSA_TEST_NPM").map(PathBuf::from);
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/npm");
    folder
        .unwrap_or_else(|| default.into())
        .join("node_modules")
}

/// One event of the reference; `None` where it is not installed.
fn reference() -> Option<Value> {
    let modules = modules();
    if !modules.join("opossum-hystrix").is_dir() {
        println!("skipped: opossum-hystrix is not in {}", modules.display());
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hystrix/reference.js");
    let mut node = Command::new("node");
    let Ok(output) = node.arg(script).env("NODE_PATH", modules).output() else {
        println!("skipped: there is no node");
        return None;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    event(&said, "HystrixCommand")
}

/// The first event of this type in a stream.
fn event(stream: &str, kind: &str) -> Option<Value> {
    let lines = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let mut events = lines.map(|data| serde_json::from_str::<Value>(data).unwrap());
    events.find(|event| event.get("type").and_then(Value::as_str) == Some(kind))
}

/// An event of ours, of a service that was called.
async fn ours() -> Value {
    let toml = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\n\
                clients.stock.endpoints = ['http://127.0.0.1:1']\n";
    let loader = Loader::new("front").env([("", ""); 0]);
    let config = loader.toml_str("msa.toml", toml).load().unwrap();
    let service = Service::builder("front").with_config(config).unwrap();
    let call = async |State(client): State<ServiceClient>| {
        let answer = client.get("http://stock/").send().await;
        answer
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let routes = Router::new()
        .route("/", get(call))
        .with_state(service.client());
    let running = service.routes(routes).start().unwrap();

    // reqwest is built here without a provider of its own, as msa wants it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |addr, path: &str| browser.get(format!("http://{addr}{path}")).send();
    get(running.addr(), "/").await.unwrap();
    let mut stream = get(running.admin_addr().unwrap(), "/hystrix.stream")
        .await
        .unwrap();
    let mut read = String::new();
    loop {
        let chunk = stream.chunk().await.unwrap().unwrap();
        read.push_str(std::str::from_utf8(&chunk).unwrap());
        if let Some(event) = event(&read, "HystrixCommand") {
            return event;
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Where `ours` is not as `reference` is.
fn differences(reference: &Map<String, Value>, ours: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in reference {
        match (value, ours.get(name)) {
            (_, None) => found.push(format!("{name} is missing")),
            (Value::Object(inner), Some(Value::Object(own))) => {
                let inside = differences(inner, own);
                found.extend(inside.into_iter().map(|each| format!("{name}: {each}")));
            }
            (value, Some(own)) if kind(value) != kind(own) => {
                found.push(format!("{name} is {}, not {}", kind(own), kind(value)));
            }
            _ => {}
        }
    }
    let more =
        |name: &&String| !reference.contains_key(*name) && !OURS_ALONE.contains(&name.as_str());
    found.extend(
        ours.keys()
            .filter(more)
            .map(|name| format!("{name} is ours alone")),
    );
    found
}

#[tokio::test]
async fn a_command_has_the_fields_of_the_reference_and_their_types() {
    let Some(Value::Object(reference)) = reference() else {
        return;
    };
    assert!(reference.len() > 40, "{reference:?}");
    let Value::Object(ours) = ours().await else {
        panic!("an event is an object");
    };
    let found = differences(&reference, &ours);
    assert!(found.is_empty(), "{found:#?}");
}
