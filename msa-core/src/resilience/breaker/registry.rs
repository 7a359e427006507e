//! Breakers by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Breaker;

/// Breakers by name, for whoever shows or switches them. Reading takes no lock and never waits.
#[derive(Debug, Default)]
pub struct Registry(ArcSwap<BTreeMap<Arc<str>, Arc<Breaker>>>);

impl Registry {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The breaker of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Breaker>> {
        self.0.load().get(name).cloned()
    }

    /// The breaker of this name, or the one that is made now. Who asks at the same time gets the same one.
    pub fn get_or_insert_with(&self, name: &str, make: impl FnOnce() -> Breaker) -> Arc<Breaker> {
        if let Some(breaker) = self.get(name) {
            return breaker;
        }
        let made = Arc::new(make());
        self.0.rcu(|breakers| {
            let mut breakers = BTreeMap::clone(breakers);
            breakers
                .entry(Arc::from(name))
                .or_insert_with(|| Arc::clone(&made));
            breakers
        });
        // Somebody else's may have come first, or been removed since.
        self.get(name).unwrap_or(made)
    }

    /// Forgets the breaker of this name; whoever holds it still uses it.
    pub fn remove(&self, name: &str) -> Option<Arc<Breaker>> {
        let before = self.0.rcu(|breakers| {
            let mut breakers = BTreeMap::clone(breakers);
            breakers.remove(name);
            breakers
        });
        before.get(name).cloned()
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<str>, Arc<Breaker>)> {
        let breakers = self.0.load();
        let each = breakers.iter();
        each.map(|(name, breaker)| (Arc::clone(name), Arc::clone(breaker)))
            .collect()
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use super::*;
    use crate::clock;
    use crate::resilience::breaker::State;

    #[test]
    fn a_name_has_one_breaker_for_all_who_ask() {
        let registry = Registry::new();
        let breakers: Vec<_> = std::thread::scope(|scope| {
            let ask = || registry.get_or_insert_with("stock", Breaker::default);
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(breakers.iter().all(|one| Arc::ptr_eq(one, &breakers[0])));
        assert_eq!(registry.all().len(), 1);
        registry.get("stock").unwrap().force_open(clock::now());
        assert_eq!(breakers[0].last_state(), State::ForcedOpen);
        assert!(registry.remove("stock").is_some());
        assert!(registry.get("stock").is_none() && registry.remove("stock").is_none());
    }
}
