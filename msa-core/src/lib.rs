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
//! use msa_core::prelude::*;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct User {
//!     name: String,
//! }
//!
//! #[service_client(name = "user-service")]
//! trait UserApi {
//!     #[get("/users/{id}")]
//!     async fn user(&self, id: u64) -> Result<User, CallError>;
//! }
//!
//! #[derive(Clone)]
//! struct App {
//!     users: UserApiClient,
//! }
//!
//! #[handler(timeout = "500ms")]
//! async fn greet(State(app): State<App>, Path(id): Path<u64>) -> Result<String, Problem> {
//!     // One instance of the service is called, with the transaction, within the caller's deadline; `?` is a problem document.
//!     let user = app.users.user(id).await?;
//!     Ok(format!("Hello, {}", user.name))
//! }
//!
//! #[msa_core::main]
//! async fn main() -> Result<(), msa_core::Error> {
//!     let service = Service::from_env("greeter")?;
//!     let app = App { users: UserApiClient::new(service.client()) };
//!     service.routes(Router::new().route("/greet/{id}", get(greet)).with_state(app)).run().await
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
//! Attributes are short for calls of public functions, which the page of each shows: [`service_client`](macro@service_client) for
//! [`client::typed`], [`handler`](macro@handler) for [`server::handler`], [`main`](macro@main) for [`run`]. Without them
//! `service.client().get("http://user-service/users/7").send().await?` is reqwest-middleware's own builder.
//!
//! Who has an axum app or a reqwest client already reads
//! [how to add msa to it](https://github.com/msa-rs/msa/blob/main/msa-core/docs/adopting.md); an image, a Kubernetes manifest and the
//! edge are in [deployment](https://github.com/msa-rs/msa/blob/main/msa-core/docs/deployment.md). When something is wrong,
//! [operating](https://github.com/msa-rs/msa/blob/main/msa-core/docs/operating.md) leads from a GTXID to its cause.
//!
//! # Policies by attributes
//!
//! On any `async fn`, free or a method, and on axum's handlers:
//!
//! ```
//! use msa_core::prelude::*;
//!
//! #[timeout(total = "1s", attempt = "300ms")]
//! #[fallback(value = 0)]
//! #[retry(max = 2)]
//! #[circuit_breaker(failure_rate = "50%")]
//! async fn fetch_stock(sku: u64) -> Result<u64, Problem> {
//!     Ok(sku)
//! }
//! ```
//!
//! | attribute | does | by default |
//! | --- | --- | --- |
//! | [`timeout`](macro@timeout) | ends what takes too long, in total or by attempt | a limit must be given |
//! | [`fallback`](macro@fallback) | a value, a function or the last good answer stands in | one must be given |
//! | [`cached`](macro@cached) | gives the last answer again, and lets callers share one call | 1000 answers |
//! | [`bulkhead`](macro@bulkhead) | so many calls at a time | no queue |
//! | `rate_limit` | so many calls a time (feature `rate-limit`) | no waiting |
//! | [`retry`](macro@retry) | calls again | twice, budgeted, 25 ms to 1 s with full jitter |
//! | [`hedge`](macro@hedge) | a further attempt beside one that takes long | after the 95th percentile |
//! | [`circuit_breaker`](macro@circuit_breaker) | stops calling what keeps failing | at 50 % of 20 calls in 10 s |
//!
//! They run in the order of this table, outermost first, however they are written ([`resilience::policy`]); [`attribute`] says what counts as
//! a failure and what they expand to. Values are literals that are checked while compiling, or constants. All of them can be changed while
//! the function runs, by its key, which is `module::function` unless `name = "..."` says another: `policies."orders::fetch_stock".retry.max_retries = 5`, or
//! `.enabled = false` for none. A key that no function has is warned of, with the nearest that one has. As no shell takes `::` in a
//! variable's name, give a function that `MSA_POLICIES__…` is to reach a name of its own.
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
//! | [`attribute`] | what the policy attributes expand to |
//! | [`resilience`] | whether to call, how often, and what instead: retries, budgets, breakers, limits, hedges, fallbacks; each usable alone, or ordered by a [`Policy`](resilience::policy::Policy) |
//! | `fault` | faults on purpose (feature `fault`) |
//! | [`txn`] | the transaction: ids, headers, task-local, [`spawn`] |
//! | [`config`] | layered configuration, secrets, live values |
//! | [`health`] | checks and the three probes |
//! | [`admin`] | the management listener and its pages |
//! | [`telemetry`] | logs, metrics, the [journal](telemetry::journal) of recent transactions; traces: what carries them on, who samples and who records them |
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
//! 5. A page in the [journal](telemetry::journal): its calls, attempts and decisions are noted there.
//! 6. One access log line, and a span where the trace is recorded; the metrics count the request under its matched route.
//! 7. A panic below is 500, logged under its GTXID.
//! 8. Too many hops are 508. Past the deadline the handler is dropped, and the answer is 504.
//! 9. A body that comes too slowly is 408, one that is too large 413.
//! 10. Under overload, with `server.overload.mode = "on"`, what is too much is 503 with `Retry-After`, before its body is read.
//! 11. Compression, where configured.
//! 12. Your router.
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
//! # Looking inside
//!
//! The management listener (`admin.addr`, on the loopback interface unless told otherwise) shows the configuration with its sources,
//! endpoints, breakers and limits, changes log levels and breakers by hand, and explains a transaction by its GTXID: in a browser as the
//! admin page, live, and as text and JSON.
//! `/txn/{gtxid}?scope=all` puts together what each process that took part knows of its calls, attempts and reasons. [`admin`] lists the
//! pages, says who may see them, and how services find each other's.
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
//! | `msa::audit` | `circuit breaker changed by hand`, `log level changed`, `log level as configured again` | info | `peer`, and what was changed |
//! | `msa::audit` | `refused` | warn | `peer`, `method`, `path`, `status`: a request to the management listener that was not allowed |
//! | `msa::audit` | `no TLS connection` | warn | `peer`, `error`: a handshake with the management listener that failed |
//!
//! From the beginning of a [`#[handler]`](macro@handler) on, a request's lines have `handler` and `route` too.
//!
//! Other targets: `msa::accept` (connections), `msa::config` (warnings, reloads), `msa::discovery` (sources), `msa::handler` (a handler that was given up), `msa::health`
//! (a check that fails, or passes again), `msa::problem` (the causes of error answers), `msa::server` (panics), `msa::metrics` and `msa::traces` (numbers and spans that cannot be exported), `msa::txn` (headers
//! that are not well formed, at debug). `log.level = "info,msa::access=warn"` logs only requests that failed.
//!
//! # Metrics
//!
//! `/metrics` of the management listener is what Prometheus scrapes: HTTP by OpenTelemetry's conventions
//! (`http_server_request_duration_seconds`, `http_client_request_duration_seconds`), what the policies decide (`msa_retries_total`,
//! `msa_breaker_state`, `msa_sheds_total` and so on), and the process. In OpenMetrics, latency buckets have examples that name transactions.
//! [Observability](https://github.com/msa-rs/msa/blob/main/msa-core/docs/observability.md) lists every metric, and comes with a Grafana
//! dashboard and alerts. Counting allocates nothing, labels are bounded, ids are never labels: [`telemetry::metrics`].
//!
//! # Traces
//!
//! Every request, call and attempt has a span id, and calls carry `traceparent`, `tracestate` and, where `telemetry.baggage` allows,
//! `baggage` (or B3: `telemetry.propagation`). The trace id is the caller's, else the GTXID. With the feature `otlp`,
//! `OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318` is all that it takes to record them, and to push the metrics; [`telemetry::traces`] tells the spans, their
//! attributes and what they cost, [`telemetry`] has every variable of OpenTelemetry.
//!
//! # Cargo features
//!
//! | feature | default | gives |
//! | --- | --- | --- |
//! | `http2` | yes | HTTP/2 in the server (prior knowledge) and in the client |
//! | `macros` | yes | the attributes, and that functions make their policies known |
//! | `tls` | yes | `https://` endpoints and a management listener by TLS, by rustls with ring and the platform's authorities |
//! | `compression` | | gzip answers, switched on by `server.compression` |
//! | `cors` | | cross-origin answers, switched on by `server.cors.origins` |
//! | `failsafe` | | both ways between our breakers and the crate failsafe |
//! | `rate-limit` | | `resilience::rate_limit`, `clients.<name>.rate_limit` and `server.rate_limit` |
//! | `fault` | | faults on purpose, switched on by `server.fault` and `clients.<name>.fault` |
//! | `otel` | | spans, and those of `tracing` below them; on standard output with `telemetry.traces.exporter = "console"` |
//! | `otlp` | | spans and metrics to an OpenTelemetry collector, over HTTP or gRPC |
//! | `zipkin` | | spans to Zipkin |
//! | `full` | | all of the above |
//! | `test-util` | | `testing`, and the mocks of `#[service_client]`; for `[dev-dependencies]` |
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
//! | `OTEL_…` | `telemetry`: the table in [`telemetry`] |
//! | `TOKIO_WORKER_THREADS` | the threads of [`run`], over `runtime.worker_threads` |
//!
#![doc = include_str!("../docs/configuration.md")]

pub mod admin;
pub mod attribute;
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

pub use service::{Error, Service, run};
pub use txn::{JoinSet, spawn, spawn_blocking};

#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/handler.md")]
pub use msa_macros::handler;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/main.md")]
pub use msa_macros::main;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/service_client.md")]
pub use msa_macros::service_client;

#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/bulkhead.md")]
pub use msa_macros::bulkhead;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/cached.md")]
pub use msa_macros::cached;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/circuit_breaker.md")]
pub use msa_macros::circuit_breaker;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/fallback.md")]
pub use msa_macros::fallback;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/hedge.md")]
pub use msa_macros::hedge;
#[cfg(all(feature = "macros", feature = "rate-limit"))]
#[doc = include_str!("../docs/attributes/rate_limit.md")]
pub use msa_macros::rate_limit;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/retry.md")]
pub use msa_macros::retry;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attributes/timeout.md")]
pub use msa_macros::timeout;

/// The README's first service must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// What is told to those who have a program already must compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/adopting.md")]
struct Adopting;
