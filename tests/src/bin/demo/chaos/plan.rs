//! What is done to whom, and when.

use std::collections::VecDeque;
use std::fs;
use std::time::Duration;

use msa_tests::{Cluster, Error};

/// How many instances there are of each service; all of a service share one database file.
pub(crate) const INSTANCES: [(&str, usize); 5] = [
    ("banner-service", 2),
    ("user-service", 2),
    ("product-service", 3),
    ("order-service", 2),
    ("order-orchestrator", 1),
];

/// What every service is set to: the policies' times shortened, so that a few seconds show a whole course.
pub(crate) const SETTINGS_OF_ALL: [(&str, &str); 8] = [
    ("MSA_LOG__LEVEL", "info,msa::policy=debug"),
    ("MSA_LOG__FORMAT", "json"),
    ("MSA_LOG__ACCESS", "false"),
    ("MSA_CLIENT__ATTEMPT_TIMEOUT", "400ms"),
    ("MSA_CLIENT__BREAKER__OPEN", "1s"),
    ("MSA_CLIENT__OUTLIER__BASE_EJECTION", "1s"),
    ("MSA_CLIENT__OUTLIER__INTERVAL", "500ms"),
    ("MSA_CLIENT__SLOW_START__WINDOW", "1s"),
];

/// What single services are set to besides.
pub(crate) const SETTINGS: [(&str, &str, &str); 4] = [
    // An order-service that was killed leaves claims behind, which nobody may take over before their lease ends.
    ("order-service", "MSA_ORDER__LEASE", "2s"),
    // A call to order-service has calls of its own below it, and may wait for another request under the same key.
    (
        "order-orchestrator",
        "MSA_CLIENTS__ORDER_SERVICE__ATTEMPT_TIMEOUT",
        "3s",
    ),
    // Two attempts fit into the 300 ms that a banner may take, and if both fail, the last good one will do.
    (
        "order-orchestrator",
        "MSA_CLIENTS__BANNER_SERVICE__ATTEMPT_TIMEOUT",
        "100ms",
    ),
    (
        "order-orchestrator",
        "MSA_CLIENTS__BANNER_SERVICE__FALLBACK__STALE_FOR",
        "5m",
    ),
];

/// The whole course: percent of the time, the deed, its victim.
const COURSE: [(u32, What, &str, usize); 18] = [
    (8, What::Kill, "product-service", 0),
    (20, What::Restart, "product-service", 0),
    (24, What::Break, "product-service", 1),
    (30, What::Stop, "banner-service", 0),
    (42, What::Mend, "product-service", 1),
    (44, What::Resume, "banner-service", 0),
    (48, What::Kill, "order-service", 0),
    (58, What::Restart, "order-service", 0),
    (60, What::Kill, "banner-service", 0),
    (60, What::Kill, "banner-service", 1),
    (68, What::Kill, "order-orchestrator", 0),
    (69, What::Restart, "order-orchestrator", 0),
    (74, What::Restart, "banner-service", 0),
    (74, What::Restart, "banner-service", 1),
    (78, What::Stop, "user-service", 0),
    (84, What::Kill, "product-service", 2),
    (88, What::Resume, "user-service", 0),
    (92, What::Restart, "product-service", 2),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// SIGKILL.
    Kill,
    /// The same again on the same port and file.
    Restart,
    /// SIGSTOP: connections stay open, and nobody answers.
    Stop,
    /// SIGCONT.
    Resume,
    /// A configuration that answers everything with 503, taken over live.
    Break,
    /// The configuration without that.
    Mend,
}

/// One thing that is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed {
    what: What,
    pub(crate) service: &'static str,
    pub(crate) instance: usize,
}

/// The deeds that are still to be done.
#[derive(Debug)]
pub(crate) struct Plan(VecDeque<(Duration, Deed)>);

