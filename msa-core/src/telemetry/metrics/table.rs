//! Series by labels that are not known beforehand: routes, services, endpoints.
//!
//! Found without a lock and without an allocation, in a table that is replaced as a whole when a series is added. That costs a copy of
//! its pointers, once for each series in the life of the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::few::OVERFLOW;

/// Series by `N` labels, with a bound.
///
/// When it is full, a new series is counted with the last label `_overflow`; when even those are too many (twice the bound), with all
/// labels so. Thus whatever comes from outside, the memory and the length of a scrape have a bound.
#[derive(Debug)]
pub(super) struct Table<const N: usize, V> {
    slots: ArcSwap<Slots<N, V>>,
    adding: Mutex<()>,
    most: AtomicUsize,
}

/// One series.
#[derive(Debug)]
pub(super) struct Series<const N: usize, V> {
    labels: [Box<str>; N],
    hash: u64,
    pub(super) value: V,
}

impl<const N: usize, V> Series<N, V> {
    pub(super) fn labels(&self) -> [&str; N] {
        self.labels.each_ref().map(|label| &**label)
    }
}

/// A power of two of places, at most half of them taken.
#[derive(Debug)]
struct Slots<const N: usize, V> {
    places: Box<[Option<Arc<Series<N, V>>>]>,
    len: usize,
}

impl<const N: usize, V> Slots<N, V> {
    fn of(series: impl ExactSizeIterator<Item = Arc<Series<N, V>>>) -> Self {
        let len = series.len();
        let mut places: Box<[Option<Arc<Series<N, V>>>]> =
            (0..(2 * len).next_power_of_two().max(8))
                .map(|_| None)
                .collect();
        let mask = places.len() - 1;
        for one in series {
            let mut at = one.hash as usize;
            while let Some(Some(_)) = places.get(at & mask) {
                at = at.wrapping_add(1);
            }
            if let Some(place) = places.get_mut(at & mask) {
                *place = Some(one);
            }
        }
        Self { places, len }
    }

    #[inline]
    fn find(&self, hash: u64, labels: &[&str; N]) -> Option<&Arc<Series<N, V>>> {
        let mask = self.places.len() - 1;
        let mut at = hash as usize;
        // Ends: half of the places are free.
        while let Some(Some(one)) = self.places.get(at & mask) {
            if one.hash == hash && same(&one.labels, labels) {
                return Some(one);
            }
            at = at.wrapping_add(1);
        }
        None
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Series<N, V>>> {
        self.places.iter().flatten()
    }
}

impl<const N: usize, V: Default> Table<N, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: ArcSwap::from_pointee(Slots::of(
                std::iter::empty::<Arc<_>>().collect::<Vec<_>>().into_iter(),
            )),
            adding: Mutex::new(()),
            most: AtomicUsize::new(most),
        }
    }

    /// Records in the series with these labels.
    #[inline]
    pub(super) fn with<R>(&self, labels: [&str; N], record: impl FnOnce(&V) -> R) -> R {
        let hash = hash(&labels);
        if let Some(series) = self.slots.load().find(hash, &labels) {
            return record(&series.value);
        }
        record(&self.add(hash, labels).value)
    }

    /// The series with these labels, to be kept for a while.
    #[inline]
    pub(super) fn get(&self, labels: [&str; N]) -> Arc<Series<N, V>> {
        let hash = hash(&labels);
        if let Some(series) = self.slots.load().find(hash, &labels) {
            return series.clone();
        }
        self.add(hash, labels)
    }

    #[cold]
    fn add(&self, hash: u64, labels: [&str; N]) -> Arc<Series<N, V>> {
        let most = self.most.load(Ordering::Relaxed);
        if self.slots.load().len < most {
            return self.insert(hash, &labels, most);
        }
        let mut rest = labels;
        if let Some(last) = rest.last_mut() {
            *last = OVERFLOW;
        }
        for (rest, most) in [(rest, 2 * most), ([OVERFLOW; N], usize::MAX)] {
            let hash = self::hash(&rest);
            let slots = self.slots.load();
            if let Some(series) = slots.find(hash, &rest) {
                return series.clone();
            }
            if slots.len < most {
                return self.insert(hash, &rest, most);
            }
        }
        self.insert(hash, &labels, usize::MAX) // not reached: the last of the two has no bound
    }

    fn insert(&self, hash: u64, labels: &[&str; N], most: usize) -> Arc<Series<N, V>> {
        let adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.slots.load();
        if let Some(series) = slots.find(hash, labels) {
            return series.clone(); // somebody else was first
        }
        if slots.len >= most {
            drop(adding); // others were first, and it is full now
            return self.add(hash, *labels);
        }
        let series = Arc::new(Series {
            labels: boxed(labels),
            hash,
            value: V::default(),
        });
        let all: Vec<_> = slots.iter().cloned().chain([series.clone()]).collect();
        self.slots.store(Arc::new(Slots::of(all.into_iter())));
        series
    }

    /// Every series, in the order of the labels.
    pub(super) fn all(&self) -> Vec<Arc<Series<N, V>>> {
        let mut all: Vec<_> = self.slots.load().iter().cloned().collect();
        all.sort_by(|one, other| one.labels.cmp(&other.labels));
        all
    }

    /// Forgets series. What is recorded in one of them while it goes is lost with it.
    pub(super) fn retain(&self, keep: impl Fn(&Series<N, V>) -> bool) {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = self.slots.load();
        let kept: Vec<_> = slots.iter().filter(|one| keep(one)).cloned().collect();
        if kept.len() < slots.len {
            self.slots.store(Arc::new(Slots::of(kept.into_iter())));
        }
    }
}

