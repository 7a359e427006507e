//! A service whose log nobody reads any more. The test runs itself as the service.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use axum::Router;
use axum::routing::get;
use msa_core::Service;
use msa_core::config::Loader;

const CHILD: &str = "STALLED_OUTPUT_TEST_CHILD";

/// More lines than a pipe (64 KiB) and what waits for its reader (1 MiB) hold.
const REQUESTS: usize = 6_000;

fn serve() {
    let toml = "log.format = 'json'\nserver.addr = '127.0.0.1:0'\nadmin.addr = '127.0.0.1:0'\nruntime.worker_threads = 1\n\
                server.drain = { lag = '0s', deadline = '1s', flush = '1s' }";
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let loader = Loader::new("stalled").env([("", ""); 0]);
        let config = loader.toml_str("msa.toml", toml).load().unwrap();
        let service = Service::builder("stalled").with_config(config).unwrap();
        let routes = Router::new().route("/", get(async || "here"));
        let running = service.routes(routes).start().unwrap();
        eprintln!("{} {}", running.addr(), running.admin_addr().unwrap());
        // Until it is killed.
        std::future::pending::<()>().await;
    });
}

/// A keep-alive connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn get(&mut self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}

fn connect(addr: &str) -> Client {
    let addr: SocketAddr = addr.parse().unwrap();
    Client(BufReader::new(TcpStream::connect(addr).unwrap()))
}

#[test]
fn a_reader_of_the_log_that_stalls_holds_up_no_request() {
    if std::env::var_os(CHILD).is_some() {
        return serve();
    }
    let name = "a_reader_of_the_log_that_stalls_holds_up_no_request";
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", name])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(service.stderr.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    let (addr, admin) = line.split_once(' ').unwrap();

    let mut client = connect(addr);
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/"), "here");
    }
    let metrics = connect(admin).get("/metrics");
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("msa_log_lost_total "));
    let lost: f64 = lost.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
    assert!(lost > 0.0 && lost < REQUESTS as f64, "{lost}");

    // Somebody reads again: what waited is whole and in order, and it is told what is missing.
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let told = lines.find(|line| {
        let line = line.as_ref().unwrap();
        let is_line = line.starts_with('{') && line.ends_with('}');
        assert!(is_line || !line.contains("msa::"), "{line}");
        line.contains("lines of the log were lost")
    });
    assert!(told.unwrap().unwrap().contains(&format!("\"lost\":{lost}")));
    service.kill().unwrap();
    service.wait().unwrap();
}
