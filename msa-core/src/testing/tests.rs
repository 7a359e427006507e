//! The kit under the client that ships: the whole outbound stack without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::{Router, routing::get};

use super::*;
use crate::client::{CallError, CallErrorKind, ServiceClient};
use crate::clock;
use crate::config::{BalancerName, ClientSettings};
use crate::discovery::FileSource;
use crate::event::Observers;

fn named(name: &'static str) -> Router {
    Router::new().route("/", get(move || async move { name }))
}

async fn ask(client: &ServiceClient) -> Result<String, CallErrorKind> {
    let kind = |error| CallError::from(error).kind();
    let response = client.get("http://users/").send().await.map_err(kind)?;
    Ok(response.text().await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_instance_answers_its_share() {
    let network = Network::new()
        .service("users", named("a"))
        .service("users", named("b"))
        .service("users", named("c"));
    let settings = ClientSettings {
        balancer: BalancerName::RoundRobin,
        ..ClientSettings::default()
    };
    let client = network.client_builder().client_settings(settings);
    let client = client.build().unwrap();
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(ask(&client).await.unwrap());
    }
    answers.sort();
    assert_eq!(answers, ["a", "a", "b", "b", "c", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_cut_off_instance_is_answered_by_another_after_the_connect_timeout() {
    let network = Network::new().service("users", named("a"));
    let lost = network.instance("users", named("b"));
    let recorder = Recorder::new();
    let client = network
        .client_builder()
        .observer(recorder.clone())
        .build()
        .unwrap();
    lost.partition();
    let start = clock::now();
    for _ in 0..4 {
        assert_eq!(ask(&client).await.unwrap(), "a");
    }
    let attempts = recorder.wait_for(4).await;
    let failed = attempts
        .iter()
        .filter(|attempt| attempt.outcome != RecordedOutcome::Status(200))
        .count();
    assert!(failed > 0, "{attempts:?}");
    assert_eq!(attempts.len(), 4 + failed);
    assert_eq!(clock::since(start), Duration::from_secs(failed as u64));
}

#[tokio::test(start_paused = true)]
async fn a_file_decides_which_instances_are_called_and_a_removed_service_has_none() {
    let network = Network::new()
        .service("users", named("a"))
        .service("users", named("b"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("endpoints.json");
    let write = |text: &str| {
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
    };
    write(r#"{"services": {"users": {"endpoints": ["http://users-2.test"]}}}"#);
    let recorder = Recorder::new();
    let source = FileSource::open(&path, Observers::none().with(recorder.clone()));
    tokio::spawn(source.follow(Duration::from_secs(1)));
    let client = ServiceClient::builder()
        .discovery(source)
        .transport(Arc::new(network))
        .build()
        .unwrap();
    assert_eq!(ask(&client).await.unwrap(), "b");

    write(r#"{"services": {}}"#);
    recorder
        .wait_until(|events| {
            events.contains(&Recorded::EndpointsChanged {
                service: "users".to_owned(),
                endpoints: 0,
            })
        })
        .await;
    assert_eq!(ask(&client).await, Err(CallErrorKind::NoEndpoint));
}
