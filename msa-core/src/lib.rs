//! msa turns an axum and reqwest program into a dependable microservice, in process and without a sidecar.
//!
//! It carries a **transaction** through headers and task-locals, **calls services by name** with deadlines and typed errors,
//! listens so that **hostile clients** cannot hold it up, **drains** so that no request is lost, answers **probes**, reads its
//! **configuration** the twelve-factor way, and logs lines that name their transaction. Handlers stay axum's, calls reqwest's.
//!
//! This page is the manual: what a service does, shows and can be told. Each module says how and why.
//!
//! # A first service
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use msa_core::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! #[derive(Serialize)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! async fn greet(State(client): State<ServiceClient>, Path(id): Path<u64>) -> Result<Json<Greeting>, Problem> {
//!     // A logical name: one of its instances is called, with the transaction, within the caller's deadline.
//!     let response = client.get(format!("http://user-service/users/{id}")).send().await?;
//!     if response.status() == StatusCode::NOT_FOUND {
//!         return Err(Problem::not_found(format!("there is no user {id}")));
//!     }
//!     let user: User = response.error_for_status()?.json().await?;
//!     Ok(Json(Greeting { text: format!("Hello, {}", user.name) }))
//! }
//!
//! fn main() -> ExitCode {
//!     msa_core::run(async {
//!         let service = Service::from_env("greeter")?;
//!         let routes = Router::new().route("/greet/{id}", get(greet)).with_state(service.client());
//!         service.routes(routes).run().await
//!     })
//! }
//! ```
//!
//! and its `msa.toml`, which says where `user-service` is:
//!
//! ```toml
//! [clients.user-service]
//! endpoints = ["http://10.0.0.1:8081", "http://10.0.0.2:8081"]
//! timeout = "2s"
//! ```
//!
//! Who has an axum app or a reqwest client already reads
//! [how to add msa to it](https://github.com/msa-rs/msa/blob/main/msa-core/docs/adopting.md); an image, a Kubernetes manifest and the
//! edge are in [deployment](https://github.com/msa-rs/msa/blob/main/msa-core/docs/deployment.md).
//!
//! # The modules
//!
//! | module | what it is |
//! | --- | --- |
//! | [`service`] | the whole service: command line, listeners, the end of the process; settings, commands and sources of one's own |
//! | [`server`] | being called: the accept loop and its limits, and the inbound stack as [`server::MsaLayer`] for a plain axum app |
//! | [`problem`] | error answers (RFC 9457), and extractors whose rejections are such |
//! | [`client`] | calling others: [`client::ServiceClient`], its errors, and [`client::ServiceMiddleware`] for a reqwest client of one's own |
//! | [`discovery`] | who is there: endpoints, and the sources that know them |
//! | [`balance`] | which one: eight algorithms, zones and subsets, outlier ejection, slow start |
//! | [`resilience`] | whether to call, how often, and what instead: retries, budgets, breakers, limits, hedges, fallbacks; each usable alone, or ordered by a [`Policy`](resilience::policy::Policy) |
//! | `fault` | faults on purpose (feature `fault`) |
//! | [`txn`] | the transaction: ids, headers, task-local, [`spawn`] |
//! | [`config`] | layered configuration, secrets, live values |
//! | [`health`] | checks and the three probes |
//! | [`admin`] | the management listener |
//! | [`telemetry`] | logs; traces: what carries them on, who samples and who records them |
//! | [`event`] | what msa decides and sees, as one stream for observers |
//! | [`clock`] | the only door to time, so that a paused clock replays anything |
//! | `testing` | in-memory services, scripted upstreams, a recorder, helpers for the paused clock (feature `test-util`) |
//!
//! # A request from its first byte to its last
//!
//! 1. The connection: first-byte, head and idle timeouts, caps, HTTP/2 limits. A head that comes too slowly is 408, one that is
//!    too large 431, one with no `Host` or several 400, no connection left but for probes 503.
//! 2. Probes are answered, past everything below.
//! 3. CORS, where configured.
//! 4. The transaction: ids are read or minted; the answer has `x-gtxid`. The trace goes on, or begins.
//! 5. One access log line, and a span where the trace is recorded.
//! 6. A panic below is 500, logged under its GTXID.
//! 7. Too many hops are 508. Past the deadline the handler is dropped, and the answer is 504.
//! 8. A body that comes too slowly is 408, one that is too large 413.
//! 9. Under overload, with `server.overload.mode = "on"`, what is too much is 503 with `Retry-After`, before its body is read.
//! 10. Compression, where configured.
//! 11. Your router.
//!
//! Every error that msa answers, and an answer of yours that has an error status and nothing else, is a
//! [problem document](problem) with the GTXID in it; what is refused before it is a request (400 and 431 of a head that cannot be
//! read, 408 of one that never ends) has no GTXID yet, and no body when it was sent behind other requests that still waited for
//! their answers. WebSocket and other upgrades, server-sent events and HTTP/2 pass the whole
//! stack; they are tracked, and cut at the end of a drain.
//!
//! A call passes its own list, which [`client`] tells.
//!
//! # Transactions on the wire
//!
//! The first service that a request reaches mints a GTXID and sets LTXID 1. Every call carries the GTXID on and raises the LTXID
//! by one; the branch `B.k` names the k-th call of branch `B`. [`txn`] has the table of headers. A task spawned by [`spawn`],
//! [`spawn_blocking`] or a [`JoinSet`] stays in its transaction, and under its deadline; one of tokio's own does not. Work that outlives
//! its request takes [`Txn::without_deadline`](txn::Txn::without_deadline), as the bodies of streams do by themselves.
//!
//! # Probes
//!
//! | path | 200 when | else |
//! | --- | --- | --- |
//! | `/livez` | every liveness check passes; there are none unless you register one | 503 |
//! | `/readyz` | every readiness check passes, and the service is neither starting nor draining | 503 |
//! | `/startupz` | every startup check has passed once | 503 |
//!
//! On the main listener, past all limits, and on the management listener (`admin.addr`), where `?verbose` shows each check, and
//! beside readiness the advisory ones: `configuration`, when a changed file was refused, and `discovery`, when a source
//! fails; with both the last good state stays in use. `Accept: application/json` gives JSON. [`health`] says what to check where.
//!
//! # Life cycle
//!
//! | phase | begins with | what happens |
//! | --- | --- | --- |
//! | starting | the process | configuration, logs, listeners: milliseconds |
//! | ready | both listeners are bound | requests are taken; checks decide on readiness |
//! | draining | SIGTERM or SIGINT | `/readyz` is 503, requests are still taken for `server.drain.lag`; answers have `x-msa-draining: 1` and close their connection |
//! | closing | the end of the lag | no more connections; requests in flight have `server.drain.deadline`, what is left is cut and logged |
//! | stopped | the last request is over | the management listener closes, background tasks and checks stop, then `on_shutdown` hooks run, last given first, and the last spans are exported, within `server.drain.flush` |
//!
//! A second signal ends the process at once. SIGHUP reads the configuration again.
//!
//! # Exit codes
//!
//! | code | means |
//! | --- | --- |
//! | 0 | it was told to end and has drained, also when the drain had to cut something; or it answered `--help` and the like |
//! | 1 | it cannot listen, its listener failed, or an error of the program's own |
//! | 64 | the command line is not understood |
//! | 78 | the configuration is wrong: everything that is stands on standard error |
//! | 130, 143 | a second SIGINT, a second SIGTERM |
//!
//! The first error of the chain that has a code of its own decides, so a program's own error type may wrap msa's.
//!
//! # Command line
//!
//! | argument | does |
//! | --- | --- |
//! | (none) | serves until it is told to end |
//! | a command | what [`ServiceBuilder::command`](service::ServiceBuilder::command) named, such as `migrate`: the program does it, under the same configuration and logs, without a listener |
//! | `--check-config` | says `ok` or everything that is wrong |
//! | `--print-config` | prints every value with its source, secrets as `***` |
//! | `--print-schema` | prints the JSON Schema of all keys |
//! | `--config-dir DIR` | reads `msa.toml` there |
//! | `--profile NAME` | reads `msa.NAME.toml` too |
//! | `--version`, `--help` | print and exit |
//!
//! # Logs
//!
//! One line an event on standard output: JSON, or text when that is a terminal (`log.format`). Every JSON line has `timestamp`,
//! `level`, `target`, `service` and `message`; one written inside a request has `gtxid`, `ltxid`, `branch`, `trace_id` and `span_id` as well.
//!
//! | target | message | level | fields |
//! | --- | --- | --- | --- |
//! | `msa::access` | `request` | info; warn from 500 on | `method`, `route` (as it was matched, or `unmatched`), `status` (499: the client went away before the answer), `ms` up to the answer's head |
//! | `msa::policy` | `breaker changed`, `ejected`, `returned`, `draining`, `panic mode` | info | `upstream`, `endpoint`, `reason`; single calls' fates (`retried`, `fell back`, `shed` and others) at debug: [`PolicyLog`](telemetry::PolicyLog) |
//! | `msa::lifecycle` | `listening` | info | `addr`, `admin` (the real addresses), `pid` |
//! | `msa::lifecycle` | `draining` | info | `reason`, `lag` |
//! | `msa::lifecycle` | `cut` | warn | `peer`, `method`, `path`, `upgraded`: one of the first 100 requests that were still running at `server.drain.deadline` |
//! | `msa::lifecycle` | `drained` | info | `ms` from the closing of the listener, `open` connections then |
//! | `msa::lifecycle` | `drained` | warn | when something was cut: `cut` requests, `unread` answers and `stuck` connections as well |
//!
//! Other targets: `msa::accept` (connections), `msa::config` (warnings, reloads), `msa::discovery` (sources), `msa::health`
//! (a check that fails, or passes again), `msa::traces` (spans that cannot be exported), `msa::problem` (the causes of error answers), `msa::server` (panics), `msa::txn` (headers
//! that are not well formed, at debug). `log.level = "info,msa::access=warn"` logs only requests that failed.
//!
//! # Traces
//!
//! Every request, call and attempt has a span id, and calls carry `traceparent`, `tracestate` and, where `telemetry.baggage` allows,
//! `baggage` (or B3: `telemetry.propagation`). The trace id is the caller's, else the GTXID. With the feature `otlp`,
//! `OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318` is all that it takes to record them; [`telemetry::traces`] tells the spans, their
//! attributes, what they cost, and every variable of OpenTelemetry.
//!
//! # Cargo features
//!
//! | feature | default | gives |
//! | --- | --- | --- |
//! | `http2` | yes | HTTP/2 in the server (prior knowledge) and in the client |
//! | `tls` | yes | `https://` endpoints, by rustls with ring and the platform's authorities |
//! | `compression` | | gzip answers, switched on by `server.compression` |
//! | `cors` | | cross-origin answers, switched on by `server.cors.origins` |
//! | `failsafe` | | both ways between our breakers and the crate failsafe |
//! | `rate-limit` | | `resilience::rate_limit`, `clients.<name>.rate_limit` and `server.rate_limit` |
//! | `fault` | | faults on purpose, switched on by `server.fault` and `clients.<name>.fault` |
//! | `otel` | | spans, and those of `tracing` below them; on standard output with `telemetry.traces.exporter = "console"` |
//! | `otlp` | | spans to an OpenTelemetry collector, over HTTP or gRPC |
//! | `zipkin` | | spans to Zipkin |
//! | `full` | | all of the above |
//! | `test-util` | | `testing`; for `[dev-dependencies]` |
//!
//! `tls` turns on reqwest's `rustls-no-provider`. A plain `reqwest::Client` of your own needs a provider then: take reqwest's feature
//! `rustls`, or install one with `rustls::crypto::ring::default_provider().install_default()`. [`ServiceClient`](client::ServiceClient)
//! brings its own and leaves the process's choice alone.
//!
//! # Configuration
//!
//! Later ones win, key by key: the defaults below; `msa.toml`; `msa.<profile>.toml`; the files of a secrets folder; variables
//! `MSA_…` with `__` between levels (`MSA_CLIENTS__USER_SERVICE__TIMEOUT=2s`); `PORT`, `RUST_LOG` and the service's own aliases, such
//! as `DATABASE_URL`. Times are written `250ms`, sizes `64KiB`. An unknown key is an error. What is not marked **Restart** takes
//! effect when a file changes. [`config`] tells the rest.
//!
//! | variable | sets |
//! | --- | --- |
//! | `PORT` | the port of `server.addr` |
//! | `RUST_LOG` | `log.level` |
//! | `MSA_CONFIG_DIR` | the folder of `msa.toml`; the working directory unless set |
//! | `MSA_PROFILE` | the profile, whose file must be there; none unless set |
//! | `MSA_SECRETS_DIR` | the folder of secrets, one file a key; none unless set |
//! | `OTEL_…` | `telemetry`: the table in [`telemetry::traces`] |
//! | `TOKIO_WORKER_THREADS` | the threads of [`run`], over `runtime.worker_threads` |
//!
#![doc = include_str!("../docs/configuration.md")]

pub mod admin;
pub mod balance;
pub mod client;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod event;
#[cfg(feature = "fault")]
pub mod fault;
pub mod health;
pub mod prelude;
pub mod problem;
pub mod resilience;
pub mod server;
pub mod service;
mod sync;
pub mod telemetry;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
#[cfg(feature = "tls")]
mod tls;
pub mod txn;

/// What the macros name; not for use by hand, and may change at any time.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use inventory;
}

#[cfg(feature = "macros")]
pub use msa_macros::{handler, main, service_client};
pub use service::{Error, Service, run};
pub use txn::{JoinSet, spawn, spawn_blocking};

/// The README's first service must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// What is told to those who have a program already must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/adopting.md")]
struct Adopting;
