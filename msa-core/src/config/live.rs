//! The loaded configuration, and how it is replaced while others read it.

use std::any::type_name;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::assemble::{Merged, Recipe, Typed};
use super::change::{self, Changed};
use super::error::{ConfigError, Problem, Source};
use super::files::Files;
use super::{Row, Settings, path, print};
use crate::event::{Event, Observers};

/// The loaded configuration. Cheap to clone; all clones see a reload.
#[derive(Clone)]
pub struct Config(Arc<Inner>);

struct Inner {
    recipe: Recipe,
    current: ArcSwap<Snapshot>,
    settings: watch::Sender<Arc<Settings>>,
    state: Mutex<State>,
    observers: ArcSwap<Observers>,
}

struct Snapshot {
    merged: Merged,
    typed: Typed,
}

/// What a reading of the disk gave.
pub(super) type Reading = Result<Files, Vec<Problem>>;

struct State {
    /// The last reading that was looked at; an equal one is no news.
    seen: Reading,
    /// The last one that was accepted.
    good: Files,
    error: Option<ConfigError>,
}

impl Config {
    pub(super) fn start(recipe: Recipe) -> Result<Self, Vec<Problem>> {
        let files = recipe.read()?;
        let merged = recipe.merge(&files)?;
        let typed = recipe.read_types(&merged)?;
        let (settings, _) = watch::channel(typed.settings.clone());
        Ok(Self(Arc::new(Inner {
            recipe,
            current: ArcSwap::from_pointee(Snapshot { merged, typed }),
            settings,
            state: Mutex::new(State {
                seen: Ok(files.clone()),
                good: files,
                error: None,
            }),
            observers: ArcSwap::from_pointee(Observers::none()),
        })))
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.recipe.service
    }

