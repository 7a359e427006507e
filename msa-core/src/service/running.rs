//! A service that serves.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::front::Front;
use super::{Error, Hook, Service, background};
use crate::client::transport::ReqwestTransport;
use crate::config::Config;
use crate::health::{Lifecycle, Phase, Probes};
use crate::server::accept::{self, Limits, Listener, Server};
use crate::server::signal::{Reason, Shutdown};
use crate::server::{DrainReport, ServerError, stack};
use crate::telemetry::Logs;
use crate::telemetry::metrics::push::Push;
use crate::telemetry::traces::Traces;
use crate::txn::JoinSet;
use crate::{admin, health};

/// A service that serves; made by [`Service::start`].
///
/// Dropped without [`finished`](Self::finished), it goes on as long as the runtime.
#[must_use = "await `finished` to drain"]
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    admin: Option<SocketAddr>,
    shutdown: Shutdown,
    health: health::Registry,
    whole: JoinHandle<Result<DrainReport, ServerError>>,
}

impl Running {
    /// Where the main listener listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the management listener listens, if there is one.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// The checks and the phase.
    #[must_use]
    pub fn health(&self) -> &health::Registry {
        &self.health
    }

    /// Begins the drain.
    pub fn stop(&self) {
        self.shutdown.ask(Reason::Asked);
    }

    /// Waits until the service was told to end, has drained and has closed what it opened.
    ///
    /// # Errors
    ///
    /// A listener failed while nobody had asked for the end. The service has been closed then as well as that goes.
    pub async fn finished(self) -> Result<DrainReport, Error> {
        match self.whole.await {
            Ok(ended) => Ok(ended?),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime goes down: nothing is left to report.
            Err(_) => Ok(DrainReport::default()),
        }
    }
}

pub(super) fn start(mut service: Service) -> Result<Running, Error> {
    Handle::try_current().map_err(ServerError::Runtime)?;
    let settings = service.config.settings();
    let listener =
        accept::bind(settings.server.addr, "server.addr or PORT").map_err(ServerError::Bind)?;
    let addr = listener.local_addr().map_err(ServerError::Address)?;
    let admin = if settings.admin.enabled {
        let configured = service.config.is_set("admin.addr");
        let listener = admin::bind(&settings.admin, configured).map_err(ServerError::Bind)?;
        let addr = listener.local_addr().map_err(ServerError::Address)?;
        Some((listener, addr))
    } else {
        None
    };
    let admin_addr = admin.as_ref().map(|(_, addr)| *addr);
    let shown = admin_addr.map(tracing::field::display);
    tracing::info!(target: "msa::lifecycle", %addr, admin = shown, pid = std::process::id(), "listening");

    let lifecycle = service.health.lifecycle().clone();
    let router = stack::routed(
        std::mem::take(&mut service.routes),
        &service.layer,
        &settings,
    )?;
    let front = Front {
        probes: Probes::new(service.health.clone()),
        load: service.layer.load(),
        router: router.with_state(()),
        // The process's is current everywhere already.
        policies: (!service.policies.is_process()).then(|| service.policies.clone()),
    };
    let limits = Limits::from(&settings.server);
    let config = service.config.clone();
    let main = Server::new(listener, front, lifecycle.clone())
        .limits(limits.clone())
        .drain_deadline(move || config.settings().server.drain.deadline.get());
    let main = tokio::spawn(main.run());
    let mut push = service.push.take();
    let inside = Arc::new(admin::Inside {
        identity: service.identity.clone(),
        local: admin_addr.unwrap_or(settings.admin.addr),
        secured: service.secured.clone(),
        config: service.config.clone(),
        client: service.client.clone(),
        layer: service.layer.clone(),
        logs: service.logs.clone(),
        journal: service.journal.clone(),
        policies: service.policies.clone(),
        metrics: service.metrics.clone(),
        pushes: push.as_ref().map(Push::counter),
        traces: service.traces.clone(),
        health: service.health.clone(),
        sources: service.sources.clone(),
        hystrix: service.hystrix.clone(),
        watchers: admin::Watchers::default(),
        transport: ReqwestTransport::new(),
    });
    let management = admin.map(|(listener, addr)| {
        let pages = admin::pages(inside.clone(), service.health.clone());
        let lifecycle = lifecycle.clone();
        match &service.secured {
            #[cfg(feature = "tls")]
            Some(secured) => manage(secured.listen(listener), pages, lifecycle, limits),
            _ => {
                // Other services ask there, and not by TLS.
                service.layer.tell_admin(addr);
                manage(listener, pages, lifecycle, limits)
            }
        }
    });
    if let Some(push) = &mut push {
        // In another thread, which is none of this runtime's.
        let runtime = Handle::current();
        push.begin(move || {
            let _inside = runtime.enter();
            admin::collect(&inside).unwrap_or_default()
        });
    }
    service.health.start();
    background::override_policies(&service.policies, &settings);
    let tasks = background::start(&service);
    lifecycle.advance(Phase::Ready);

    let Service {
        shutdown,
        health,
        hooks,
        config,
        traces,
        ..
    } = service;
    let whole = Whole {
        shutdown: shutdown.clone(),
        health: health.clone(),
        main,
        management,
        tasks,
        hooks,
        config,
        logs: service.logs.clone(),
        traces,
        push,
    };
    Ok(Running {
        addr,
        admin: admin_addr,
        shutdown,
        health,
        whole: tokio::spawn(whole.end()),
    })
}

