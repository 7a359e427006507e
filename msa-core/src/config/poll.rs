//! Watches the files.
//!
//! By looking at their contents each second, not by inotify: a ConfigMap is swapped by a link two levels up, an editor
//! replaces the file, and NFS tells nobody. The contents are the same however they came there.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use super::Config;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// A changed file must look the same for so long before it is taken: whoever writes it may not be done.
const SETTLE: Duration = Duration::from_millis(100);

/// A file that never comes to rest is looked at as it is after so many tries.
const TRIES: usize = 20;

impl Config {
    /// Reloads when a file changes, looked at each second, and on SIGHUP, until `shutdown` is ready. To be spawned once.
    ///
    /// A configuration with anything wrong in it is refused, logged and told by [`Config::last_error`]; so is one whose file
    /// disappeared. The last good one stays in effect.
    pub async fn run_reloader(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut hangup = Hangup::listen();
        loop {
            let asked = tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(INTERVAL) => false,
                () = hangup.wait() => true,
            };
            tokio::select! {
                () = &mut shutdown => return,
                () = self.look(asked) => {}
            }
        }
    }

    /// Looks at the files once, and takes them over if they changed or somebody asked.
    async fn look(&self, asked: bool) {
        let Some(mut reading) = self.read_aside().await else {
            return;
        };
        if !asked && !self.is_news(&reading) {
            return;
        }
        for _ in 0..TRIES {
            tokio::time::sleep(SETTLE).await;
            let Some(again) = self.read_aside().await else {
                return;
            };
            let settled = again == reading;
            reading = again;
            if settled {
                break;
            }
        }
        if asked || self.is_news(&reading) {
            // The outcome is logged, told to the observers and kept for `last_error`.
            let _ = self.apply(reading);
        }
    }

    /// Reads off the runtime's threads, since a network file system may hang.
    async fn read_aside(&self) -> Option<super::live::Reading> {
        let config = self.clone();
        // It fails only when the runtime is shutting down.
        tokio::task::spawn_blocking(move || config.read())
            .await
            .ok()
    }
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn listen() -> Self {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::warn!(target: "msa::config", %error, "SIGHUP will not reload the configuration");
        }
        Self {
            signal: signal.ok(),
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
