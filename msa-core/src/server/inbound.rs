//! What the layers of the inbound stack share: the settings, made ready for a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderName;

use super::ServerError;
use super::body::BodyLimits;
use super::layers::journal::AdminPort;
use super::layers::rate::RateGate;
use super::layers::shed::Overload;
use super::load::ServerLoad;
use crate::clock::{self, Instant};
use crate::config::{Settings, TxnHeaderNames};
use crate::event::Observers;
#[cfg(feature = "fault")]
use crate::fault::FaultLayer;
use crate::telemetry::Sensitive;
use crate::telemetry::journal::Journal;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::traces::Traces;
use crate::txn::{Headers, Minter, Trust};

/// What the layers of the inbound stack share.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) headers: Headers,
    pub(crate) trust: Trust,
    pub(crate) minter: Minter,
    pub(crate) max_hops: u32,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) observers: Observers,
    pub(crate) traces: Traces,
    pub(super) body_limit: usize,
    pub(super) body_limits: BodyLimits,
    pub(super) sensitive: Sensitive,
    pub(super) overload: Overload,
    pub(super) rate: RateGate,
    pub(super) load: Arc<ServerLoad>,
    #[cfg(feature = "fault")]
    pub(super) faults: FaultLayer,
    pub(crate) journal: Option<Journal>,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) admin: OnceLock<AdminPort>,
    access_log: AtomicBool,
}

impl Inbound {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServerError> {
        let mut sensitive = Vec::new();
        for name in &settings.server.sensitive_headers {
            sensitive.push(header_name("server.sensitive_headers", name)?);
        }
        #[cfg(not(feature = "fault"))]
        no_faults(settings)?;
        let now = clock::now();
        let minter = Minter::default();
        let seed = seed_of(&minter);
        Ok(Self {
            headers: headers(&settings.txn.headers)?,
            trust: Trust::networks(settings.txn.trust.iter().copied()),
            minter,
            max_hops: settings.txn.max_hops.into(),
            request_timeout: Some(settings.server.request_timeout.get()),
            observers: Observers::none(),
            traces: Traces::new(&settings.telemetry),
            body_limit: usize::try_from(settings.server.body_limit.get()).unwrap_or(usize::MAX),
            body_limits: BodyLimits::from(&settings.server),
            sensitive: Sensitive::new(sensitive),
            overload: Overload::new(&settings.server.overload, seed, now),
            rate: RateGate::new(&settings.server.rate_limit, now)?,
            load: Arc::new(ServerLoad::new(now)),
            #[cfg(feature = "fault")]
            faults: FaultLayer::new(&settings.server.fault, seed)?,
            journal: None,
            metrics: None,
            admin: OnceLock::new(),
            access_log: AtomicBool::new(settings.log.access),
        })
    }

    /// The same once more.
    pub(super) fn copy(&self) -> Self {
        Self {
            headers: self.headers.clone(),
            trust: self.trust.clone(),
            minter: self.minter.fork(),
            max_hops: self.max_hops,
            request_timeout: self.request_timeout,
            observers: self.observers.clone(),
            traces: self.traces.clone(),
            body_limit: self.body_limit,
            body_limits: self.body_limits,
            sensitive: self.sensitive.clone(),
            overload: self.overload.clone(),
            rate: self.rate.clone(),
            load: self.load.clone(),
            #[cfg(feature = "fault")]
            faults: self.faults.clone(),
            journal: self.journal.clone(),
            metrics: self.metrics.clone(),
            admin: OnceLock::new(),
            access_log: AtomicBool::new(self.access_log()),
        }
    }

    pub(super) fn observe(&mut self, observers: Observers) {
        self.overload = self.overload.clone().observed_by(observers.clone());
        #[cfg(feature = "fault")]
        {
            self.faults = self.faults.clone().observed_by(observers.clone());
        }
        self.observers = observers;
    }

    pub(super) fn configure(&self, settings: &Settings, now: Instant) -> Result<(), ServerError> {
        self.access_log
            .store(settings.log.access, Ordering::Relaxed);
        self.overload.configure(&settings.server.overload, now);
        self.rate.configure(&settings.server.rate_limit, now)?;
        #[cfg(feature = "fault")]
        self.faults.configure(&settings.server.fault)?;
        #[cfg(not(feature = "fault"))]
        no_faults(settings)?;
        Ok(())
    }

    pub(crate) fn access_log(&self) -> bool {
        self.access_log.load(Ordering::Relaxed)
    }
}

/// Half of an id that the minter would mint next; it stays to be minted.
fn seed_of(minter: &Minter) -> u64 {
    let id = minter.fork().mint(0).as_trace_id().unwrap_or_default();
    u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default()
}

#[cfg(not(feature = "fault"))]
fn no_faults(settings: &Settings) -> Result<(), ServerError> {
    if settings.server.fault.is_on() {
        return Err(ServerError::Feature {
            key: "server.fault",
            feature: "fault",
        });
    }
    Ok(())
}

fn headers(names: &TxnHeaderNames) -> Result<Headers, ServerError> {
    Ok(Headers::default()
        .with_gtxid(header_name("txn.headers.gtxid", &names.gtxid)?)
        .with_ltxid(header_name("txn.headers.ltxid", &names.ltxid)?)
        .with_branch(header_name("txn.headers.branch", &names.branch)?)
        .with_attempt(header_name("txn.headers.attempt", &names.attempt)?)
        .with_timeout(header_name("txn.headers.timeout", &names.timeout)?)
        .with_retries(header_name("txn.headers.retries", &names.retries)?)
        .with_criticality(header_name("txn.headers.criticality", &names.criticality)?))
}

fn header_name(key: &'static str, name: &str) -> Result<HeaderName, ServerError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| ServerError::HeaderName {
        key,
        name: name.to_owned(),
    })
}
