//! The same numbers, pushed to an OpenTelemetry collector every `telemetry.metrics.interval`.
//!
//! As spans, they are exported by a thread with a small runtime of its own: no request waits for it, and the end of the service cannot
//! deadlock with it. Nothing is queued: each push tells what is, so a dead collector costs that thread's time and a counter. What it
//! missed, the next push tells: cumulative numbers by themselves, deltas since they count from the last push that was taken.
//!
//! # Why not OpenTelemetry's own metrics
//! Its SDK aggregates what is recorded through its instruments, and takes no numbers that are counted already: what an exporter is given
//! cannot be made outside of it. So the protocol's messages are written here, from the families that `/metrics` shows.

mod console;
mod exporter;
#[cfg(feature = "otlp")]
mod message;
#[cfg(feature = "otlp")]
mod otlp;
mod series;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use self::exporter::{Answer, Exporter};
use self::series::Series;
use super::points::Points;
use crate::clock;
use crate::config::{MetricsSettings, TelemetrySettings};
use crate::telemetry::export::{self, ExportError, Resource};

/// Everything that is counted at one moment.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(super) families: Vec<Points>,
    /// When the service started, in nanoseconds since 1970.
    pub(super) born: u64,
    /// When this was, in nanoseconds since 1970.
    pub(super) at: u64,
}

type Collect = Box<dyn FnMut() -> Collected + Send>;

/// What became of the pushes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushCounts {
    /// The exporter took it all.
    pub exported: u64,
    /// The exporter, or who stands behind it, did not.
    pub failed: u64,
}

/// Counts pushes. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct PushCounter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    exported: AtomicU64,
    failed: AtomicU64,
}

impl PushCounter {
    /// What became of them up to now.
    #[must_use]
    pub fn get(&self) -> PushCounts {
        PushCounts {
            exported: self.0.exported.load(Ordering::Relaxed),
            failed: self.0.failed.load(Ordering::Relaxed),
        }
    }

