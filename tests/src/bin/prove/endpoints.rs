//! The endpoints file, rewritten as late as a registry would.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};
use tokio::task::JoinHandle;

use crate::Error;

/// The file of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: TempDir,
    lag: Duration,
    members: Mutex<BTreeSet<SocketAddr>>,
}

impl Endpoints {
    pub(crate) fn new(
        lag: Duration,
        members: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Self, Error> {
        let endpoints = Self(Arc::new(Inner {
            folder: tempfile::tempdir()?,
            lag,
            members: Mutex::new(members.into_iter().collect()),
        }));
        endpoints.change(|_| {})?;
        Ok(endpoints)
    }

    pub(crate) fn path(&self) -> PathBuf {
        path(self.0.folder.path())
    }

    /// Adds it to the file, the lag later.
    pub(crate) fn add(&self, addr: SocketAddr) -> JoinHandle<Result<(), Error>> {
        self.later(move |members| {
            members.insert(addr);
        })
    }

    /// Removes it from the file, the lag later.
    pub(crate) fn remove(&self, addr: SocketAddr) -> JoinHandle<Result<(), Error>> {
        self.later(move |members| {
            members.remove(&addr);
        })
    }

    fn later(
        &self,
        change: impl FnOnce(&mut BTreeSet<SocketAddr>) + Send + 'static,
    ) -> JoinHandle<Result<(), Error>> {
        let endpoints = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(endpoints.0.lag).await;
            endpoints.change(change)
        })
    }

    /// Writes a new file and renames it over the old one.
    fn change(&self, change: impl FnOnce(&mut BTreeSet<SocketAddr>)) -> Result<(), Error> {
        let mut members = self
            .0
            .members
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut members);
        let urls: Vec<String> = members
            .iter()
            .map(|addr| format!("\"http://{addr}\""))
            .collect();
        let folder = self.0.folder.path();
        let mut file = NamedTempFile::new_in(folder)?;
        writeln!(file, "[services.items]\nendpoints = [{}]", urls.join(", "))?;
        file.persist(path(folder))?;
        Ok(())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("endpoints.toml")
}
