//! A handful of series whose labels come from a short list: statuses, reasons, kinds of errors.

use std::sync::OnceLock;

use super::table::{boxed, hash, same};
use super::value::Recorded;

/// What stands for all that found no place.
pub(super) const OVERFLOW: &str = "_overflow";

/// Up to `M` series by `N` labels, a power of two; what comes after them is counted together as [`OVERFLOW`]. A place that is taken
/// stays taken, so nothing is ever waited for; only the first sight of a label allocates.
#[derive(Debug)]
pub(super) struct Few<const N: usize, V, const M: usize = 16> {
    slots: [OnceLock<([Box<str>; N], V)>; M],
    rest: V,
}

impl<const N: usize, V: Default, const M: usize> Default for Few<N, V, M> {
    fn default() -> Self {
        const { assert!(M.is_power_of_two()) };
        Self {
            slots: std::array::from_fn(|_| OnceLock::new()),
            rest: V::default(),
        }
    }
}

impl<const N: usize, V: Default + Recorded, const M: usize> Few<N, V, M> {
    /// The series with these labels.
    #[inline]
    pub(super) fn get(&self, labels: [&str; N]) -> &V {
        let start = hash(&labels) as usize;
        for step in 0..M {
            let Some(slot) = self.slots.get((start.wrapping_add(step)) & (M - 1)) else {
                break;
            };
            let (known, value) = match slot.get() {
                Some(taken) => taken,
                None => slot.get_or_init(|| (boxed(&labels), V::default())),
            };
            if same(known, &labels) {
                return value;
            }
        }
        &self.rest
    }

    /// Every series that holds anything, in the order of the labels.
    pub(super) fn all(&self) -> Vec<([&str; N], &V)> {
        let taken = self.slots.iter().filter_map(OnceLock::get);
        let mut all: Vec<_> = taken
            .map(|(labels, value)| (labels.each_ref().map(|label| &**label), value))
            .chain([([OVERFLOW; N], &self.rest)])
            .filter(|(_, value)| !value.is_empty())
            .collect();
        all.sort_by_key(|(labels, _)| *labels);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Counter;
    use super::*;

    #[test]
    fn what_finds_no_place_is_counted_together() {
        let few: Few<1, Counter, 4> = Few::default();
        for n in 0..10 {
            few.get([&n.to_string()]).one();
            few.get(["3"]).one();
        }
        let all: Vec<_> = few.all().iter().map(|(l, v)| (l[0], v.get())).collect();
        assert_eq!(
            all,
            [("0", 1), ("1", 1), ("2", 1), ("3", 11), ("_overflow", 6)]
        );
    }

    #[test]
    fn threads_that_see_a_label_first_at_once_count_in_one_series() {
        for _ in 0..200 {
            let few: Few<2, Counter> = Few::default();
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let few = &few;
                    scope.spawn(move || {
                        for n in 0..8 {
                            few.get(["a", ["x", "y", "z", "w"][(n + thread) % 4]]).one();
                        }
                    });
                }
            });
            let all: Vec<_> = few.all().iter().map(|(l, v)| (l[1], v.get())).collect();
            assert_eq!(all, [("w", 8), ("x", 8), ("y", 8), ("z", 8)]);
        }
    }
}
