//! A limiter in its place: with its mode, and those who are told what it does.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Admission, LimitConfig, LimitMode, Limiter, Outcome, Overloaded, Permit, Waiting};
use crate::clock::Instant;
use crate::config::{LimitSettings, OverloadSettings};
use crate::event::{Event, Observers};
use crate::txn::Criticality;

/// What `LimitChanged` calls the server's own limit.
const SERVER: &str = "server";

/// A [`Limiter`] with its [`LimitMode`] and its observers: what the stacks and [`LimitLayer`](super::LimitLayer) stand on.
/// Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct LimitGuard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limiter: Limiter,
    mode: AtomicU8,
    /// What it was last configured with; `None` is not known. Looked at when settings change, never by a request.
    config: Mutex<Option<LimitConfig>>,
    /// `None` is the server.
    service: Option<Arc<str>>,
    observers: Observers,
}

/// Whether a request may go on.
#[derive(Debug)]
#[must_use]
pub enum Entry {
    /// There is no limit.
    Free,
    /// It has its place, or the limit runs dark.
    Admitted(Permit),
    /// It has to wait. When the future refuses, tell [`LimitGuard::refused`].
    Waiting(Waiting),
    /// It is turned away.
    Refused(Overloaded),
}

impl LimitGuard {
    /// The limit of calls to a service, or of a policy by its key.
    #[must_use]
    pub fn client(
        service: impl Into<Arc<str>>,
        settings: &LimitSettings,
        seed: u64,
        now: Instant,
    ) -> Self {
        let config = LimitConfig::from(settings);
        let limiter = Limiter::new(&config, seed, now);
        Self::of(limiter, settings.mode, Some(config), Some(service.into()))
    }

    /// The limit of a server.
    #[must_use]
    pub fn server(settings: &OverloadSettings, seed: u64, now: Instant) -> Self {
        let config = LimitConfig::from(settings);
        let limiter = Limiter::new(&config, seed, now);
        Self::of(limiter, settings.mode, Some(config), None)
    }

    /// A limiter of one's own, in front of a service.
    #[must_use]
    pub fn new(service: impl Into<Arc<str>>, limiter: Limiter, mode: LimitMode) -> Self {
        Self::of(limiter, mode, None, Some(service.into()))
    }

    fn of(
        limiter: Limiter,
        mode: LimitMode,
        config: Option<LimitConfig>,
        service: Option<Arc<str>>,
    ) -> Self {
        Self(Arc::new(Inner {
            limiter,
            mode: AtomicU8::new(mode as u8),
            config: Mutex::new(config),
            service,
            observers: Observers::none(),
        }))
    }

    /// Tells these observers. The limiter stays the same one.
    #[must_use]
    pub fn observed_by(self, observers: Observers) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            limiter: inner.limiter.clone(),
            mode: AtomicU8::new(inner.mode.load(Ordering::Relaxed)),
            config: Mutex::new(self.config()),
            service: inner.service.clone(),
            observers,
        }))
    }

    /// Takes over settings, of which only changed ones are news to the limiter: what it has learned stays when something else in the
    /// same file was changed. Who is in or waits stays in any case.
    pub fn configure(&self, mode: LimitMode, config: &LimitConfig, now: Instant) {
        self.0.mode.store(mode as u8, Ordering::Relaxed);
        if self.config().as_ref() == Some(config) {
            return;
        }
        self.0.limiter.configure(config, now);
        let mut kept = self.0.config.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(*config);
    }

    fn config(&self) -> Option<LimitConfig> {
        let config = self.0.config.lock().unwrap_or_else(PoisonError::into_inner);
        *config
    }

    /// The limiter.
    #[must_use]
    pub fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    /// Whether it limits.
    #[must_use]
    pub fn mode(&self) -> LimitMode {
        let mode = self.0.mode.load(Ordering::Relaxed);
        [LimitMode::Dark, LimitMode::On]
            .into_iter()
            .find(|known| *known as u8 == mode)
            .unwrap_or(LimitMode::Off)
    }

    /// Lets a request in, or not.
    #[inline]
    pub fn enter(&self, class: Criticality, now: Instant) -> Entry {
        match self.mode() {
            LimitMode::Off => Entry::Free,
            LimitMode::Dark => {
                let (permit, refused) = self.0.limiter.observe(class, now);
                if let Some(error) = refused {
                    self.tell_refused(class, &error, true);
                }
                Entry::Admitted(permit)
            }
            LimitMode::On => match self.0.limiter.enter(class, now) {
                Admission::Admitted(permit) => Entry::Admitted(permit),
                Admission::Waiting(waiting) => Entry::Waiting(waiting),
                Admission::Refused(error) => {
                    self.refused(class, &error);
                    Entry::Refused(error)
                }
            },
        }
    }

    /// Lets a request in as soon as there is a place; `None` is no limit.
    ///
    /// # Errors
    ///
    /// [`Overloaded`], of which the observers know already.
    pub async fn acquire(
        &self,
        class: Criticality,
        now: Instant,
    ) -> Result<Option<Permit>, Overloaded> {
        match self.enter(class, now) {
            Entry::Free => Ok(None),
            Entry::Admitted(permit) => Ok(Some(permit)),
            Entry::Refused(error) => Err(error),
            Entry::Waiting(waiting) => match waiting.await {
                Ok(permit) => Ok(Some(permit)),
                Err(error) => {
                    self.refused(class, &error);
                    Err(error)
                }
            },
        }
    }

    /// Tells the observers that one that waited was turned away.
    pub fn refused(&self, class: Criticality, error: &Overloaded) {
        self.tell_refused(class, error, false);
    }

    /// Tells the limiter how a request went, and the observers when that moved the limit. The permit keeps its place.
    #[inline]
    pub fn record(&self, permit: &mut Permit, outcome: Outcome, now: Instant) {
        if let Some(limit) = permit.record(outcome, now) {
            let service = self.0.service.as_deref().unwrap_or(SERVER);
            let event = Event::LimitChanged { service, limit };
            self.0.observers.tell(&event);
        }
    }

    #[cold]
    fn tell_refused(&self, class: Criticality, error: &Overloaded, dark: bool) {
        self.0.observers.tell(&match &self.0.service {
            Some(service) => Event::Refused {
                service,
                policy: "limit",
                dark,
            },
            None => Event::Shed {
                criticality: class.as_str(),
                reason: error.reason.as_str(),
                dark,
            },
        });
    }
}
