//! Active health checks: which endpoint to ask when, and what the answers mean.
//!
//! The core without I/O. Whoever does the asking takes what is [due](ActiveHealth::due), sends each a GET for the configured
//! path, and [tells](ActiveHealth::answered) how it went; what that changes goes to
//! [`Outliers::checked`](super::outlier::Outliers::checked). An endpoint is asked once at a time, so that one which hangs is
//! not buried under questions; only an answer that is long overdue is given up.
//!
//! Each step looks at every endpoint once: right for some thousand of them.
//!
//! As in Envoy the very first answer decides alone, later ones in a row
//! (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/health_checking>). Until its first answer an
//! endpoint counts as healthy: a set of new endpoints must not be without any.
//!
//! ```
//! use msa_core::balance::{ActiveHealth, Health};
//! use msa_core::clock;
//! use msa_core::config::ActiveHealthSettings;
//! use msa_core::discovery::EndpointSet;
//!
//! let now = clock::now();
//! let users: EndpointSet = ["http://10.0.0.1:8081".parse()?].into_iter().collect();
//! let settings: ActiveHealthSettings = serde_json::from_str(r#"{ "enabled": true }"#)?;
//! let mut checks = ActiveHealth::new(settings, 7);
//! checks.update(&users, now);
//! let later = checks.next_due().ok_or("nothing to ask")?;
//! let asked = checks.due(later).pop().ok_or("nobody to ask")?;
//! assert!(checks.due(later).is_empty(), "one question at a time");
//! assert_eq!(checks.answered(&asked, false, later), Some(Health::Unhealthy));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::time::Duration;

use super::Chance;
use super::chance::scale;
use crate::clock::Instant;
use crate::config::ActiveHealthSettings;
use crate::discovery::{Endpoint, EndpointSet, Identity};

/// What active health checks know of the endpoints of one service.
#[derive(Debug)]
pub struct ActiveHealth {
    settings: ActiveHealthSettings,
    chance: Chance,
    checks: Vec<Check>,
}

/// What an endpoint's answers amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Health {
    /// It answers well.
    Healthy,
    /// It answers badly, or not.
    Unhealthy,
}

#[derive(Debug)]
struct Check {
    endpoint: Endpoint,
    next: Instant,
    health: Option<Health>,
    /// Answers in a row that speak against `health`.
    against: u32,
}

impl ActiveHealth {
    /// Checks with these settings, of no endpoints yet; all their chance comes from the seed.
    #[must_use]
    pub fn new(settings: ActiveHealthSettings, seed: u64) -> Self {
        Self {
            settings,
            chance: Chance::new(seed),
            checks: Vec::new(),
        }
    }

    /// Takes over changed settings; an endpoint's next question stays when it was to be. Switched off, every endpoint that
    /// was unhealthy is returned: it is to be taken back.
    pub fn configure(&mut self, settings: ActiveHealthSettings) -> Vec<Endpoint> {
        self.settings = settings;
        if self.settings.enabled {
            return Vec::new();
        }
        let unhealthy = |check: &&mut Check| check.health == Some(Health::Unhealthy);
        let forgotten = self.checks.iter_mut().filter(unhealthy).map(|check| {
            (check.health, check.against) = (None, 0);
            check.endpoint.clone()
        });
        forgotten.collect()
    }

    /// Takes over a new snapshot. What is known of endpoints that stay is kept; new ones are first asked within an
    /// interval, spread out evenly, so that a large set is not asked all at once.
    pub fn update(&mut self, endpoints: &EndpointSet, now: Instant) {
        let old = std::mem::take(&mut self.checks);
        let known: HashMap<Identity<'_>, &Check> = (old.iter())
            .map(|check| (check.endpoint.identity(), check))
            .collect();
        for endpoint in endpoints {
            let first = now + self.share_of(self.settings.interval.get());
            let known = known.get(&endpoint.identity());
            self.checks.push(Check {
                endpoint: endpoint.clone(),
                next: known.map_or(first, |known| known.next),
                health: known.and_then(|known| known.health),
                against: known.map_or(0, |known| known.against),
            });
        }
    }

