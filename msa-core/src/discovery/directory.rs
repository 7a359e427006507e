//! What a source knows, and who follows it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{EndpointSet, normalize};
use crate::event::{Event, Observers};

/// The services that a source knows now, each with its followers: the half of a [`Discover`](super::Discover) that every
/// source needs.
///
/// Names are compared by their [`normalize`]d spelling, and here is the one place where that happens. A service that
/// is gone becomes an empty set for those who follow it and stays known for as long as they do, so that nobody keeps
/// calling instances that no longer exist; when nobody follows it, it is forgotten.
#[derive(Default)]
pub struct Directory {
    services: Mutex<BTreeMap<String, watch::Sender<EndpointSet>>>,
    observers: Observers,
}

impl Directory {
    /// An empty directory that tells [`Event::EndpointsChanged`] to these observers.
    #[must_use]
    pub fn new(observers: Observers) -> Self {
        Self {
            services: Mutex::default(),
            observers,
        }
    }

    /// Takes over a whole new state: services that are not in it are gone.
    ///
    /// Who follows an unchanged service is not woken. Of two names with one spelling the latter counts.
    pub fn replace<S: AsRef<str>>(&self, services: impl IntoIterator<Item = (S, EndpointSet)>) {
        let mut new: BTreeMap<String, EndpointSet> = services
            .into_iter()
            .map(|(name, set)| (normalize(name.as_ref()).into_owned(), set))
            .collect();
        let mut changes = Vec::new();
        {
            let mut known = self.lock();
            known.retain(|name, sender| match new.remove(name) {
                Some(set) => {
                    publish(name, sender, set, &mut changes);
                    true
                }
                None => {
                    publish(name, sender, EndpointSet::default(), &mut changes);
                    sender.receiver_count() > 0
                }
            });
            for (name, set) in new {
                changes.push((name.clone(), set.len()));
                known.insert(name, watch::Sender::new(set));
            }
        }
        self.tell(&changes);
    }

    /// Takes over a new state of one service.
    pub fn set(&self, service: &str, endpoints: EndpointSet) {
        let name = normalize(service);
        let mut changes = Vec::new();
        {
            let mut known = self.lock();
            match known.get(&*name) {
                Some(sender) => publish(&name, sender, endpoints, &mut changes),
                None => {
                    let name = name.into_owned();
                    changes.push((name.clone(), endpoints.len()));
                    known.insert(name, watch::Sender::new(endpoints));
                }
            }
        }
        self.tell(&changes);
    }

    /// Follows a service, or `None` when it is not known.
    #[must_use]
    pub fn subscribe(&self, service: &str) -> Option<watch::Receiver<EndpointSet>> {
        self.lock()
            .get(&*normalize(service))
            .map(watch::Sender::subscribe)
    }

    /// The names that are known, in order.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    // Outside the lock: an observer may ask the directory something.
    fn tell(&self, changes: &[(String, usize)]) {
        for (service, endpoints) in changes {
            self.observers.tell(&Event::EndpointsChanged {
                service,
                endpoints: *endpoints,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<EndpointSet>>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn publish(
    name: &str,
    sender: &watch::Sender<EndpointSet>,
    set: EndpointSet,
    changes: &mut Vec<(String, usize)>,
) {
    let endpoints = set.len();
    let changed = sender.send_if_modified(|current| {
        let changed = *current != set;
        *current = set;
        changed
    });
    if changed {
        changes.push((name.to_owned(), endpoints));
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.lock()
                    .iter()
                    .map(|(name, sender)| (name, sender.borrow().len())),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(urls: &[&str]) -> EndpointSet {
        urls.iter().map(|url| url.parse().unwrap()).collect()
    }

    #[test]
    fn every_spelling_of_a_name_finds_the_service() {
        let directory = Directory::default();
        directory.set("user_service", set(&["http://a:80"]));
        for name in ["user-service", "USER_SERVICE", "User-Service."] {
            assert!(directory.subscribe(name).is_some(), "{name}");
        }
        assert_eq!(directory.services(), ["user-service"]);
        assert!(directory.subscribe("userservice").is_none());
    }

    #[test]
    fn who_follows_an_unchanged_service_is_not_woken() {
        let directory = Directory::default();
        directory.replace([("a", set(&["http://a:80"])), ("b", set(&["http://b:80"]))]);
        let mut a = directory.subscribe("a").unwrap();
        let mut b = directory.subscribe("b").unwrap();
        directory.replace([("a", set(&["http://a:80"])), ("b", set(&["http://b:81"]))]);
        assert!(!a.has_changed().unwrap());
        assert_eq!(*b.borrow_and_update(), set(&["http://b:81"]));
        assert_eq!(*a.borrow_and_update(), set(&["http://a:80"]));
    }

    #[test]
    fn a_service_that_is_gone_is_empty_for_its_followers_and_can_come_back_to_them() {
        let directory = Directory::default();
        directory.replace([("a", set(&["http://a:80"])), ("b", set(&["http://b:80"]))]);
        let mut follower = directory.subscribe("a").unwrap();
        directory.replace::<&str>([]);
        assert!(follower.borrow_and_update().is_empty());
        assert_eq!(directory.services(), ["a"], "nobody follows b");
        directory.replace([("a", set(&["http://a:81"]))]);
        assert_eq!(*follower.borrow_and_update(), set(&["http://a:81"]));
        drop(follower);
        directory.replace::<&str>([]);
        assert!(directory.subscribe("a").is_none());
    }
}
