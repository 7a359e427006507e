//! Endpoints that a file names.

mod document;

use std::fs;
use std::future::Future;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Directory, Discover, EndpointSet};
use crate::clock::{self, Instant};
use crate::event::{Event, Observers};

/// Room for a hundred thousand endpoints; what is larger is not an endpoints file.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// How long a changed content must hold before it is believed.
const SETTLE: Duration = Duration::from_millis(100);

/// A source that reads one file for all services, TOML or JSON, and follows its changes.
///
/// ```toml
/// [services.user-service]
/// endpoints = [
///     "http://10.0.0.1:8081",
///     { url = "https://users.internal", addr = "10.0.0.2:8443", weight = 50, zone = "a", labels = { track = "canary" } },
/// ]
/// ```
///
/// `url` is the endpoint's own name; everything else may be left out: `addr` (where to connect, else DNS), `weight` (100),
/// `zone`, `labels`. Keys that are none of these are an error.
///
/// # When the file is broken
///
/// What was read last stays, and [`last_error`](Discover::last_error) says what is wrong, with file, line and column; the
/// log and the observers hear of each error once. A file that is not there yet is such an error too, and no reason not
/// to start.
///
/// # How changes are found
///
/// By reading it, every second by default, and comparing the content. Not by inotify: Kubernetes mounts a ConfigMap as a
/// symlink to a symlink and swaps the latter, so that a watch on the file never fires; NFS and other network file systems
/// tell nothing of changes made elsewhere; an editor that replaces the file takes the watch along to the old inode. Nor
/// by modification time, which some file systems keep to the second or not at all. Reading a page-cached megabyte takes a
/// tenth of a millisecond.
///
/// A change is believed when two looks, a tenth of a second apart, saw the same content, since the first half of a
/// TOML file is often valid TOML with half of the services. Still, write a new file and rename it over the old one.
///
/// ```
/// use msa_core::discovery::{Discover, FileSource};
/// use msa_core::event::Observers;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("endpoints.toml");
/// std::fs::write(&path, r#"services.users.endpoints = ["http://10.0.0.1:8081"]"#)?;
///
/// let source = FileSource::open(&path, Observers::none());
/// assert_eq!(source.last_error(), None);
/// assert_eq!(source.services(), ["users"]);
/// // Within a runtime: tokio::spawn(source.follow(std::time::Duration::from_secs(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    directory: Directory,
    observers: Observers,
    error: Mutex<Option<String>>,
    looks: Mutex<Looks>,
    read: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Looks {
    /// What was last taken over, or reported as an error.
    settled: Option<Reading>,
    /// What the last look saw instead.
    unsettled: Option<Reading>,
}

type Reading = Result<Vec<u8>, String>;

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Same,
    /// Something new, to be believed if the next look sees it too.
    Unsettled,
    Taken,
}

impl FileSource {
    /// Reads the file once and tells its changes to these observers. Blocks for as long as the read takes.
    ///
    /// A file that is missing or broken shows in [`last_error`](Discover::last_error).
    #[must_use]
    pub fn open(path: impl Into<PathBuf>, observers: Observers) -> Arc<Self> {
        let source = Self {
            path: path.into(),
            directory: Directory::new(observers.clone()),
            observers,
            error: Mutex::default(),
            looks: Mutex::default(),
            read: Mutex::default(),
        };
        let reading = read(&source.path);
        source.lock_looks().settled = Some(reading.clone());
        source.take(reading);
        Arc::new(source)
    }

    /// Follows the file's changes, a look `every` so often; to be spawned.
    ///
    /// Ends when the source was dropped. Reads on tokio's blocking threads, so that a network file system that hangs
    /// holds up no request.
    pub fn follow(self: &Arc<Self>, every: Duration) -> impl Future<Output = ()> + Send + 'static {
        let source = Arc::downgrade(self);
        async move {
            let mut pause = every;
            loop {
                tokio::time::sleep(pause).await;
                let Some(source) = source.upgrade() else {
                    return;
                };
                pause = match tokio::task::spawn_blocking(move || source.look()).await {
                    Ok(Look::Unsettled) => every.min(SETTLE),
                    Ok(Look::Same | Look::Taken) => every,
                    Err(error) if error.is_panic() => {
                        // An observer's panic, since reading has none: the next look may be fine.
                        tracing::error!(target: "msa::discovery", %error, "looking at the endpoints file failed");
                        every
                    }
                    // The runtime is going down.
                    Err(_) => return,
                };
            }
        }
    }

    fn look(&self) -> Look {
        let reading = read(&self.path);
        {
            let mut looks = self.lock_looks();
            if looks.settled.as_ref() == Some(&reading) {
                looks.unsettled = None;
                if self.last_error().is_none() {
                    self.set_read();
                }
                return Look::Same;
            }
            if looks.unsettled.as_ref() != Some(&reading) {
                looks.unsettled = Some(reading);
                return Look::Unsettled;
            }
            looks.unsettled = None;
            looks.settled = Some(reading.clone());
        }
        self.take(reading);
        Look::Taken
    }

    fn take(&self, reading: Reading) {
        let path = self.path.display();
        let services = reading
            .map_err(|reason| format!("{path}: {reason}"))
            .and_then(|bytes| {
                document::parse(&bytes).map_err(|fault| match fault.at {
                    Some((line, column)) => format!("{path}:{line}:{column}: {}", fault.reason),
                    None => format!("{path}: {}", fault.reason),
                })
            });
        match services {
            Ok(services) => {
                if self.set_error(None).is_some() {
                    tracing::info!(target: "msa::discovery", %path, "the endpoints file is fine again");
                }
                self.directory.replace(services);
                self.set_read();
            }
            Err(reason) => {
                if self.set_error(Some(reason.clone())).as_ref() == Some(&reason) {
                    return;
                }
                tracing::warn!(
                    target: "msa::discovery",
                    %reason,
                    "the endpoints file cannot be used; what was known before stays"
                );
                self.observers.tell(&Event::DiscoveryFailed {
                    service: "*",
                    reason: &reason,
                });
            }
        }
    }

    /// Sets the error and returns the one before.
    fn set_error(&self, error: Option<String>) -> Option<String> {
        std::mem::replace(
            &mut *self.error.lock().unwrap_or_else(PoisonError::into_inner),
            error,
        )
    }

    fn set_read(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::now());
    }

    fn lock_looks(&self) -> std::sync::MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Discover for FileSource {
    fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>> {
        self.directory.subscribe(service)
    }

    fn last_error(&self) -> Option<String> {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn last_read(&self) -> Option<Instant> {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn services(&self) -> Vec<String> {
        self.directory.services()
    }
}

fn read(path: &Path) -> Reading {
    // Asked before it is opened: opening a named pipe would wait for a writer.
    let metadata = fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; it is read once there is".to_owned(),
        _ => error.to_string(),
    })?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is larger than 16 MiB".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
