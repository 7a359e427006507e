//! hyper at work, and the watch over it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::server::conn::http1;
#[cfg(feature = "http2")]
use hyper::server::conn::http2;
#[cfg(feature = "http2")]
use hyper_util::rt::TokioExecutor;

use super::alarm::Alarm;
use super::conn::Conn;
use super::request::Inbound;
use super::tracker::Stage;
use crate::clock::{self, Instant};

/// Once asked to end, an HTTP/2 connection without a request may take so long to write its goodbye; also how often a
/// closing one is looked at.
const GOODBYE: Duration = Duration::from_secs(1);

/// A connection in hyper's hands.
pub(super) trait Http: Future<Output = hyper::Result<()>> + Unpin {
    /// Ends it after the requests in flight.
    fn shut_down(&mut self);
}

impl<T, S> Http for http1::UpgradeableConnection<T, Inbound<S>>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
    Self: Future<Output = hyper::Result<()>> + Unpin,
{
    fn shut_down(&mut self) {
        Pin::new(self).graceful_shutdown();
    }
}

#[cfg(feature = "http2")]
impl<T, S> Http for http2::Connection<T, Inbound<S>, TokioExecutor>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    Self: Future<Output = hyper::Result<()>> + Unpin,
{
    fn shut_down(&mut self) {
        Pin::new(self).graceful_shutdown();
    }
}

/// Why a connection ended.
pub(super) enum End {
    /// hyper says so; `true` when what it read was no HTTP.
    Http(bool),
    HeadTimeout,
    Idle,
    Unread,
    Drained,
    Cut,
}

/// Runs hyper and watches over it.
pub(super) struct Drive<'a> {
    conn: &'a Conn,
    /// When the head that has begun must be complete.
    head_due: Option<Instant>,
    shutting_down: bool,
    /// When a connection that was told to end for idleness is ended.
    goodbye_due: Option<Instant>,
    /// Whether the alarm rings every [`GOODBYE`] now.
    closing: bool,
}

impl<'a> Drive<'a> {
    pub(super) fn new(conn: &'a Conn, head_due: Option<Instant>) -> Self {
        Self {
            conn,
            head_due,
            shutting_down: false,
            goodbye_due: None,
            closing: false,
        }
    }

    pub(super) async fn run(mut self, http: &mut impl Http, mut alarm: Pin<&mut Alarm>) -> End {
        let (limits, idle_timeout) = (&self.conn.tracker.limits, self.idle_timeout());
        // The alarm stands at the end of the first byte's or the first head's time, and rings before the idle time is
        // over unless that is the shorter one.
        if idle_timeout < limits.first_byte_timeout.max(limits.head_timeout) {
            alarm.as_mut().set(clock::now() + idle_timeout);
        }
        let end = poll_fn(|cx| self.poll(cx, http, alarm.as_mut())).await;
        let reason = match &end {
            End::Http(_) => "done",
            End::HeadTimeout => "the head took too long",
            End::Idle => "idle",
            End::Unread => "the peer does not read its answer",
            End::Drained => "drained",
            End::Cut => "cut",
        };
        tracing::trace!(target: "msa::accept", peer = %self.conn.peer, reason, "connection ended");
        end
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        http: &mut impl Http,
        mut alarm: Pin<&mut Alarm>,
    ) -> Poll<End> {
        loop {
            // First, so that a request that came before the end is seen before it.
            if let Poll::Ready(result) = Pin::new(&mut *http).poll(cx) {
                return Poll::Ready(End::Http(self.log(result)));
            }
            let (stage, fired) = alarm.as_mut().poll(cx, &self.conn.tracker);
            if stage == Stage::Cut {
                if !self.conn.is_busy() && self.conn.is_write_blocked() {
                    self.conn.tracker.note_unread();
                }
                return Poll::Ready(End::Cut);
            }
            if !self.shutting_down && self.must_shut_down(stage) {
                self.shutting_down = true;
                http.shut_down();
                continue;
            }
            if stage == Stage::Closing {
                if self.has_drained(fired) {
                    return Poll::Ready(End::Drained);
                }
                if fired || !self.closing {
                    self.closing = true;
                    alarm.as_mut().set(clock::now() + GOODBYE);
                    continue;
                }
                return Poll::Pending;
            }
            if !fired {
                if self.watch_head() {
                    // Not beyond the idle time either: the alarm stays there when the head is complete.
                    let idle = clock::now() + self.idle_timeout();
                    alarm
                        .as_mut()
                        .set(self.head_due.map_or(idle, |due| due.min(idle)));
                    alarm.as_mut().poll(cx, &self.conn.tracker);
                }
                return Poll::Pending;
            }
            match self.due() {
                Due::At(at) => alarm.as_mut().set(at),
                Due::End(end) => return Poll::Ready(end),
                Due::Goodbye(at) => {
                    self.shutting_down = true;
                    self.goodbye_due = Some(at);
                    http.shut_down();
                    alarm.as_mut().set(at);
                }
            }
        }
    }