    fn count(&self, failed: bool) {
        let counter = match failed {
            false => &self.0.exported,
            true => &self.0.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The way to the thread that pushes; dropped, it ends.
pub(crate) struct Push {
    /// Taken by the one who knows what to collect.
    begin: Option<oneshot::Sender<Collect>>,
    flushes: mpsc::UnboundedSender<oneshot::Sender<()>>,
    counter: PushCounter,
}

impl Push {
    /// Starts the thread, which waits for [`begin`](Self::begin); `None` when the settings name nobody to push to.
    pub(crate) fn start(
        resource: &Resource,
        settings: &TelemetrySettings,
    ) -> Result<Option<Self>, ExportError> {
        if !Exporter::is_named(settings) {
            return Ok(None);
        }
        let started = Self::with(&settings.metrics, || Exporter::all(settings, resource))?;
        Ok(Some(started))
    }

    /// Whether [`start`](Self::start) could.
    pub(crate) fn check(settings: &TelemetrySettings) -> Result<(), ExportError> {
        if !Exporter::is_named(settings) {
            return Ok(());
        }
        let runtime = export::runtime()?;
        let made = {
            let _inside = runtime.enter();
            Exporter::all(settings, &Resource::of("", None, settings)).map(drop)
        };
        runtime.shutdown_background(); // as below
        made
    }

    fn with(
        settings: &MetricsSettings,
        exporters: impl FnOnce() -> Result<Vec<Exporter>, ExportError>,
    ) -> Result<Self, ExportError> {
        let runtime = export::runtime()?;
        let made = {
            let _inside = runtime.enter();
            exporters()
        };
        let exporters = match made {
            Ok(exporters) => exporters,
            Err(error) => {
                // Dropped as it is, a runtime would wait, which is not allowed in another one.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let (begin, begun) = oneshot::channel();
        let (flushes, asked) = mpsc::unbounded_channel();
        let counter = PushCounter::default();
        let series = || Series::new(settings.temporality);
        let thread = Thread {
            asked,
            exporters: exporters.into_iter().map(|one| (one, series())).collect(),
            interval: settings.interval.get(),
            timeout: settings.export_timeout.get(),
            counter: counter.clone(),
            failing: false,
        };
        std::thread::Builder::new()
            .name("msa-metrics".into())
            .spawn(move || {
                // What the exporter itself does is not traced.
                #[cfg(feature = "otel")]
                let _silent = opentelemetry::Context::enter_telemetry_suppressed_scope();
                let ended =
                    catch_unwind(AssertUnwindSafe(|| runtime.block_on(thread.run(begun))));
                if ended.is_err() {
                    tracing::error!(target: "msa::metrics", "the thread that pushes metrics panicked; nothing is pushed until a restart");
                }
            })
            .map_err(ExportError::Thread)?;
        Ok(Self {
            begin: Some(begin),
            flushes,
            counter,
        })
    }

    /// From now on this is collected and pushed. Called in the thread that pushes.
    pub(crate) fn begin(&mut self, collect: impl FnMut() -> Collected + Send + 'static) {
        if let Some(begin) = self.begin.take() {
            // Should the thread be gone, it has said why.
            let _ = begin.send(Box::new(collect));
        }
    }

    /// Returns when everything that was counted up to now is pushed, or has failed to be. The work is another thread's, so this may be
    /// given up at any time.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        // Should the thread be gone, there is nothing to wait for; so says the channel that it dropped.
        if self.flushes.send(done).is_ok() {
            let _ = flushed.await;
        }
    }

    pub(crate) fn counter(&self) -> PushCounter {
        self.counter.clone()
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("counter", &self.counter)
            .finish_non_exhaustive()
    }
}

/// The thread's side.
struct Thread {
    asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    /// Each with what it was told.
    exporters: Vec<(Exporter, Series)>,
    interval: Duration,
    timeout: Duration,
    counter: PushCounter,
    failing: bool,
}

impl Thread {
    async fn run(mut self, begun: oneshot::Receiver<Collect>) {
        let Ok(mut collect) = begun.await else { return };
        let mut ticks = tokio::time::interval_at(clock::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(done) => Some(done),
                    None => return,
                },
                _ = ticks.tick() => None,
            };
            self.push(&collect()).await;
            if let Some(done) = asked {
                // Who asked may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    /// Tells each exporter.
    async fn push(&mut self, collected: &Collected) {
        let mut why = None;
        for (exporter, series) in &mut self.exporters {
            let told = tell(exporter, series, collected);
            match tokio::time::timeout(self.timeout, told).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => why = Some(error),
                Err(_elapsed) => {
                    why = Some(format!(
                        "it took longer than telemetry.metrics.export_timeout, {}",
                        humantime::format_duration(self.timeout)
                    ));
                }
            }
        }
        self.counter.count(why.is_some());
        // Once when it begins and once when it is over: an outage is not one line a push.
        match (&why, self.failing) {
            (Some(error), false) => {
                tracing::warn!(target: "msa::metrics", error, "metrics could not be pushed; the next push tells what this one did not");
            }
            (None, true) => {
                let failed = self.counter.get().failed;
                tracing::info!(target: "msa::metrics", failed, "metrics are pushed again");
            }
            _ => {}
        }
        self.failing = why.is_some();
    }
}

/// Tells one exporter, in as many messages as it takes.
async fn tell(
    exporter: &Exporter,
    series: &mut Series,
    collected: &Collected,
) -> Result<(), String> {
    let mut partly = Ok(());
    for batch in series.take(collected) {
        match exporter.export(&batch).await {
            Answer::Taken => series.taken(batch),
            Answer::Partly(why) => {
                series.taken(batch);
                partly = Err(why);
            }
            Answer::Failed(why) => return Err(why),
        }
    }
    partly
}
