//! Two instances of a service that play scripts, a client of it, and what the client told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use msa_core::client::{CallError, CallErrorKind, ServiceClient};
use msa_core::clock::{self, Instant};
use msa_core::config::{Loader, Settings};
use msa_core::event::{Event, Observer, Outcome};
use msa_core::testing::{Network, Script, Step};
use reqwest::Response;

pub(crate) const URL: &str = "http://stock/items/7";

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn since(start: Instant) -> u128 {
    clock::since(start).as_millis()
}

/// The settings that this file gives.
pub(crate) fn settings(toml: &str) -> Settings {
    let none: [(&str, &str); 0] = [];
    let loader = Loader::new("tests").toml_str("msa.toml", toml).env(none);
    Settings::clone(&loader.load().unwrap().settings())
}

/// `n` instances of the service `stock` that take their steps from one script, in the order in which they are called.
pub(crate) fn stock(n: usize, steps: impl IntoIterator<Item = Step>) -> (Network, Script) {
    let script = Script::new(steps);
    let network = Network::new();
    for _ in 0..n {
        network.instance("stock", script.clone());
    }
    (network, script)
}

/// A client with these lines under `[clients.stock]`, and what it tells.
pub(crate) fn client(network: &Network, toml: &str) -> (ServiceClient, Arc<Told>) {
    let told = Arc::new(Told::default());
    let client = network
        .client_builder()
        .settings(settings(&format!("[clients.stock]\n{toml}")))
        .observer(told.clone())
        .build()
        .unwrap();
    (client, told)
}

pub(crate) async fn get(client: &ServiceClient) -> Result<Response, CallError> {
    Ok(client.get(URL).send().await?)
}

/// Status and body, or the kind of the error.
pub(crate) async fn outcome(client: &ServiceClient) -> Result<(u16, String), CallErrorKind> {
    let response = get(client).await.map_err(|error| error.kind())?;
    let status = response.status().as_u16();
    let text = response.text().await;
    Ok((status, text.map_err(|error| CallError::from(error).kind())?))
}

/// Every event but the picks, in a line each.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    /// What was told since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Those of it that begin so.
    pub(crate) fn take_only(&self, begin: &str) -> Vec<String> {
        let mut told = self.take();
        told.retain(|line| line.starts_with(begin));
        told
    }
}

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Picked { .. } => return,
            Event::AttemptEnded {
                attempt,
                outcome,
                elapsed,
                ..
            } => format!(
                "attempt {attempt} {} {}",
                text(outcome),
                elapsed.as_millis()
            ),
            Event::CallEnded {
                attempts, outcome, ..
            } => format!("call {attempts} {}", text(outcome)),
            Event::Refused { policy, dark, .. } => format!("refused {policy} {dark}"),
            Event::Retried {
                attempt, reason, ..
            } => format!("retried {attempt} {reason}"),
            Event::RetryRefused { attempt, why, .. } => {
                format!("not retried {attempt} {}", why.as_str())
            }
            Event::Hedged { attempt, after, .. } => {
                format!("hedged {attempt} {}", after.as_millis())
            }
            Event::BreakerChanged { from, to, .. } => format!("breaker {from} {to}"),
            Event::Ejected {
                endpoint,
                reason,
                dark,
                ..
            } => format!("ejected {endpoint} {reason} {dark}"),
            Event::Panicked { on, .. } => format!("panic {on}"),
            Event::FellBack { how, reason, .. } => format!("fell back {how} {reason}"),
            Event::Coalesced { .. } => "coalesced".to_owned(),
            Event::FaultInjected { service, fault } => format!("fault {service} {fault}"),
            Event::LimitChanged { limit, .. } => format!("limit {limit}"),
            Event::Shed { reason, dark, .. } => format!("shed {reason} {dark}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

fn text(outcome: &Outcome<'_>) -> String {
    match outcome {
        Outcome::Status(status) => status.to_string(),
        Outcome::Failed(kind) => (*kind).to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        other => format!("{other:?}"),
    }
}
