//! Who watches `/events`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many may watch at once: a page in each of a few hands, and no burden should somebody's script forget to close.
pub(super) const MOST: usize = 8;

/// Counts those who watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<AtomicUsize>);

/// Somebody who watches. Dropped, he is gone.
#[derive(Debug)]
#[must_use = "dropped, it does not count"]
pub(super) struct Watching(Watchers);

impl Watchers {
    /// `None` when there is no place for one more.
    pub(super) fn watch(&self) -> Option<Watching> {
        let more = |watchers: usize| (watchers < MOST).then_some(watchers + 1);
        let seen = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        seen.ok().map(|_| Watching(self.clone()))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_somebody_goes() {
        let watchers = Watchers::default();
        let mut watching: Vec<_> = (0..MOST).filter_map(|_| watchers.watch()).collect();
        assert_eq!(watching.len(), MOST);
        assert!(watchers.watch().is_none());
        watching.pop();
        assert!(watchers.watch().is_some());
    }
}
