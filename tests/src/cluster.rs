//! The five services, wired to each other.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Response};
use crate::{AccessLine, Error, Process, ProcessBuilder};

/// The services in the order in which a shop lists them: who is called before who calls.
pub const SERVICES: [&str; 5] = [
    "banner-service",
    "user-service",
    "product-service",
    "order-service",
    "order-orchestrator",
];

/// Who keeps data, and so is migrated and seeded.
const STORES: [&str; 4] = [
    "banner-service",
    "user-service",
    "product-service",
    "order-service",
];

/// Whom each service calls.
const CALLS: [(&str, &[&str]); 2] = [
    ("order-service", &["product-service"]),
    (
        "order-orchestrator",
        &[
            "user-service",
            "product-service",
            "banner-service",
            "order-service",
        ],
    ),
];

/// How a cluster is to be started. Made by [`Cluster::builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct ClusterBuilder {
    env: Vec<(String, String, String)>,
}

impl ClusterBuilder {
    /// Sets a variable in the environment of one service.
    pub fn env(mut self, service: &str, name: &str, value: impl Into<String>) -> Self {
        self.env
            .push((service.to_owned(), name.to_owned(), value.into()));
        self
    }

    /// Seeds temporary databases, starts the five and waits until each is ready.
    ///
    /// # Errors
    /// When a service cannot be built, seeded or started, with its last log lines.
    pub fn start(self) -> Result<Cluster, Error> {
        let mut cluster = Cluster {
            processes: BTreeMap::new(),
            addrs: BTreeMap::new(),
            env: self.env,
            dir: tempfile::tempdir().map_err(Error::io("cannot make a temporary folder"))?,
        };
        cluster.seed()?;
        for service in SERVICES {
            cluster.spawn(service)?;
        }
        for service in SERVICES {
            cluster.process(service)?.wait_ready()?;
        }
        Ok(cluster)
    }
}

/// The five services as processes, with temporary databases. Dropping it kills them and removes the data.
#[derive(Debug)]
pub struct Cluster {
    // Declared before `dir`, and so dropped first: no process may outlive its data.
    processes: BTreeMap<&'static str, Process>,
    addrs: BTreeMap<&'static str, SocketAddr>,
    env: Vec<(String, String, String)>,
    dir: TempDir,
}

impl Cluster {
    /// Begins to describe a cluster.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// Starts one with nothing changed.
    ///
    /// # Errors
    /// As [`ClusterBuilder::start`].
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// The folder that holds the services' databases, `<service>.db` each.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where a service listens.
    ///
    /// # Errors
    /// When it is not one of [`SERVICES`].
    pub fn addr(&self, service: &str) -> Result<SocketAddr, Error> {
        self.addrs
            .get(service)
            .copied()
            .ok_or_else(|| unknown(service))
    }

    /// One of the processes.
    ///
    /// # Errors
    /// When it is not one of [`SERVICES`].
    pub fn process(&mut self, service: &str) -> Result<&mut Process, Error> {
        self.processes
            .get_mut(service)
            .ok_or_else(|| unknown(service))
    }

    /// Places an order at order-orchestrator.
    ///
    /// # Errors
    /// When no whole answer came.
    pub fn place_order(&self, order: &Value, headers: &[(&str, &str)]) -> Result<Response, Error> {
        let mut request = http::post(self.addr("order-orchestrator")?, "/orders", order);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send()
    }

    /// What all five logged of one transaction so far, parents before their children, siblings in the order of their calls.
    #[must_use]
    pub fn transaction(&self, gtxid: &str) -> Vec<AccessLine> {
        let lines = self
            .processes
            .values()
            .flat_map(|process| process.access_of(gtxid));
        let mut lines: Vec<_> = lines.collect();
        lines.sort_by_cached_key(|line| {
            let steps = line
                .branch
                .split('.')
                .map(|step| step.parse::<u64>().unwrap_or(0));
            steps.collect::<Vec<_>>()
        });
        lines
    }

    /// Drains all five, callers first, and waits until each has ended; every line they wrote has been read then.
    ///
    /// # Errors
    /// When one of them does not end, or not with exit code 0.
    pub fn drain(&mut self) -> Result<(), Error> {
        for process in self.processes.values() {
            process.terminate()?;
        }
        for process in self.processes.values_mut() {
            process.wait_drained()?;
        }
        Ok(())
    }

    /// Starts a service again where it was, after its process has ended.
    ///
    /// # Errors
    /// When it cannot be started or does not become ready.
    pub fn restart(&mut self, service: &str) -> Result<(), Error> {
        let addr = self.addr(service)?;
        let name = name_of(service)?;
        let process = self
            .describe(name)?
            .env("MSA_SERVER__ADDR", addr.to_string())
            .spawn()?;
        self.processes.insert(name, process);
        self.process(name)?.wait_ready()?;
        Ok(())
    }

    /// Migrates and seeds the databases, all at once.
    fn seed(&self) -> Result<(), Error> {
        let seeding = STORES
            .iter()
            .map(|service| self.describe(service)?.arg("seed").spawn());
        let seeding: Vec<Process> = seeding.collect::<Result<_, _>>()?;
        for mut process in seeding {
            process.wait_drained()?;
        }
        Ok(())
    }

    fn spawn(&mut self, service: &'static str) -> Result<(), Error> {
        let mut process = self.describe(service)?.spawn()?;
        let addr = process.wait_listening()?;
        self.addrs.insert(service, addr);
        self.processes.insert(service, process);
        Ok(())
    }

    fn describe(&self, service: &str) -> Result<ProcessBuilder, Error> {
        let dir = self.dir.path().join(service);
        fs::create_dir_all(&dir).map_err(Error::io("cannot make a temporary folder"))?;
        let mut builder = Process::builder(service)?.dir(dir);
        if STORES.contains(&service) {
            let database = self.dir.path().join(format!("{service}.db"));
            builder = builder.env("DATABASE_URL", format!("sqlite://{}", database.display()));
        }
        let callees = CALLS.iter().filter(|(caller, _)| *caller == service);
        for callee in callees.flat_map(|(_, callees)| *callees) {
            if let Some(addr) = self.addrs.get(callee) {
                let name = callee.replace('-', "_").to_uppercase();
                let variable = format!("MSA_CLIENTS__{name}__ENDPOINTS");
                builder = builder.env(variable, format!("http://{addr}"));
            }
        }
        let own = self.env.iter().filter(|(owner, ..)| owner == service);
        Ok(builder.envs(own.map(|(_, name, value)| (name, value))))
    }
}

fn name_of(service: &str) -> Result<&'static str, Error> {
    let found = SERVICES.into_iter().find(|known| *known == service);
    found.ok_or_else(|| unknown(service))
}

fn unknown(service: &str) -> Error {
    Error::UnknownService {
        service: service.to_owned(),
    }
}