/// Serves the management pages to the very end.
fn manage<L: Listener>(
    listener: L,
    pages: Router,
    lifecycle: Lifecycle,
    limits: Limits,
) -> JoinHandle<DrainReport> {
    let server = Server::new(listener, pages, lifecycle)
        .limits(limits)
        .close_at(Phase::Stopped);
    tokio::spawn(server.drain_deadline(|| Duration::ZERO).run())
}

struct Whole {
    shutdown: Shutdown,
    health: health::Registry,
    main: JoinHandle<DrainReport>,
    management: Option<JoinHandle<DrainReport>>,
    tasks: JoinSet<()>,
    hooks: Vec<Hook>,
    config: Config,
    logs: Logs,
    traces: Traces,
    push: Option<Push>,
}

impl Whole {
    /// The end, in the order that the design gives: not ready, lag, no more connections, drain, tasks, hooks.
    async fn end(mut self) -> Result<DrainReport, ServerError> {
        let lifecycle = self.health.lifecycle().clone();
        let config = self.config.clone();
        let lag = move || config.settings().server.drain.lag.get();
        let early = tokio::select! {
            biased;
            _ = self.shutdown.lead(&lifecycle, lag) => None,
            // Before its time: it panicked, or the program moved the lifecycle by itself.
            ended = &mut self.main => Some(ended),
        };
        lifecycle.advance(Phase::Closing);
        let drained = match early {
            Some(ended) => ended,
            None => self.main.await,
        };
        match &drained {
            Ok(report) => say_drained(report),
            Err(error) => {
                tracing::error!(target: "msa::lifecycle", %error, "the accept loop failed");
            }
        }
        lifecycle.advance(Phase::Stopped);
        if let Some(management) = self.management
            && let Err(error) = management.await
        {
            tracing::error!(target: "msa::lifecycle", %error, "the management listener failed");
        }
        self.health.stop();
        let flush = self.config.settings().server.drain.flush.get();
        let traces = &self.traces;
        let closing = async {
            self.tasks.shutdown().await;
            while let Some(hook) = self.hooks.pop() {
                close(hook).await;
            }
            // What the hooks did has spans too.
            traces.flush().await;
        };
        let pushed = async {
            if let Some(push) = &self.push {
                push.flush().await;
            }
        };
        // The requests' spans and numbers do not wait for a hook that hangs.
        let closing = futures_util::future::join3(traces.flush(), pushed, closing);
        if timeout(flush, closing).await.is_err() {
            tracing::warn!(target: "msa::lifecycle", "on_shutdown, or the export of the last spans and metrics, took longer than server.drain.flush and was left");
        }
        self.logs.flush(LAST_LINES).await;
        drained.map_err(ServerError::Accept)
    }
}

/// How long the last lines of the log wait for a reader that stalls.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Tells what the drain came to, and each request that it cut: whoever made one may be waiting for an explanation.
fn say_drained(report: &DrainReport) {
    let ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    let (open, cut, unread, stuck) = (report.open, report.cut_total, report.unread, report.stuck);
    if report.is_clean() {
        tracing::info!(target: "msa::lifecycle", ms, open, "drained");
        return;
    }
    for request in &report.cut {
        tracing::warn!(
            target: "msa::lifecycle",
            peer = %request.peer,
            method = %request.method,
            path = %request.path,
            upgraded = request.upgraded,
            "cut"
        );
    }
    tracing::warn!(target: "msa::lifecycle", ms, open, cut, unread, stuck, "drained");
}

/// Runs one hook; its panic is its own, and the next one still closes what it opened.
async fn close(hook: Hook) {
    if AssertUnwindSafe(async { hook().await })
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!(target: "msa::lifecycle", "an on_shutdown panicked");
    }
}

#[cfg(test)]
mod tests;
