//! From the end of a span to its export: a bounded queue, and a thread of its own that empties it.
//!
//! The SDK's own batch processor counts what it drops where nobody can read it, and needs a blocking HTTP client. This one has a
//! thread with a small runtime: no request waits for an export, no exporter needs the service's runtime, which may be about to
//! end, and a flush cannot deadlock with it. A dead collector costs the time of that thread and a counter.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::{Notify, oneshot};

use super::cut;
use super::exporter::Exporter;
use crate::config::TracesSettings;
use crate::telemetry::traces::SpanCounts;

/// The way in. Cheap to clone; when the last one is gone, what waits is exported and the thread ends.
#[derive(Clone)]
pub(super) struct Pipeline(Arc<Shared>);

struct Shared {
    queue: mpsc::Sender<SpanData>,
    flushes: mpsc::UnboundedSender<oneshot::Sender<()>>,
    /// As many wait as go at a time.
    enough: Arc<Notify>,
    max_batch: usize,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Pipeline {
    /// Starts the thread. `runtime` is of the thread's own, and the exporter was made in it.
    pub(super) fn start(
        exporter: Exporter,
        runtime: Runtime,
        settings: &TracesSettings,
    ) -> std::io::Result<Self> {
        let (queue, spans) = mpsc::channel(size(settings.max_queue));
        let (flushes, asked) = mpsc::unbounded_channel();
        let enough = Arc::new(Notify::new());
        let counters = Arc::new(Counters::default());
        let max_batch = size(settings.max_batch).min(size(settings.max_queue));
        let mut drain = Drain {
            spans,
            asked,
            enough: enough.clone(),
            exporter,
            max_batch,
            delay: settings.delay.get(),
            timeout: settings.export_timeout.get(),
            longest: settings.max_value_length.map(size_of_text),
            counters: counters.clone(),
            failing: false,
        };
        std::thread::Builder::new()
            .name("msa-traces".into())
            .spawn(move || {
                // What the exporter itself does is not traced.
                let _silent = Context::enter_telemetry_suppressed_scope();
                runtime.block_on(drain.run());
            })?;
        Ok(Self(Arc::new(Shared {
            queue,
            flushes,
            enough,
            max_batch,
            counters,
        })))
    }

    /// Returns when everything that has ended up to now is exported, or has failed to be.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        // Should the thread be gone, there is nothing to wait for; so says the channel that it dropped.
        if self.0.flushes.send(done).is_ok() {
            let _ = flushed.await;
        }
    }

    pub(super) fn counts(&self) -> SpanCounts {
        let Counters {
            exported,
            failed,
            dropped,
        } = &*self.0.counters;
        SpanCounts {
            exported: exported.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

fn size_of_text(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl SpanProcessor for Pipeline {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        let Shared {
            queue,
            enough,
            max_batch,
            counters,
            ..
        } = &*self.0;
        if queue.try_send(span).is_err() {
            counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
        // To wake the thread for each span would cost more than the span.
        if queue.max_capacity() - queue.capacity() >= *max_batch {
            enough.notify_one();
        }
    }

    /// Asks for it; [`Pipeline::flush`] waits.
    fn force_flush(&self) -> OTelSdkResult {
        self.0.enough.notify_one();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.force_flush()
    }

    fn set_resource(&mut self, _resource: &Resource) {}
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("counters", &self.0.counters)
            .finish_non_exhaustive()
    }
}

/// The thread's side.
struct Drain {
    spans: mpsc::Receiver<SpanData>,
    asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    enough: Arc<Notify>,
    exporter: Exporter,
    max_batch: usize,
    delay: Duration,
    timeout: Duration,
    longest: Option<usize>,
    counters: Arc<Counters>,
    failing: bool,
}

impl Drain {
    async fn run(&mut self) {
        loop {
            let asked = tokio::select! {
                asked = self.asked.recv() => Some(asked),
                () = self.enough.notified() => None,
                () = tokio::time::sleep(self.delay) => None,
            };
            let is_open = self.empty().await;
            match asked {
                Some(Some(done)) => {
                    // Who asked may have stopped waiting.
                    let _ = done.send(());
                }
                Some(None) => return,
                None if is_open => {}
                None => return,
            }
        }
    }

    /// Exports what waits; `false` when nothing more will come.
    ///
    /// No more than the queue holds: under full load it would never end, and who asked for a flush would wait in vain.
    async fn empty(&mut self) -> bool {
        let mut waiting = self.spans.len();
        loop {
            let mut batch = Vec::with_capacity(waiting.min(self.max_batch));
            let end = loop {
                if batch.len() == self.max_batch || waiting == 0 {
                    break None;
                }
                match self.spans.try_recv() {
                    Ok(span) => {
                        waiting -= 1;
                        batch.push(span);
                    }
                    Err(end) => break Some(end),
                }
            };
            if !batch.is_empty() {
                self.export(batch).await;
            }
            match end {
                Some(TryRecvError::Disconnected) => return false,
                Some(TryRecvError::Empty) => return true,
                None if waiting == 0 => return !self.spans.is_closed(),
                None => {}
            }
        }
    }

    async fn export(&mut self, mut batch: Vec<SpanData>) {
        if let Some(longest) = self.longest {
            batch
                .iter_mut()
                .for_each(|span| cut::shorten(span, longest));
        }
        let count = batch.len() as u64;
        let why = match tokio::time::timeout(self.timeout, self.exporter.export(batch)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some(format!(
                "it took longer than telemetry.traces.export_timeout, {}",
                humantime::format_duration(self.timeout)
            )),
        };
        let counter = match why {
            None => &self.counters.exported,
            Some(_) => &self.counters.failed,
        };
        counter.fetch_add(count, Ordering::Relaxed);
        // Once when it begins and once when it is over: an outage is not one line a batch.
        match (&why, self.failing) {
            (Some(error), false) => {
                tracing::warn!(target: "msa::traces", error, spans = count, "spans could not be exported; until that is over they are lost, and counted");
            }
            (None, true) => {
                tracing::info!(target: "msa::traces", lost = self.counters.failed.load(Ordering::Relaxed), "spans are exported again");
            }
            _ => {}
        }
        self.failing = why.is_some();
    }
}
