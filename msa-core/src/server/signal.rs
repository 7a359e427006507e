//! The end of the process: asked for once, it drains; asked for twice, it ends at once.
//!
//! Exit codes after a second signal are the shell's: 128 and the signal's number, so 130 for SIGINT (Ctrl-C) and 143 for
//! SIGTERM. The first signal ends a drained process with 0.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use crate::health::{Lifecycle, Phase};

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Ctrl-C.
    Interrupt,
    /// What orchestrators send.
    Terminate,
    /// The program itself asked.
    Asked,
}

impl Reason {
    /// The exit code of a process that is told so a second time: 130, 143, or 1.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Asked => 1,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Asked => "asked by the program",
        })
    }
}

/// Asks the process to end, and tells who waits for that; cheap to clone. Tests ask by hand.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<Asked>>);

#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    first: Option<Reason>,
    second: Option<Reason>,
}

impl Shutdown {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Asked::default())))
    }

    /// Asks the process to end: the first time by draining. A second time is told by [`forced`](Self::forced); a second
    /// *signal* ends the process by itself, see [`listen`](Self::listen).
    pub fn ask(&self, reason: Reason) {
        self.0.send_modify(|asked| {
            let slot = if asked.first.is_none() {
                &mut asked.first
            } else {
                &mut asked.second
            };
            slot.get_or_insert(reason);
        });
    }

    /// Waits until the process is asked to end.
    pub fn asked(&self) -> impl Future<Output = Reason> + Send + use<> {
        self.wait(|asked| asked.first)
    }

    /// Waits until the process is asked to end at once.
    pub fn forced(&self) -> impl Future<Output = Reason> + Send + use<> {
        self.wait(|asked| asked.second)
    }

    fn wait(
        &self,
        which: fn(&Asked) -> Option<Reason>,
    ) -> impl Future<Output = Reason> + Send + use<> {
        // The sender is kept, so that the channel cannot close.
        let kept = Arc::clone(&self.0);
        async move {
            let mut asked = kept.subscribe();
            loop {
                if let Some(reason) = which(&asked.borrow_and_update()) {
                    return reason;
                }
                if asked.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Asks on SIGINT and SIGTERM from now on, and ends the process on the second of them with [`Reason::exit_code`]. The
    /// first one never does, also when the program itself had asked before: an orchestrator that joins in must not cut
    /// the drain that is under way.
    ///
    /// It listens on a thread of its own: people press Ctrl-C twice when the program's own threads are stuck.
    ///
    /// # Errors
    ///
    /// When the operating system refuses a thread or the signals' handlers.
    pub fn listen(&self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        let shutdown = self.clone();
        std::thread::Builder::new()
            .name("msa-signals".into())
            .stack_size(128 * 1024)
            .spawn(move || {
                runtime.block_on(async {
                    shutdown.ask(signals.next().await);
                    let second = signals.next().await;
                    shutdown.ask(second);
                    std::process::exit(i32::from(second.exit_code()));
                });
            })?;
        Ok(())
    }

    /// Leads `lifecycle` through the drain when the process is asked to end: [`Phase::Draining`], the lag,
    /// [`Phase::Closing`]. `lag` is asked when the drain begins.
    pub async fn lead(
        &self,
        lifecycle: &Lifecycle,
        lag: impl FnOnce() -> std::time::Duration,
    ) -> Reason {
        let reason = self.asked().await;
        let lag = lag();
        lifecycle.advance(Phase::Draining);
        tracing::info!(target: "msa::lifecycle", %reason, ?lag, "draining");
        tokio::time::sleep(lag).await;
        lifecycle.advance(Phase::Closing);
        reason
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Reason {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Reason::Interrupt,
            Some(()) = self.terminate.recv() => Reason::Terminate,
            // Neither stream ends while its runtime lives.
            else => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    // The other platform's can fail.
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Reason {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Reason::Interrupt,
            // Without a handler nobody can ask this way.
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[tokio::test(start_paused = true)]
    async fn the_first_asks_for_a_drain_and_the_second_for_an_end() {
        let (shutdown, lifecycle) = (Shutdown::new(), Lifecycle::new());
        lifecycle.advance(Phase::Ready);
        let lead = tokio::spawn({
            let (shutdown, lifecycle) = (shutdown.clone(), lifecycle.clone());
            async move { shutdown.lead(&lifecycle, || Duration::from_secs(5)).await }
        });
        shutdown.ask(Reason::Terminate);
        let begun = clock::now();
        lifecycle.reached(Phase::Draining).await;
        assert_eq!(lifecycle.phase(), Phase::Draining);
        lifecycle.reached(Phase::Closing).await;
        assert_eq!(clock::since(begun), Duration::from_secs(5));
        assert_eq!(lead.await.unwrap(), Reason::Terminate);

        let forced = tokio::spawn(shutdown.forced());
        tokio::task::yield_now().await;
        assert!(!forced.is_finished());
        shutdown.ask(Reason::Interrupt);
        assert_eq!(forced.await.unwrap().exit_code(), 130);
    }
}
