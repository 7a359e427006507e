//! A service that serves.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::front::Front;
use super::{Error, Hook, Service, background};
use crate::config::Config;
use crate::health::{Phase, Probes};
use crate::server::accept::{self, Limits, Listener as _, Server};
use crate::server::signal::{Reason, Shutdown};
use crate::server::{DrainReport, ServerError, stack};
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
    whole: JoinHandle<DrainReport>,
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
    pub async fn finished(self) -> DrainReport {
        match self.whole.await {
            Ok(report) => report,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime goes down: nothing is left to report.
            Err(_) => DrainReport::default(),
        }
    }
}

pub(super) fn start(mut service: Service) -> Result<Running, Error> {
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
        router: router.with_state(()),
    };
    let limits = Limits::from(&settings.server);
    let config = service.config.clone();
    let main = Server::new(listener, front, lifecycle.clone())
        .limits(limits.clone())
        .drain_deadline(move || config.settings().server.drain.deadline.get());
    let main = tokio::spawn(main.run());
    let management = admin.map(|(listener, _)| {
        let pages = admin::router(service.health.clone()).with_state(());
        let server = Server::new(listener, pages, lifecycle.clone())
            .limits(limits)
            .close_at(Phase::Stopped);
        tokio::spawn(server.drain_deadline(|| Duration::ZERO).run())
    });
    service.health.start();
    let tasks = background::start(&service);
    lifecycle.advance(Phase::Ready);

    let Service {
        shutdown,
        health,
        hooks,
        config,
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
    };
    Ok(Running {
        addr,
        admin: admin_addr,
        shutdown,
        health,
        whole: tokio::spawn(whole.end()),
    })
}

struct Whole {
    shutdown: Shutdown,
    health: health::Registry,
    main: JoinHandle<DrainReport>,
    management: Option<JoinHandle<DrainReport>>,
    tasks: JoinSet<()>,
    hooks: Vec<Hook>,
    config: Config,
}

impl Whole {
    /// The end, in the order that the design gives: not ready, lag, no more connections, drain, tasks, hooks.
    async fn end(mut self) -> DrainReport {
        let lifecycle = self.health.lifecycle().clone();
        let config = self.config.clone();
        self.shutdown
            .lead(&lifecycle, move || config.settings().server.drain.lag.get())
            .await;
        let report = match self.main.await {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(target: "msa::lifecycle", %error, "the accept loop failed");
                DrainReport::default()
            }
        };
        say_drained(&report);
        lifecycle.advance(Phase::Stopped);
        if let Some(management) = self.management
            && let Err(error) = management.await
        {
            tracing::error!(target: "msa::lifecycle", %error, "the management listener failed");
        }
        self.tasks.shutdown().await;
        let flush = self.config.settings().server.drain.flush.get();
        let closing = async {
            while let Some(hook) = self.hooks.pop() {
                hook().await;
            }
        };
        if timeout(flush, closing).await.is_err() {
            tracing::warn!(target: "msa::lifecycle", "on_shutdown took longer than server.drain.flush and was left");
        }
        report
    }
}

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
