//! Log levels that an operator changed while the service runs, over those of the configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

use crate::clock::Instant;

/// The name under which the level of everything is changed.
const ROOT: &str = "root";

/// More targets than that are not overridden at a time.
const MOST: usize = 64;

/// A level cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelError {
    /// It is not a level.
    #[error("`level` is one of off, error, warn, info, debug, trace")]
    Level,
    /// It is not a target.
    #[error(
        "a target is a module's path such as `sqlx::query`, or `root`, of at most 128 characters"
    )]
    Target,
    /// The program logs by a subscriber of its own.
    #[error("the program has a log subscriber of its own, whose levels are not msa's to change")]
    NotOurs,
    /// Too many are changed already.
    #[error("64 levels are changed already; take one back first")]
    TooMany,
}

/// The levels in effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Levels {
    /// `log.level` of the configuration.
    pub configured: String,
    /// What was changed, by target; `root` is everything.
    pub changed: BTreeMap<String, ChangedLevel>,
}

/// A changed level.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChangedLevel {
    /// The level.
    pub level: String,
    /// Seconds until it is as configured again; none when it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_s: Option<f64>,
}

/// What is configured, and what was changed.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    configured: String,
    changed: BTreeMap<String, (LevelFilter, Option<Instant>)>,
}

impl Overrides {
    pub(super) fn new(configured: &str) -> Self {
        Self {
            configured: configured.to_owned(),
            changed: BTreeMap::new(),
        }
    }

    pub(super) fn configure(&mut self, level: &str) {
        level.clone_into(&mut self.configured);
    }

    pub(super) fn put(
        &mut self,
        target: &str,
        level: &str,
        time: Option<Duration>,
        now: Instant,
    ) -> Result<(), LevelError> {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
        if target.is_empty() || target.len() > 128 || !target.chars().all(part) {
            return Err(LevelError::Target);
        }
        // LevelFilter reads numbers and nothing at all, too, which nobody means.
        let word =
            |level: &&str| !level.is_empty() && level.chars().all(|c| c.is_ascii_alphabetic());
        let level = Some(level).filter(word);
        let level = level.and_then(|level| level.parse().ok());
        let level = level.ok_or(LevelError::Level)?;
        if self.changed.len() >= MOST && !self.changed.contains_key(target) {
            return Err(LevelError::TooMany);
        }
        let until = time.and_then(|time| now.checked_add(time));
        self.changed.insert(target.to_owned(), (level, until));
        Ok(())
    }

    /// `false` when it was not changed.
    pub(super) fn remove(&mut self, target: &str) -> bool {
        self.changed.remove(target).is_some()
    }

    /// Takes back those whose time is over; `false` when there are none.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.changed.len();
        (self.changed).retain(|_, (_, until)| until.is_none_or(|until| until > now));
        self.changed.len() != before
    }

    /// As a filter reads it. Of two directives for one target the later counts.
    pub(super) fn directives(&self) -> String {
        let mut text = self.configured.clone();
        for (target, (level, _)) in &self.changed {
            if !text.is_empty() {
                text.push(',');
            }
            if target != ROOT {
                text.push_str(target);
                text.push('=');
            }
            text.push_str(&level.to_string());
        }
        text
    }

    pub(super) fn levels(&self, now: Instant) -> Levels {
        let changed = |(target, (level, until)): (&String, &(LevelFilter, Option<Instant>))| {
            let left = until.map(|until| until.saturating_duration_since(now));
            let changed = ChangedLevel {
                level: level.to_string(),
                left_s: left.map(|left| left.as_secs_f64()),
            };
            (target.clone(), changed)
        };
        Levels {
            configured: self.configured.clone(),
            changed: self.changed.iter().map(changed).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test(start_paused = true)]
    async fn a_changed_level_holds_for_its_time_and_survives_a_reload() {
        let mut levels = Overrides::new("info,sqlx=warn");
        let now = clock::now();
        levels.put("msa::policy", "debug", None, now).unwrap();
        let minute = Some(Duration::from_secs(60));
        levels.put("root", "TRACE", minute, now).unwrap();
        assert_eq!(
            levels.directives(),
            "info,sqlx=warn,msa::policy=debug,trace"
        );
        levels.configure("warn");
        assert!(!levels.expire(now + Duration::from_secs(59)));
        assert!(levels.expire(now + Duration::from_secs(60)));
        assert_eq!(levels.directives(), "warn,msa::policy=debug");
        assert!(levels.remove("msa::policy") && !levels.remove("msa::policy"));
        assert_eq!(levels.directives(), "warn");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_level_or_no_target_is_refused() {
        let mut levels = Overrides::new("info");
        let now = clock::now();
        for level in ["loud", "", "5", "debug,sqlx=trace"] {
            assert_eq!(
                levels.put("a", level, None, now),
                Err(LevelError::Level),
                "{level}"
            );
        }
        for target in ["", "a=b", "a,b", "a[b]", &"x".repeat(129)] {
            assert_eq!(
                levels.put(target, "info", None, now),
                Err(LevelError::Target),
                "{target}"
            );
        }
        assert_eq!(levels.directives(), "info");
    }
}
