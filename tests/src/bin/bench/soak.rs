//! Full load for a long time, while the collector of spans is dead: what grows?

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::ChildStderr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use msa_core::client::ServiceClient;
use msa_core::clock;
use msa_core::problem::Problem;
use tokio::net::{TcpListener, TcpStream};

use crate::args::{Args, Telemetry};
use crate::child::Server;
use crate::load;
use crate::serve::{announce, input_closed, service};
use crate::{Result, on_one_worker};

/// How often it is told how things are.
const EVERY: Duration = Duration::from_secs(10);

/// A service that answers `/hello` with what the upstream answered, and tells what became of its spans.
pub(crate) async fn front(
    telemetry: Telemetry,
    collector: Option<SocketAddr>,
    upstream: SocketAddr,
) -> Result<()> {
    let toml = format!("clients.hello-service.endpoints = ['http://{upstream}']");
    let service = service(telemetry, collector, &toml)?;
    let traces = service.traces().clone();
    let routes = Router::new()
        .route("/hello", get(hello))
        .with_state(service.client());
    let running = service.routes(routes).start()?;
    announce(running.addr());
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let spans = traces.counts();
            eprintln!(
                "spans exported {}, failed {}, dropped {}",
                spans.exported, spans.failed, spans.dropped
            );
        }
    });
    input_closed().await
}

async fn hello(State(client): State<ServiceClient>) -> std::result::Result<String, Problem> {
    let answer = client.get("http://hello-service/hello").send().await?;
    Ok(answer.text().await?)
}

/// Runs the load, and prints a line now and then.
pub(crate) fn run(args: &Args) -> Result<()> {
    let upstream = Server::start(&["upstream"], None)?;
    let silent = Server::start(&["silent"], None)?;
    let (to, collector) = (upstream.addr.to_string(), silent.addr.to_string());
    let mode = [
        "serve-front",
        &to,
        "--telemetry",
        "otlp-100",
        "--collector",
        &collector,
    ];
    let mut front = Server::start(&mode, None)?;
    let said = front
        .said
        .take()
        .ok_or("the service has no standard error")?;
    let (addr, pid, seconds) = (front.addr, front.pid(), args.seconds);
    println!(
        "{seconds} s of full load, {} at a time; a service that calls another; all traces go to a collector that",
        args.parallel
    );
    println!("takes connections and never answers; standard output goes to /dev/null\n");
    println!("| second | requests | errors | resident KiB | spans |");
    println!("| --- | --- | --- | --- | --- |");
    let parallel = args.parallel;
    on_one_worker(async move {
        let done = Arc::new(Counts::default());
        let until = clock::now() + Duration::from_secs(seconds);
        for _ in 0..parallel {
            let done = done.clone();
            tokio::spawn(async move {
                while clock::now() < until {
                    if ask(addr, &done, until).await.is_err() {
                        done.errors.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        tokio::task::spawn_blocking(move || tell(said, pid, &done, seconds)).await?
    })?;
    for server in [front, silent, upstream] {
        server.stop()?;
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    answers: AtomicU64,
    errors: AtomicU64,
}

/// Asks on one connection until it breaks or the time is over.
async fn ask(addr: SocketAddr, done: &Counts, until: clock::Instant) -> Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    while clock::now() < until {
        load::ask(&mut stream, 1).await?;
        done.answers.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A line for each that the service writes.
fn tell(said: BufReader<ChildStderr>, pid: u32, done: &Counts, seconds: u64) -> Result<()> {
    let mut lines = said.lines();
    for count in 1..=seconds / EVERY.as_secs() {
        let Some(spans) = lines.next().transpose()? else {
            return Err("the service has ended".into());
        };
        println!(
            "| {} | {} | {} | {} | {} |",
            count * EVERY.as_secs(),
            done.answers.load(Ordering::Relaxed),
            done.errors.load(Ordering::Relaxed),
            resident(pid)?,
            spans.trim_start_matches("spans ")
        );
    }
    Ok(())
}

/// In KiB.
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .ok_or("the system does not tell what is resident")?
        .parse()?)
}

/// A collector that takes connections and says nothing.
pub(crate) async fn silent() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
            // The oldest are closed, lest it is this process that grows.
            if kept.len() > 100 {
                kept.remove(0);
            }
        }
    });
    input_closed().await
}
