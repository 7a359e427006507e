//! A service whose admin page is worth looking at: it calls others, some of which are not well.
//!
//! ```text
//! cargo run -p msa-tests --bin page-demo -- few      # three services, a handful of endpoints
//! cargo run -p msa-tests --bin page-demo -- many     # and one with 300
//! cargo run -p msa-tests --bin page-demo -- alone    # calls nobody
//! cargo run -p msa-tests --bin page-demo -- hostile  # as few, with names that try to run in the page
//! ```
//!
//! It prints where it and its management listener are as one line of JSON, sends itself requests, and reads its settings as every service
//! does: `MSA_ADMIN__ADDR=127.0.0.1:9090` opens the page where its users expect it.

mod leaves;
mod shop;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use msa_core::service::Running;

/// What it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    Few,
    Many,
    Alone,
    Hostile,
}

fn main() -> ExitCode {
    let scene = match std::env::args().nth(1).as_deref() {
        None | Some("few") => Scene::Few,
        Some("many") => Scene::Many,
        Some("alone") => Scene::Alone,
        Some("hostile") => Scene::Hostile,
        Some(other) => {
            eprintln!("`{other}` is none of few, many, alone, hostile");
            return ExitCode::from(64);
        }
    };
    // Without one reqwest builds no client; a second attempt to install it would be the only error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    msa_core::run(async move {
        let (running, _others) = shop::open(scene).await?;
        announce(&running);
        let customers = customers(&running, scene);
        let ended = running.finished().await;
        customers.abort();
        ended.map(drop)
    })
}

fn announce(running: &Running) {
    let admin = running.admin_addr().map(|addr| addr.to_string());
    let line = serde_json::json!({ "addr": running.addr().to_string(), "admin": admin });
    println!("{line}");
    // Nobody reads it: then nobody needs it.
    let _ = std::io::stdout().flush();
}

/// Sends requests as customers do.
fn customers(running: &Running, scene: Scene) -> tokio::task::JoinHandle<()> {
    let shop = running.addr();
    let paths: &[&str] = match scene {
        Scene::Few => &[
            "/orders/7",
            "/prices/7",
            "/users/7",
            "/orders/8",
            "/prices/8",
            "/users/0",
            "/orders/flaky",
            "/prices/9",
            "/orders/9",
            "/users/8",
            "/prices/7",
            "/orders/7",
            "/users/9",
            "/prices/8",
            "/orders/8",
            "/users/7",
            "/prices/9",
            "/orders/broken",
        ],
        Scene::Many => &[
            "/catalog/7",
            "/catalog/8",
            "/catalog/9",
            "/orders/7",
            "/catalog/10",
            "/catalog/11",
            "/prices/7",
        ],
        Scene::Alone => &["/time"],
        Scene::Hostile => &["/orders/7", "/orders/flaky", "/prices/7", "/hostile/7"],
    };
    let every = Duration::from_millis(if scene == Scene::Many { 12 } else { 25 });
    tokio::spawn(async move {
        let customer = reqwest::Client::new();
        let mut ticks = tokio::time::interval(every);
        for path in paths.iter().cycle() {
            ticks.tick().await;
            let request = customer.get(format!("http://{shop}{path}"));
            // What came of it is what the page shows.
            tokio::spawn(async move { request.send().await.map(drop) });
        }
    })
}