    /// Whether this connection takes no further requests.
    #[inline]
    fn must_shut_down(&self, stage: Stage) -> bool {
        let conn = self.conn;
        match stage {
            Stage::Open => conn.reserved && conn.has_served(),
            // HTTP/1 is told by a header. A new connection has a request under way that a GOAWAY would turn back.
            Stage::Draining => {
                conn.is_http2() && (conn.has_served() || conn.born_in < Stage::Draining)
                    || conn.reserved && conn.has_served()
            }
            Stage::Closing | Stage::Cut => true,
        }
    }

    /// Whether a closing connection has nothing left to do, though hyper still waits.
    fn has_drained(&self, fired: bool) -> bool {
        let conn = self.conn;
        if conn.is_busy() || conn.is_write_blocked() {
            return false;
        }
        // hyper closes an idle HTTP/1 connection by itself, but waits for the rest of half a head. An HTTP/2 peer may
        // never confirm our goodbye: nothing in flight and nothing written for a while is the end, too.
        conn.has_half_a_head() || (conn.is_http2() && self.closing && fired && !conn.take_wrote())
    }

    /// Notes when a head begins and ends. Tells whether the alarm must be moved.
    #[inline]
    fn watch_head(&mut self) -> bool {
        if self.conn.has_half_a_head() {
            let begins = self.head_due.is_none();
            if begins {
                self.head_due = Some(clock::now() + self.conn.tracker.limits.head_timeout);
            }
            begins
        } else {
            // The alarm is left where it is: it rings once for nothing and then sleeps on.
            self.head_due = None;
            false
        }
    }

    fn idle_timeout(&self) -> Duration {
        if self.conn.reserved {
            GOODBYE
        } else {
            self.conn.tracker.limits.idle_timeout
        }
    }

    /// The alarm rang: what now?
    fn due(&mut self) -> Due {
        let now = clock::now();
        self.watch_head();
        let idle_timeout = self.idle_timeout();
        // A request has ended for its handler when hyper has taken the whole answer, and hyper may still be writing it.
        if self.conn.is_busy() || self.conn.is_write_blocked() {
            self.goodbye_due = None;
            // Since the alarm rang last, not a byte of the answer was taken.
            if self.conn.is_write_blocked() && !self.conn.take_wrote() {
                return Due::End(End::Unread);
            }
            return Due::At(now + idle_timeout);
        }
        let (due, end) = match (self.goodbye_due, self.head_due) {
            (Some(due), _) => (due, Due::End(End::Idle)),
            (None, Some(due)) => (due, Due::End(End::HeadTimeout)),
            (None, None) => (
                self.conn.idle_since() + idle_timeout,
                Due::Goodbye(now + GOODBYE),
            ),
        };
        if now < due { Due::At(due) } else { end }
    }

    /// Whether hyper ended because what it read was no HTTP.
    fn log(&self, result: hyper::Result<()>) -> bool {
        let Err(error) = result else {
            return false;
        };
        tracing::debug!(target: "msa::accept", peer = %self.conn.peer, %error, "connection failed");
        error.is_parse()
    }
}

/// What is to be done when the alarm rings.
enum Due {
    /// Nothing until then.
    At(Instant),
    /// It has been idle for too long: say goodbye, and end it then.
    Goodbye(Instant),
    End(End),
}