    /// The settings in effect now. Ask again for each piece of work, and a reload reaches it.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.0.current.load().typed.settings.clone()
    }

    /// A section of the service's own, as it is now.
    ///
    /// # Errors
    ///
    /// The section was not registered by [`Loader::section`](super::Loader::section), or with another type.
    pub fn section<T: Send + Sync + 'static>(&self, name: &str) -> Result<Arc<T>, ConfigError> {
        let name = path::folded(name);
        let section = self.0.current.load().typed.sections.get(&name).cloned();
        let fault = match section.map(Arc::downcast) {
            Some(Ok(section)) => return Ok(section),
            Some(Err(_)) => format!(
                "section `{name}` is registered with another type than {}",
                type_name::<T>()
            ),
            None => format!(
                "section `{name}` is not registered; add `.section::<{}>({name:?})`",
                type_name::<T>()
            ),
        };
        Err(self.refusal(vec![Problem::new(Source::Default, name, fault)]))
    }

    /// Tells of every accepted reload, also when only a section of the service's own has changed.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Settings>> {
        self.0.settings.subscribe()
    }

    /// Whether anybody set this key or one below it.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        let sources = &self.0.current.load().merged.sources;
        sources.is_set(key) || sources.is_set(&path::folded(key))
    }

    /// Where the value of a key comes from; `None` when there is no such key.
    #[must_use]
    pub fn source_of(&self, key: &str) -> Option<Source> {
        let sources = &self.0.current.load().merged.sources;
        let source = sources.exact(key);
        source
            .or_else(|| sources.exact(&path::folded(key)))
            .cloned()
    }

    /// What is allowed and probably not meant, such as a stray `MSA_` variable. To be logged once logging works.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0.current.load().typed.warnings.clone()
    }

    /// Every effective value as TOML that can be used as `msa.toml`, each with its source; secrets are `***`.
    #[must_use]
    pub fn print(&self) -> String {
        let Merged { tree, sources, .. } = &self.0.current.load().merged;
        print::toml(self.service(), tree, self.0.recipe.root(), sources)
    }

    /// The same value by value, in the order of their keys.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let Merged { tree, sources, .. } = &self.0.current.load().merged;
        print::rows(tree, self.0.recipe.root(), sources)
    }

    /// The JSON Schema (draft 2020-12) of all keys: types, ranges, defaults, descriptions.
    ///
    /// Besides the standard's keywords: `format` `span`, `size`, `rate`, `percent`, `socket-addr`, `ip-net`, `http-url`, `url-path`,
    /// `origin`, `header-name`, `retry-condition` and `log-filter`, `x-msa-min` and `x-msa-max` for what has a unit, `writeOnly` for
    /// secrets, and `x-msa-restart` for what
    /// takes effect at the next start.
    #[must_use]
    pub fn schema(&self) -> serde_json::Value {
        self.0.recipe.schema.clone()
    }

    /// Why the last reload was refused; `None` once one is accepted again.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        self.state().error.as_ref().map(ConfigError::to_string)
    }

    /// Tells these observers of every reload.
    pub fn observe(&self, observers: Observers) {
        self.0.observers.store(Arc::new(observers));
    }

    /// Reads the files again, now.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the new configuration. The last good one stays in effect.
    pub fn reload(&self) -> Result<Changed, ConfigError> {
        let reading = self.read();
        self.apply(reading)
    }

    pub(super) fn read(&self) -> Reading {
        self.0.recipe.read()
    }

    /// Whether a reading is worth a reload.
    pub(super) fn is_news(&self, reading: &Reading) -> bool {
        self.state().seen != *reading
    }

    /// Takes a reading over, or refuses it.
    pub(super) fn apply(&self, reading: Reading) -> Result<Changed, ConfigError> {
        // Held to the end: of two reloads at once the later reading wins, and no reader waits for it.
        let mut state = self.state();
        state.seen = reading.clone();
        let outcome = reading.and_then(|files| {
            let missing = files.missing(&state.good);
            if !missing.is_empty() {
                return Err(missing);
            }
            let (snapshot, changed) = self.prepare(&files)?;
            Ok((files, snapshot, changed))
        });
        let result = match outcome {
            Ok((files, snapshot, changed)) => {
                state.good = files;
                state.error = None;
                let settings = snapshot.typed.settings.clone();
                let known = self.warnings();
                for warning in &snapshot.typed.warnings {
                    if !known.contains(warning) {
                        tracing::warn!(target: "msa::config", "{warning}");
                    }
                }
                self.0.current.store(Arc::new(snapshot));
                self.0.settings.send_replace(settings);
                Ok(changed)
            }
            Err(problems) => {
                let error = self.refusal(problems);
                state.error = Some(error.clone());
                Err(error)
            }
        };
        drop(state);
        self.0.observers.load().tell(&Event::ConfigReloaded {
            accepted: result.is_ok(),
        });
        self.log(&result);
        result
    }

    fn prepare(&self, files: &Files) -> Result<(Snapshot, Changed), Vec<Problem>> {
        let recipe = &self.0.recipe;
        let mut merged = recipe.merge(files)?;
        // As it is written, it must do for the next start; as it is mixed with what needs one, for now.
        recipe.read_types(&merged)?;
        let old = self.0.current.load();
        let changed = change::pin(&mut merged, &old.merged, recipe.root());
        let typed = recipe.read_types(&merged)?;
        Ok((Snapshot { merged, typed }, changed))
    }

    fn log(&self, result: &Result<Changed, ConfigError>) {
        match result {
            Ok(changed) => {
                for key in &changed.restart {
                    tracing::warn!(target: "msa::config", key, "the changed setting takes effect at the next start");
                }
                if !changed.live.is_empty() {
                    let changed = changed.live.join(", ");
                    tracing::info!(target: "msa::config", changed, "configuration reloaded");
                } else if changed.restart.is_empty() {
                    tracing::info!(target: "msa::config", "configuration read again: nothing has changed");
                }
            }
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(target: "msa::config", error, "new configuration refused; the last good one stays");
            }
        }
    }

    fn refusal(&self, problems: Vec<Problem>) -> ConfigError {
        ConfigError::new(self.service(), problems)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Config {
    /// Without values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("service", &self.service())
            .finish_non_exhaustive()
    }
}