impl Plan {
    /// The course, spread over so many seconds.
    pub(crate) fn new(seconds: u32) -> Self {
        let deeds = COURSE
            .into_iter()
            .map(|(percent, what, service, instance)| {
                let at = Duration::from_millis(10) * seconds * percent;
                let deed = Deed {
                    what,
                    service,
                    instance,
                };
                (at, deed)
            });
        Self(deeds.collect())
    }

    /// The next deed, once its time has come.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Deed> {
        self.0
            .pop_front_if(|(at, _)| *at <= now)
            .map(|(_, deed)| deed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deed {
    /// Does it, and says what was done.
    pub(crate) fn act(&self, cluster: &mut Cluster) -> Result<String, Error> {
        let Self {
            what,
            service,
            instance,
        } = *self;
        let told = match what {
            What::Kill => {
                let process = cluster.instance(service, instance)?;
                process.kill()?;
                process.wait_exit()?;
                "KILL     SIGKILL"
            }
            What::Restart => {
                cluster.restart_instance(service, instance)?;
                "RESTART  same port, same data"
            }
            What::Stop => {
                cluster.instance(service, instance)?.pause()?;
                "STOP     SIGSTOP, so it accepts and never answers"
            }
            What::Resume => {
                cluster.instance(service, instance)?.resume()?;
                "RESUME   SIGCONT"
            }
            What::Break => {
                configure(
                    cluster,
                    service,
                    instance,
                    "[server.fault]\nabort_percentage = \"100%\"\n",
                )?;
                "BREAK    its configuration says: 503 to everything"
            }
            What::Mend => {
                configure(cluster, service, instance, "")?;
                "MEND     its configuration is as before"
            }
        };
        let name = name(service, instance);
        let (deed, how) = told.split_once(' ').unwrap_or((told, ""));
        Ok(format!("{deed:<8} {name}: {}", how.trim_start()))
    }

    /// Whether another process, with another log, stands in its place now.
    pub(crate) fn starts_anew(&self) -> bool {
        self.what == What::Restart
    }
}

/// An instance as it is called in the report.
pub(crate) fn name(service: &str, instance: usize) -> String {
    let alone = INSTANCES.contains(&(service, 1));
    if alone {
        service.to_owned()
    } else {
        format!("{service}#{}", instance + 1)
    }
}

/// Writes its `msa.toml`, and has it read by SIGHUP: by itself it would look within a second.
pub(super) fn configure(
    cluster: &mut Cluster,
    service: &str,
    instance: usize,
    text: &str,
) -> Result<(), Error> {
    let file = cluster.dir_of(service, instance).join("msa.toml");
    let new = file.with_extension("new");
    // Put in its place whole: half a file could be taken for all of it.
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &file));
    written.map_err(|source| Error::Io {
        what: format!("cannot write {}", file.display()),
        source,
    })?;
    cluster.instance(service, instance)?.reload()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_struck_is_helped_up_again() {
        let mut down: Vec<(What, &str, usize)> = Vec::new();
        for (_, what, service, instance) in COURSE {
            let before = match what {
                What::Restart => What::Kill,
                What::Resume => What::Stop,
                What::Mend => What::Break,
                struck => {
                    down.push((struck, service, instance));
                    continue;
                }
            };
            let found = down
                .iter()
                .position(|&struck| struck == (before, service, instance));
            down.remove(found.unwrap());
        }
        assert_eq!(down, []);
    }

    #[test]
    fn deeds_come_in_the_order_of_their_times_and_to_instances_that_are_there() {
        assert!(COURSE.is_sorted_by_key(|(percent, ..)| *percent));
        for (percent, _, service, instance) in COURSE {
            let there = INSTANCES
                .iter()
                .any(|&(name, count)| name == service && instance < count);
            assert!(there && percent < 100, "{service} {instance}");
        }
        let mut plan = Plan::new(10);
        assert!(plan.due(Duration::from_millis(799)).is_none());
        assert_eq!(
            plan.due(Duration::from_millis(800)).unwrap().service,
            "product-service"
        );
    }
}
