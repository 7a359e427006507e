//! The service whose page it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use msa_core::config::Loader;
use msa_core::discovery::{Endpoint, FixedSource};
use msa_core::event::Observers;
use msa_core::health::Kind;
use msa_core::prelude::*;
use msa_core::resilience::breaker::Breaker;
use msa_core::resilience::policy::Policy;
use msa_core::service::Running;

use super::Scene;
use super::leaves::{closed, crowd, leaf};

/// Would run, if the page let it.
const HOSTILE: &str = "<img src=x onerror=\"window.ran=1\">";

const SETTINGS: &str = "log.level = 'error'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\nserver.drain.lag = '0s'\n\
                        clients.stock-service.timeout = '2s'\nclients.price-service.balancer = 'round-robin'\n\
                        clients.catalog-service.balancer = 'round-robin'\n";

/// Whatever stands between the parts of the program.
#[derive(Clone)]
struct Shop {
    client: ServiceClient,
    quote: Policy,
    quotes: Arc<AtomicU64>,
}

/// Opens it, and those it calls.
pub(crate) async fn open(scene: Scene) -> Result<(Running, Vec<Running>), msa_core::Error> {
    let ms = Duration::from_millis;
    let mut others = Vec::new();
    let known = Arc::new(FixedSource::new(Observers::default()));
    let zone = |n: usize| match (scene, n % 3) {
        (Scene::Hostile, _) => HOSTILE,
        (_, 0) => "seoul-a",
        (_, 1) => "seoul-b",
        _ => "seoul-c",
    };
    if scene != Scene::Alone {
        for (name, times) in [
            ("stock-service", vec![4, 7, 55]),
            ("user-service", vec![3, 3]),
            ("price-service", vec![6, 9]),
        ] {
            let mut places = Vec::new();
            for time in times {
                let running = leaf(name, ms(time))?;
                places.push(running.addr());
                others.push(running);
            }
            if name == "price-service" {
                places.push(closed().await.map_err(msa_core::Error::other)?);
            }
            let each = places.into_iter().enumerate();
            known.set(
                name,
                each.map(|(n, addr)| Endpoint::at(addr).with_zone(zone(n))),
            );
        }
    }
    if scene == Scene::Many {
        let places = crowd().await.map_err(msa_core::Error::other)?;
        let each = places.into_iter().enumerate();
        known.set(
            "catalog-service",
            each.map(|(n, addr)| Endpoint::at(addr).with_zone(zone(n))),
        );
    }
    let name = if scene == Scene::Alone {
        "clock"
    } else {
        "shop"
    };
    let mut settings = SETTINGS.to_owned();
    if scene == Scene::Hostile {
        settings.push_str(&format!("admin.hosts = ['{HOSTILE}']\n"));
    }
    let config = Loader::new(name).toml_str("msa.toml", settings).load()?;
    let builder = Service::builder(name)
        .version("2.4.1")
        .build_info("commit", "7f3a9c1");
    let service = builder.discovery(known).with_config(config)?;
    let policy = if scene == Scene::Hostile {
        HOSTILE
    } else {
        "pricing::quote"
    };
    let shop = Shop {
        client: service.client(),
        quote: Policy::builder(policy)
            .breaker(Breaker::default())
            .register(service.policies())
            .map_err(msa_core::Error::other)?,
        quotes: Arc::default(),
    };
    if scene == Scene::Hostile {
        let check = service.health().check(Kind::Advisory, HOSTILE);
        check.run(|| async { Err::<(), _>(HOSTILE) });
    }
    let mut routes = Router::new().route("/time", get(async || "now"));
    if scene != Scene::Alone {
        routes = routes
            .route("/orders/{id}", get(order))
            .route("/prices/{id}", get(price))
            .route("/users/{id}", get(user))
            .route("/catalog/{id}", get(catalog));
    }
    if scene == Scene::Hostile {
        routes = routes.route(&format!("/hostile/{{{HOSTILE}}}"), get(async || "served"));
    }
    let running = service.routes(routes.with_state(shop)).start()?;
    Ok((running, others))
}

async fn order(State(shop): State<Shop>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let user = shop.client.get("http://user-service/7").send();
    let stock = shop.client.get(format!("http://stock-service/{id}")).send();
    let (user, stock) = futures_util::future::join(user, stock).await;
    user?;
    match stock?.status() {
        status if status.is_server_error() => Ok(StatusCode::BAD_GATEWAY),
        status => Ok(status),
    }
}

async fn price(State(shop): State<Shop>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let nth = shop.quotes.fetch_add(1, Ordering::Relaxed);
    let quoted = shop.quote.call(async || match nth % 9 {
        0 => Err(std::io::Error::other("no quote")),
        _ => Ok(()),
    });
    // Without a quote the list's price holds.
    let _ = quoted.await;
    let call = shop.client.get(format!("http://price-service/{id}"));
    Ok(call.send().await?.status())
}

async fn user(State(shop): State<Shop>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let call = shop.client.get(format!("http://user-service/{id}"));
    Ok(call.send().await?.status())
}

async fn catalog(State(shop): State<Shop>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let call = shop.client.get(format!("http://catalog-service/{id}"));
    Ok(call.send().await?.status())
}
