//! The loop that accepts.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use tokio::time::{sleep, timeout, timeout_at};

use super::conn::Conn;
use super::connection;
use super::protocols::Protocols;
use super::tracker::{Stage, Tracker};
use super::{DrainReport, Limits, Listener};
use crate::clock;
use crate::health::{Lifecycle, Phase};

/// The pause after an error that no other connection would escape, such as having no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long what was cut may take to go.
const CUT_PATIENCE: Duration = Duration::from_millis(500);

/// How many connections waiting in a closing listener's queue are still taken.
const LAST_ACCEPTS: usize = 1024;

/// How long the runtime may take to notice that one waits there.
const LAST_ACCEPT_PATIENCE: Duration = Duration::from_millis(1);

/// Serves a `tower::Service` on a listener until its [`Lifecycle`] says to end.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::{Router, routing::get};
/// use msa_core::health::{Lifecycle, Phase};
/// use msa_core::server::accept::{self, Limits, Server};
///
/// let lifecycle = Lifecycle::new();
/// let listener = accept::bind("0.0.0.0:8080".parse()?, "server.addr")?;
/// let router: Router = Router::new().route("/", get("hello"));
/// let server = tokio::spawn(Server::new(listener, router, lifecycle.clone()).limits(Limits::default()).run());
/// lifecycle.advance(Phase::Ready);
/// // … and at the end
/// lifecycle.advance(Phase::Draining);
/// tokio::time::sleep(std::time::Duration::from_secs(5)).await;
/// lifecycle.advance(Phase::Closing);
/// let report = server.await?;
/// assert!(report.is_clean());
/// # Ok(()) }
/// ```
#[must_use = "it serves when run"]
pub struct Server<L, S> {
    listener: L,
    service: S,
    lifecycle: Lifecycle,
    limits: Limits,
    close_at: Phase,
    drain_deadline: Option<Box<dyn FnOnce() -> Duration + Send>>,
}

impl<L, S> Server<L, S>
where
    L: Listener,
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    /// Will serve `service` on `listener` with the default [`Limits`].
    pub fn new(listener: L, service: S, lifecycle: Lifecycle) -> Self {
        Self {
            listener,
            service,
            lifecycle,
            limits: Limits::default(),
            close_at: Phase::Closing,
            drain_deadline: None,
        }
    }

    /// Sets the limits. Defaults to [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the phase in which the listener closes. Defaults to [`Phase::Closing`]; a management listener that should
    /// answer to the end takes [`Phase::Stopped`].
    pub fn close_at(mut self, phase: Phase) -> Self {
        self.close_at = phase;
        self
    }

    /// Asks for the drain's deadline when the listener closes, instead of [`Limits::drain_deadline`]: for a
    /// configuration that may have changed since the start.
    pub fn drain_deadline(mut self, ask: impl FnOnce() -> Duration + Send + 'static) -> Self {
        self.drain_deadline = Some(Box::new(ask));
        self
    }

    /// Accepts and serves until the listener's phase comes, then drains.
    ///
    /// Must not be dropped before it ends: connections would go on without anybody who ends them.
    pub async fn run(mut self) -> DrainReport {
        let tracker = Tracker::new(self.limits.clone());
        let protocols = Arc::new(Protocols::new(&self.limits));
        let spawn = |io: L::Io, peer: SocketAddr| {
            if let Some(reserved) = tracker.enter(peer.ip()) {
                let conn = Conn::new(Arc::clone(&tracker), peer, reserved);
                let service = self.service.clone();
                tokio::spawn(connection::serve(io, service, conn, Arc::clone(&protocols)));
            } else {
                // Dropped, which closes it: an answer would cost what the limit is to save.
                tracing::debug!(target: "msa::accept", %peer, "closed: too many connections from one address");
            }
        };

        let mut draining = pin!(self.lifecycle.reached(Phase::Draining));
        let mut closing = pin!(self.lifecycle.reached(self.close_at));
        let mut full = false;
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                () = &mut draining, if tracker.stage() == Stage::Open => {
                    tracker.advance(Stage::Draining);
                }
                (io, peer) = next(&mut self.listener, &tracker, &mut full) => spawn(io, peer),
            }
        }

        // A connection in the kernel's queue was accepted as far as its client knows, and closing the listener would
        // reset it together with the request it may have sent.
        tracker.advance(Stage::Draining);
        for _ in 0..LAST_ACCEPTS {
            match timeout(LAST_ACCEPT_PATIENCE, self.listener.accept()).await {
                Ok(Ok((io, peer))) => spawn(io, peer),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        drop(self.listener);
        tracker.advance(Stage::Closing);
        let deadline = match self.drain_deadline {
            Some(ask) => ask(),
            None => self.limits.drain_deadline,
        };
        drain(&tracker, deadline).await
    }
}

impl<L, S> fmt::Debug for Server<L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("lifecycle", &self.lifecycle)
            .field("limits", &self.limits)
            .field("close_at", &self.close_at)
            .finish_non_exhaustive()
    }
}

/// The next connection, once there is room for it.
async fn next<L: Listener>(
    listener: &mut L,
    tracker: &Tracker,
    full: &mut bool,
) -> (L::Io, SocketAddr) {
    let most = tracker.limits.max_connections.max(1);
    loop {
        let is_full = tracker.open() >= tracker.limits.general_connections().max(1);
        if is_full != *full {
            *full = is_full;
            note_full(tracker, is_full);
        }
        tracker.fewer_than(most).await;
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The peer gave up while it waited: the next one is another story.
            Err(error) if is_about_one(&error) => {}
            Err(error) => {
                tracing::error!(target: "msa::accept", %error, open = tracker.open(), "cannot accept connections; trying again");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn note_full(tracker: &Tracker, is_full: bool) {
    let open = tracker.open();
    if is_full {
        tracing::warn!(
            target: "msa::accept", open,
            "only connections for probes are left; raise server.max_connections or add instances"
        );
    } else {
        tracing::info!(target: "msa::accept", open, "there is room for connections again");
    }
}

fn is_about_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn drain(tracker: &Tracker, deadline: Duration) -> DrainReport {
    let closed = clock::now();
    let open = tracker.open();
    // Whether they end in time is read off the count.
    let _ = timeout_at(closed + deadline, tracker.fewer_than(1)).await;
    if tracker.open() > 0 {
        tracker.advance(Stage::Cut);
        let _ = timeout_at(clock::now() + CUT_PATIENCE, tracker.fewer_than(1)).await;
    }
    DrainReport {
        open,
        took: clock::since(closed),
        ..tracker.take_report()
    }
}
