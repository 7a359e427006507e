//! The five services, wired to each other.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Response};
use crate::{AccessLine, Error, Process, ProcessBuilder};

/// The services, each before those who call it: they are told its address when they start.
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
    instances: BTreeMap<String, usize>,
}

impl ClusterBuilder {
    /// Sets a variable in the environment of one service.
    pub fn env(mut self, service: &str, name: &str, value: impl Into<String>) -> Self {
        self.env
            .push((service.to_owned(), name.to_owned(), value.into()));
        self
    }

    /// Starts a service so many times, all on the same database. Defaults to once.
    pub fn instances(mut self, service: &str, count: usize) -> Self {
        self.instances.insert(service.to_owned(), count.max(1));
        self
    }

    /// Seeds temporary databases, starts the services and waits until each is ready.
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
            for _ in 0..self.instances.get(service).copied().unwrap_or(1) {
                cluster.spawn(service)?;
            }
        }
        for process in cluster.processes.values_mut().flatten() {
            process.wait_ready()?;
        }
        Ok(cluster)
    }
}

/// The five services as processes, with temporary databases. Dropping it kills them and removes the data.
///
/// Where a method names a service without an instance, it means the first.
#[derive(Debug)]
pub struct Cluster {
    // Declared before `dir`, and so dropped first: no process may outlive its data.
    processes: BTreeMap<&'static str, Vec<Process>>,
    addrs: BTreeMap<&'static str, Vec<SocketAddr>>,
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
        self.addr_of(service, 0)
    }

    /// Where an instance of a service listens; the first is 0.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn addr_of(&self, service: &str, instance: usize) -> Result<SocketAddr, Error> {
        let addrs = self.addrs.get(service);
        addrs
            .and_then(|addrs| addrs.get(instance).copied())
            .ok_or_else(|| unknown(service))
    }

    /// One of the processes.
    ///
    /// # Errors
    /// When it is not one of [`SERVICES`].
    pub fn process(&mut self, service: &str) -> Result<&mut Process, Error> {
        self.instance(service, 0)
    }

    /// An instance of a service; the first is 0.
    ///
    /// # Errors
    /// When there is no such instance.
    pub fn instance(&mut self, service: &str, instance: usize) -> Result<&mut Process, Error> {
        let processes = self.processes.get_mut(service);
        processes
            .and_then(|processes| processes.get_mut(instance))
            .ok_or_else(|| unknown(service))
    }

    /// The folder from which an instance is run, where it looks for its `msa.toml`.
    #[must_use]
    pub fn dir_of(&self, service: &str, instance: usize) -> PathBuf {
        match instance {
            0 => self.dir.path().join(service),
            n => self.dir.path().join(format!("{service}-{}", n + 1)),
        }
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
            .flatten()
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

    /// Drains all five at once, and waits until each has ended; every line they wrote has been read then.
    ///
    /// # Errors
    /// When one of them does not end, or not with exit code 0.
    pub fn drain(&mut self) -> Result<(), Error> {
        for process in self.processes.values().flatten() {
            process.terminate()?;
        }
        for process in self.processes.values_mut().flatten() {
            process.wait_drained()?;
        }
        Ok(())
    }

    /// Starts a service again where it was, after its process has ended.
    ///
    /// # Errors
    /// When it cannot be started or does not become ready.
    pub fn restart(&mut self, service: &str) -> Result<(), Error> {
        self.restart_instance(service, 0)
    }

    /// Starts an instance again where it was, after its process has ended. What the old one wrote is forgotten.
    ///
    /// # Errors
    /// As [`Cluster::restart`].
    pub fn restart_instance(&mut self, service: &str, instance: usize) -> Result<(), Error> {
        let addr = self.addr_of(service, instance)?;
        let process = self
            .describe(service, instance)?
            .env("MSA_SERVER__ADDR", addr.to_string())
            .spawn()?;
        let place = self.instance(service, instance)?;
        *place = process;
        place.wait_ready()?;
        Ok(())
    }

    /// Migrates and seeds the databases, all at once.
    fn seed(&self) -> Result<(), Error> {
        let seeding = STORES
            .iter()
            .map(|service| self.describe(service, 0)?.arg("seed").spawn());
        let seeding: Vec<Process> = seeding.collect::<Result<_, _>>()?;
        for mut process in seeding {
            process.wait_drained()?;
        }
        Ok(())
    }

    fn spawn(&mut self, service: &'static str) -> Result<(), Error> {
        let instance = self.processes.get(service).map_or(0, Vec::len);
        let mut process = self.describe(service, instance)?.spawn()?;
        let addr = process.wait_listening()?;
        self.addrs.entry(service).or_default().push(addr);
        self.processes.entry(service).or_default().push(process);
        Ok(())
    }

    fn describe(&self, service: &str, instance: usize) -> Result<ProcessBuilder, Error> {
        let dir = self.dir_of(service, instance);
        fs::create_dir_all(&dir).map_err(Error::io("cannot make a temporary folder"))?;
        let mut builder = Process::builder(service)?.dir(dir);
        if STORES.contains(&service) {
            let database = self.dir.path().join(format!("{service}.db"));
            builder = builder.env("DATABASE_URL", format!("sqlite://{}", database.display()));
        }
        let callees = CALLS.iter().filter(|(caller, _)| *caller == service);
        for callee in callees.flat_map(|(_, callees)| *callees) {
            if let Some(addrs) = self.addrs.get(callee) {
                let name = callee.replace('-', "_").to_uppercase();
                let variable = format!("MSA_CLIENTS__{name}__ENDPOINTS");
                let urls: Vec<String> = addrs.iter().map(|addr| format!("http://{addr}")).collect();
                builder = builder.env(variable, urls.join(","));
            }
        }
        let own = self.env.iter().filter(|(owner, ..)| owner == service);
        Ok(builder.envs(own.map(|(_, name, value)| (name, value))))
    }
}

fn unknown(service: &str) -> Error {
    Error::UnknownService {
        service: service.to_owned(),
    }
}