/// Quick, and made for short texts: eight bytes with one multiplication, as in Firefox's hash. Whoever can choose the labels may
/// make them collide; the table's bound is the bound of that harm, too.
#[inline]
pub(super) fn hash<const N: usize>(labels: &[&str; N]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let mut hash = 0_u64;
    for label in labels {
        let bytes = label.as_bytes();
        let (words, _) = bytes.as_chunks::<8>();
        for word in words {
            hash = mix(hash, u64::from_le_bytes(*word));
        }
        let tail = match bytes.last_chunk::<8>() {
            // With some bytes of the word before once more: cheaper than one by one.
            Some(last) => u64::from_le_bytes(*last),
            None => bytes
                .iter()
                .fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
        };
        hash = mix(mix(hash, tail), bytes.len() as u64);
    }
    // A product's high bits are its best.
    hash ^ (hash >> 32)
}

#[inline]
pub(super) fn same<const N: usize>(known: &[Box<str>; N], labels: &[&str; N]) -> bool {
    known
        .iter()
        .zip(labels)
        .all(|(one, other)| **one == **other)
}

pub(super) fn boxed<const N: usize>(labels: &[&str; N]) -> [Box<str>; N] {
    labels.map(Box::from)
}

#[cfg(test)]
mod tests {
    use super::super::value::Counter;
    use super::*;

    fn shown(table: &Table<2, Counter>) -> Vec<(String, u64)> {
        let each =
            |series: &Arc<Series<2, Counter>>| (series.labels().join("/"), series.value.get());
        table.all().iter().map(each).collect()
    }

    #[test]
    fn a_full_table_counts_new_series_by_their_first_label_and_then_all_together() {
        let table: Table<2, Counter> = Table::new(2);
        for labels in [["a", "1"], ["a", "2"], ["a", "3"], ["a", "4"], ["a", "1"]] {
            table.with(labels, Counter::one);
        }
        for service in ["b", "c", "d"] {
            table.with([service, "1"], Counter::one);
        }
        let expected = [
            ("_overflow/_overflow", 2),
            ("a/1", 2),
            ("a/2", 1),
            ("a/_overflow", 2),
            ("b/_overflow", 1),
        ];
        assert_eq!(
            shown(&table),
            expected.map(|(labels, n)| (labels.to_owned(), n))
        );
    }

    #[test]
    fn a_forgotten_series_makes_room_and_begins_anew() {
        let table: Table<2, Counter> = Table::new(2);
        for labels in [["a", "1"], ["a", "1"], ["a", "2"]] {
            table.with(labels, Counter::one);
        }
        table.retain(|series| series.labels() != ["a", "1"]);
        table.with(["a", "3"], Counter::one);
        table.retain(|series| series.labels() != ["a", "2"]);
        table.with(["a", "1"], Counter::one);
        let expected = [("a/1", 1), ("a/3", 1)];
        assert_eq!(
            shown(&table),
            expected.map(|(labels, n)| (labels.to_owned(), n))
        );
    }

    #[test]
    fn labels_that_touch_are_not_mixed_up() {
        let all = [
            ["ab", "c"],
            ["a", "bc"],
            ["", "abc"],
            ["abc", ""],
            ["abc\0", ""],
        ];
        let table: Table<2, Counter> = Table::new(100);
        for labels in all {
            table.with(labels, Counter::one);
        }
        assert_eq!(table.all().len(), all.len());
        let mut hashes = all.map(|labels| hash(&labels)).to_vec();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn threads_that_add_at_once_lose_nothing() {
        let table: Table<2, Counter> = Table::new(64);
        let names: Vec<String> = (0..40).map(|n| format!("10.0.0.{n}:80")).collect();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (table, names) = (&table, &names);
                scope.spawn(move || {
                    for n in 0..4_000 {
                        table.with(["s", &names[(n + 10 * thread) % 40]], Counter::one);
                    }
                });
            }
        });
        let all = shown(&table);
        assert_eq!(all.len(), 40);
        assert!(all.iter().all(|(_, count)| *count == 400), "{all:?}");
    }
}
