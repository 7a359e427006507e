//! The socket as hyper sees it.
//!
//! It gives back the bytes that were read to tell the protocol, notes when bytes come and go, and once it belongs to an
//! upgraded connection, which no task of ours drives any more, it fails when the drain cuts. What hyper answers by itself it
//! gives a body.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::futures::OwnedNotified;

use super::conn::Conn;
use super::first::Prefix;
use super::linger::Lingering;
use super::tracker::Stage;
use super::unread;

pub(super) struct Io<T> {
    inner: T,
    prefix: Prefix,
    conn: Arc<Conn>,
    cut_read: CutWatch,
    cut_write: CutWatch,
    lingering: Option<Lingering>,
    /// How many requests had been begun when everything that was answered had been flushed.
    answered: u32,
    /// What goes out instead of hyper's own refusal, and how much of it has.
    refusal: Option<(Box<[u8]>, usize)>,
}

impl<T> Io<T> {
    pub(super) fn new(inner: T, prefix: Prefix, conn: Arc<Conn>) -> Self {
        Self {
            inner,
            prefix,
            conn,
            cut_read: CutWatch(None),
            cut_write: CutWatch(None),
            lingering: None,
            answered: 0,
            refusal: None,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Io<T> {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.conn.is_upgraded() && this.cut_read.poll(&this.conn, cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        this.prefix.take_into(buf);
        let replayed = buf.filled().len() > before;
        let read = Pin::new(&mut this.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.conn.on_read();
            // An error after replayed bytes comes again with the next read.
            return Poll::Ready(Ok(()));
        }
        if read.is_ready() && !replayed && buf.remaining() > 0 {
            this.conn.eof.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> Io<T> {
    #[inline]
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.conn.is_upgraded() && self.cut_write.poll(&self.conn, cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let written = write(Pin::new(&mut self.inner), cx);
        self.conn.on_write(written.is_pending());
        written
    }

    /// Whether no request waits for its answer, so that whatever is written is hyper's own.
    #[inline]
    fn owes_nothing(&self) -> bool {
        self.answered == self.conn.begun() && !self.conn.is_http2() && !self.conn.is_upgraded()
    }

    /// Writes what explains hyper's own refusal instead of that. `None` when `buf` is something else.
    #[cold]
    fn refuse(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_none() {
            self.refusal = Some((unread::explained(buf)?, 0));
        }
        let (answer, mut sent) = self.refusal.take()?;
        while let Some(rest) = answer.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.write(cx, |io, cx| io.poll_write(cx, rest)) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Ok(0))),
                Poll::Ready(Ok(n)) => sent += n,
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => {
                    self.refusal = Some((answer, sent));
                    return Some(Poll::Pending);
                }
            }
        }
        Some(Poll::Ready(Ok(buf.len())))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Io<T> {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.owes_nothing()
            && let Some(written) = this.refuse(cx, buf)
        {
            return written;
        }
        this.write(cx, |io, cx| io.poll_write(cx, buf))
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.owes_nothing()
            && let [head] = bufs
            && let Some(written) = this.refuse(cx, head)
        {
            return written;
        }
        this.write(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper flushes when it has nothing left to write.
        if !this.conn.is_busy() {
            this.answered = this.conn.begun();
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(lingering) = &mut this.lingering {
            return lingering.poll(&mut this.inner, cx).map(Ok);
        }
        ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
        if !this.conn.is_http2() {
            return Poll::Ready(Ok(()));
        }
        // A request may be on its way that the GOAWAY before this turns back, if only its client gets to read it.
        let lingering = this.lingering.get_or_insert_with(Lingering::begin);
        lingering.poll(&mut this.inner, cx).map(Ok)
    }
}

/// Waits for the cut on behalf of whoever uses an upgraded connection. One for each direction, which may be two tasks.
struct CutWatch(Option<Pin<Box<OwnedNotified>>>);

impl CutWatch {
    /// Whether everything ends now; else the task is woken when it does.
    fn poll(&mut self, conn: &Conn, cx: &mut Context<'_>) -> bool {
        let tracker = &conn.tracker;
        loop {
            if tracker.stage() == Stage::Cut {
                return true;
            }
            let changed = self
                .0
                .get_or_insert_with(|| Box::pin(Arc::clone(&tracker.changed).notified_owned()));
            if changed.as_mut().poll(cx).is_pending() {
                // Read again: it may have come before the watch was there.
                return tracker.stage() == Stage::Cut;
            }
            self.0 = None;
        }
    }
}
