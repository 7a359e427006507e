//! gRPC over real sockets: tonic's generated client over our balancer, and three tonic servers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test fails by panicking

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::Stream;
use msa_core::balance::{self, service::BalanceService};
use msa_core::clock;
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::discovery::{Endpoint, EndpointSet};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Server, server::TcpIncoming};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// One instance: how often it was asked, and whether it fails.
#[derive(Debug, Default)]
struct Instance {
    asked: AtomicUsize,
    broken: AtomicBool,
}

struct Checks(Arc<Instance>);

#[tonic::async_trait]
impl Health for Checks {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        _request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        if self.0.broken.load(Ordering::Relaxed) {
            return Err(Status::internal("broken"));
        }
        Ok(Response::new(HealthCheckResponse::default()))
    }

    async fn watch(
        &self,
        _request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

struct Running {
    instance: Arc<Instance>,
    addr: SocketAddr,
    server: JoinHandle<Result<(), tonic::transport::Error>>,
}

fn start() -> Running {
    let instance = Arc::new(Instance::default());
    let incoming = TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = incoming.local_addr().unwrap();
    let service = HealthServer::new(Checks(instance.clone()));
    let server = tokio::spawn(Server::builder().serve_with_incoming(service, incoming));
    Running {
        instance,
        addr,
        server,
    }
}

fn set<'a>(running: impl IntoIterator<Item = &'a Running>) -> EndpointSet {
    running
        .into_iter()
        .map(|one| Endpoint::at(one.addr))
        .collect()
}

fn balanced(endpoints: watch::Receiver<EndpointSet>) -> HealthClient<BalanceService<Channel>> {
    let settings = BalanceSettings::default();
    let balanced = balance::build(BalancerName::P2cEwma, &settings, 7, clock::now());
    let service = BalanceService::new(balanced, endpoints, |endpoint| {
        Channel::from_shared(endpoint.to_string())
            .unwrap()
            .connect_lazy()
    });
    HealthClient::new(service)
}

async fn ask(
    client: &mut HealthClient<BalanceService<Channel>>,
    times: usize,
) -> Vec<Result<(), Code>> {
    let mut answers = Vec::new();
    for _ in 0..times {
        let answer = client.check(HealthCheckRequest::default()).await;
        answers.push(answer.map(drop).map_err(|status| status.code()));
    }
    answers
}

fn asked(running: &[Running]) -> Vec<usize> {
    let asked = running
        .iter()
        .map(|one| one.instance.asked.swap(0, Ordering::Relaxed));
    asked.collect()
}

#[tokio::test]
async fn a_generated_client_is_balanced_over_three_servers() {
    let running = [start(), start(), start()];
    let (discovery, endpoints) = watch::channel(EndpointSet::default());
    let mut client = balanced(endpoints);

    // Nobody there: an answer all the same.
    assert!(ask(&mut client, 1).await[0].is_err());

    discovery.send(set(&running)).unwrap();
    assert!(ask(&mut client, 90).await.iter().all(Result::is_ok));
    assert!(asked(&running).iter().all(|asked| *asked > 0));

    // One that fails, by trailers or by trailers alone, gets less than its share, which would be 100.
    running[1].instance.broken.store(true, Ordering::Relaxed);
    let failed = ask(&mut client, 300).await;
    assert!(
        failed
            .iter()
            .all(|answer| matches!(answer, Ok(()) | Err(Code::Internal)))
    );
    let share = asked(&running)[1];
    assert!(share < 50, "{share}");

    // One that leaves is not asked any more, and nobody notices.
    discovery.send(set([&running[0], &running[2]])).unwrap();
    assert!(ask(&mut client, 90).await.iter().all(Result::is_ok));
    assert_eq!(asked(&running)[1], 0);
    for one in running {
        one.server.abort();
    }
}

#[tokio::test]
async fn a_server_that_is_gone_draws_few_calls() {
    let [first, second, third] = [start(), start(), start()];
    // A port where nobody listens any more: the connection is refused.
    let gone = second.addr;
    second.server.abort();
    assert!(second.server.await.unwrap_err().is_cancelled());
    let endpoints = [first.addr, gone, third.addr].map(Endpoint::at);
    let (_discovery, endpoints) = watch::channel(endpoints.into_iter().collect());
    let mut client = balanced(endpoints);
    let answers = ask(&mut client, 300).await;
    let lost = answers.iter().filter(|answer| answer.is_err()).count();
    assert!(
        lost < 50,
        "{lost} of 300 lost, where its share would be 100"
    );
    first.server.abort();
    third.server.abort();
}