    /// When the next question is due; `None` while nobody is to be asked.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let next = || self.checks.iter().map(|check| check.next).min();
        self.settings.enabled.then(next).flatten()
    }

    /// Whom to ask now. Each is named once, until its answer is told or long overdue: an interval and twice the timeout.
    #[must_use = "who is due is not named again at once"]
    pub fn due(&mut self, now: Instant) -> Vec<Endpoint> {
        if !self.settings.enabled {
            return Vec::new();
        }
        let given_up = now + self.settings.interval.get() + 2 * self.settings.timeout.get();
        let due = |check: &&mut Check| check.next <= now;
        let asked = self.checks.iter_mut().filter(due).map(|check| {
            check.next = given_up;
            check.endpoint.clone()
        });
        asked.collect()
    }

    /// How an endpoint answered: well, or badly, too late or not at all. Tells what that makes of it when it changes, or
    /// when it is the first answer.
    ///
    /// An answer of an endpoint that has left meanwhile is ignored.
    pub fn answered(&mut self, endpoint: &Endpoint, well: bool, now: Instant) -> Option<Health> {
        let interval = self.settings.interval.get();
        let next = now + interval + self.share_of(interval / 10);
        let check =
            (self.checks.iter_mut()).find(|check| check.endpoint.same_instance(endpoint))?;
        check.next = next;
        let (says, needed) = if well {
            (Health::Healthy, self.settings.healthy_after)
        } else {
            (Health::Unhealthy, self.settings.unhealthy_after)
        };
        if check.health == Some(says) {
            check.against = 0;
            return None;
        }
        check.against = check.against.saturating_add(1);
        if check.health.is_some() && check.against < needed {
            return None;
        }
        (check.health, check.against) = (Some(says), 0);
        Some(says)
    }

    /// The question's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.settings.path
    }

    /// How long to wait for an answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.settings.timeout.get()
    }

    /// How long an endpoint that was found unhealthy is out at least.
    #[must_use]
    pub fn recovery(&self) -> Duration {
        let interval = self.settings.interval.get();
        interval.saturating_mul(self.settings.healthy_after)
    }

    /// A random share of a time.
    fn share_of(&self, time: Duration) -> Duration {
        let nanos = usize::try_from(time.as_nanos()).unwrap_or(usize::MAX);
        Duration::from_nanos(scale(self.chance.draw(), nanos) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::config::Span;

    const S: Duration = Duration::from_secs(1);

    fn set(hosts: &[&str]) -> EndpointSet {
        let url = |host: &&str| format!("http://{host}:80").parse::<Endpoint>().unwrap();
        hosts.iter().map(url).collect()
    }

    fn checks(hosts: &[&str]) -> (ActiveHealth, Instant) {
        let now = clock::now();
        let settings = ActiveHealthSettings {
            enabled: true,
            unhealthy_after: 2,
            healthy_after: 3,
            interval: Span::secs(5),
            ..ActiveHealthSettings::default()
        };
        let mut checks = ActiveHealth::new(settings, 7);
        checks.update(&set(hosts), now);
        (checks, now)
    }

    #[test]
    fn the_first_answer_decides_and_later_ones_in_a_row() {
        let (mut checks, now) = checks(&["a"]);
        let a = &set(&["a"]).as_slice()[0].clone();
        let mut told = |well| checks.answered(a, well, now);
        assert_eq!(told(true), Some(Health::Healthy));
        let answers = [
            false, true, false, false, true, true, false, true, true, true,
        ];
        let changes = answers.map(&mut told);
        let mut expected = [None; 10];
        (expected[3], expected[9]) = (Some(Health::Unhealthy), Some(Health::Healthy));
        assert_eq!(changes, expected);
    }

    #[test]
    fn everybody_is_first_asked_within_an_interval_and_not_all_at_once() {
        let hosts: Vec<String> = (0..100).map(|n| format!("h{n}")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let (mut checks, now) = checks(&hosts);
        let by_second: Vec<usize> = (1..=5).map(|s| checks.due(now + s * S).len()).collect();
        assert_eq!(by_second.iter().sum::<usize>(), 100);
        assert!(by_second.iter().all(|count| *count > 5), "{by_second:?}");
    }

    #[test]
    fn an_endpoint_is_asked_again_an_interval_after_its_answer_and_not_before() {
        let (mut checks, now) = checks(&["a"]);
        let asked = checks.due(now + 5 * S);
        assert_eq!(asked.len(), 1);
        assert!(checks.due(now + 11 * S).is_empty(), "its answer is missing");
        checks.answered(&asked[0], true, now + 11 * S);
        let next = checks.next_due().unwrap() - now;
        assert!((16 * S..=16 * S + S / 2).contains(&next), "{next:?}");
    }

    #[test]
    fn an_answer_that_never_comes_does_not_end_the_questions() {
        let (mut checks, now) = checks(&["a"]);
        assert_eq!(checks.due(now + 5 * S).len(), 1);
        assert_eq!(checks.due(now + 12 * S).len(), 1);
    }

    #[test]
    fn a_new_snapshot_keeps_what_is_known_and_who_has_left_is_not_missed() {
        let (mut checks, now) = checks(&["a", "b"]);
        let asked = checks.due(now + 5 * S);
        let a = set(&["a"]).as_slice()[0].clone();
        assert_eq!(checks.answered(&a, false, now), Some(Health::Unhealthy));
        checks.update(&set(&["c", "a"]), now);
        assert_eq!(
            checks.answered(&a, true, now),
            None,
            "still unhealthy, one of three"
        );
        let b = asked.iter().find(|one| one.authority() == "b:80").unwrap();
        assert_eq!(checks.answered(b, true, now), None);
        assert_eq!(checks.due(now + 60 * S).len(), 2);
    }

    #[test]
    fn switched_off_nobody_is_asked_and_the_unhealthy_are_handed_back() {
        let (mut checks, now) = checks(&["a", "b"]);
        let a = set(&["a"]).as_slice()[0].clone();
        checks.answered(&a, false, now);
        assert_eq!(checks.configure(ActiveHealthSettings::default()), [a]);
        assert!(checks.due(now + 60 * S).is_empty() && checks.next_due().is_none());
    }
}
