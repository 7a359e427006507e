//! Where pages stand, and how long.
//!
//! Two rings, each with half of the room: one for errors and slow requests, one for all others. So a thousand good requests a second
//! do not wash away the one that failed an hour ago. A page stands among the others from its beginning, so a request that hangs can
//! be looked up while it does, and is moved when it ends. Rings are split by GTXID, so that threads seldom meet at a lock, which is
//! held for a push or a pop.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::page::Page;
use super::ports::AdminPorts;
use super::slow::Slow;
use crate::config::JournalSettings;
use crate::txn::Gtxid;

/// Into so many parts, at most.
const SHARDS: usize = 8;

/// A part has at least this much room, so that a small journal does not forget by bad luck.
const SHARD: usize = 256 * 1024;

/// A page's places. 0: in no ring.
const GONE: u8 = 0;
const RECENT: u8 = 1;
const KEPT: u8 = 2;

/// Both rings, in parts.
#[derive(Debug)]
pub(super) struct Rings {
    shards: Box<[Mutex<Shard>]>,
    /// Nobody outside can tell which part an id is in.
    seed: u64,
    on: AtomicBool,
    /// The room of one ring of one part, in bytes.
    room: AtomicUsize,
    /// The room of one page.
    page: AtomicUsize,
    /// In microseconds; 0 leaves it to the percentile.
    slow: AtomicU64,
    /// Where other services' management listeners are.
    pub(super) ports: AdminPorts,
}

#[derive(Debug, Default)]
struct Shard {
    recent: Ring,
    kept: Ring,
    slow: Slow,
}

#[derive(Debug, Default)]
struct Ring {
    pages: VecDeque<Arc<Page>>,
    bytes: usize,
}

impl Rings {
    pub(super) fn new(settings: &JournalSettings) -> Self {
        let size = usize::try_from(settings.max_size.get()).unwrap_or(usize::MAX);
        let shards = (size / SHARD).clamp(1, SHARDS);
        let rings = Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            seed: RandomState::new().hash_one(0),
            on: AtomicBool::new(false),
            room: AtomicUsize::new(0),
            page: AtomicUsize::new(0),
            slow: AtomicU64::new(0),
            ports: AdminPorts::default(),
        };
        rings.configure(settings);
        rings
    }

    pub(super) fn configure(&self, settings: &JournalSettings) {
        let size = usize::try_from(settings.max_size.get()).unwrap_or(usize::MAX);
        let page = usize::try_from(settings.max_entry.get()).unwrap_or(usize::MAX);
        let slow = settings.slow.map_or(0, |slow| {
            slow.get().as_micros().try_into().unwrap_or(u64::MAX).max(1)
        });
        self.room
            .store(size / self.shards.len() / 2, Ordering::Relaxed);
        self.page.store(page, Ordering::Relaxed);
        self.slow.store(slow, Ordering::Relaxed);
        self.on.store(settings.enabled, Ordering::Relaxed);
        if !settings.enabled {
            for shard in &self.shards {
                let mut shard = lock(shard);
                shard.recent.make_room(0, 0);
                shard.kept.make_room(0, 0);
            }
        }
    }

    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(super) fn page_limit(&self) -> usize {
        self.page.load(Ordering::Relaxed)
    }

    /// Which part is the transaction's.
    pub(super) fn index(&self, gtxid: &Gtxid) -> usize {
        // A few multiplications: it only has to spread ids over the parts.
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 by the golden ratio
        let (words, rest) = gtxid.as_str().as_bytes().as_chunks::<8>();
        let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(ODD).rotate_left(29);
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let rest = rest.iter().map(|byte| u64::from(*byte));
        let hash = words.chain(rest).fold(self.seed, mix);
        usize::try_from(hash >> 32).unwrap_or_default() % self.shards.len().max(1)
    }

    fn shard(&self, index: usize) -> Option<MutexGuard<'_, Shard>> {
        self.shards.get(index).map(lock)
    }

    /// A page was opened; `size` is what it takes so far.
    pub(super) fn opened(&self, page: &Arc<Page>, size: usize) {
        if let Some(mut shard) = self.shard(page.shard) {
            let room = self.room.load(Ordering::Relaxed);
            shard.recent.push(page, RECENT, size, room);
        }
    }

    /// Its request is over.
    pub(super) fn ended(&self, page: &Arc<Page>, failed: bool, took: u64, size: usize) {
        let Some(mut shard) = self.shard(page.shard).filter(|_| self.is_on()) else {
            return;
        };
        let room = self.room.load(Ordering::Relaxed);
        let slower = shard.slow.is_slow(took);
        let slow = match self.slow.load(Ordering::Relaxed) {
            0 => slower,
            limit => took >= limit,
        };
        let place = page.place.load(Ordering::Relaxed);
        if failed || slow {
            if place == RECENT {
                shard.recent.leave(page);
            }
            shard.kept.push(page, KEPT, size, room);
        } else if place == GONE {
            shard.recent.push(page, RECENT, size, room); // it ran longer than the ring remembers
        } else {
            shard.recent.resize(page, size, room);
        }
    }

    /// Something was written to it after its end.
    pub(super) fn grown(&self, page: &Page, size: usize) {
        let Some(mut shard) = self.shard(page.shard) else {
            return;
        };
        let room = self.room.load(Ordering::Relaxed);
        match page.place.load(Ordering::Relaxed) {
            RECENT => shard.recent.resize(page, size, room),
            KEPT => shard.kept.resize(page, size, room),
            _ => {}
        }
    }

    /// The pages of a transaction, oldest first.
    pub(super) fn find(&self, gtxid: &Gtxid) -> Vec<Arc<Page>> {
        let Some(shard) = self.shard(self.index(gtxid)) else {
            return Vec::new();
        };
        let mut found: Vec<_> = [&shard.recent, &shard.kept]
            .into_iter()
            .flat_map(|ring| &ring.pages)
            .filter(|page| page.gtxid == *gtxid)
            .cloned()
            .collect();
        drop(shard);
        found.sort_by_key(|page| page.opened);
        found
    }

    /// The latest pages, newest first; of those that are kept longer, or of the others.
    pub(super) fn latest(&self, kept: bool, count: usize) -> Vec<Arc<Page>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let ring = if kept { &shard.kept } else { &shard.recent };
            found.extend(ring.pages.iter().rev().take(count).cloned());
        }
        found.sort_by_key(|page| std::cmp::Reverse(page.opened));
        found.truncate(count);
        found
    }

    /// What requests have to take to be slow; `None` until there were enough of them.
    pub(super) fn slow_from(&self) -> Option<Duration> {
        match self.slow.load(Ordering::Relaxed) {
            0 => {
                let each = self
                    .shards
                    .iter()
                    .filter_map(|shard| lock(shard).slow.from());
                each.max().map(Duration::from_micros)
            }
            limit => Some(Duration::from_micros(limit)),
        }
    }

    /// Pages and bytes: of the ring for errors and slow ones, and of the other.
    pub(super) fn held(&self) -> [(usize, usize); 2] {
        let mut held = [(0, 0); 2];
        for shard in &self.shards {
            let shard = lock(shard);
            for ((pages, bytes), ring) in held.iter_mut().zip([&shard.kept, &shard.recent]) {
                *pages += ring.pages.len();
                *bytes += ring.bytes;
            }
        }
        held
    }
}

impl Ring {
    fn push(&mut self, page: &Arc<Page>, place: u8, size: usize, room: usize) {
        page.place.store(place, Ordering::Relaxed);
        page.counted.store(size, Ordering::Relaxed);
        self.bytes += size;
        self.pages.push_back(Arc::clone(page));
        self.make_room(room, 1);
    }

    /// Takes it out: it is among the latest, unless it ran for long.
    fn leave(&mut self, page: &Arc<Page>) {
        let at = self.pages.iter().rposition(|one| Arc::ptr_eq(one, page));
        if let Some(page) = at.and_then(|at| self.pages.remove(at)) {
            self.gone(&page);
        }
    }

    fn gone(&mut self, page: &Page) {
        let counted = page.counted.load(Ordering::Relaxed);
        self.bytes = self.bytes.saturating_sub(counted);
        page.place.store(GONE, Ordering::Relaxed);
    }

    fn resize(&mut self, page: &Page, size: usize, room: usize) {
        let before = page.counted.swap(size, Ordering::Relaxed);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(size);
        self.make_room(room, 1);
    }

    /// So many of the latest stay, whatever they take.
    fn make_room(&mut self, room: usize, stay: usize) {
        while self.bytes > room
            && self.pages.len() > stay
            && let Some(oldest) = self.pages.pop_front()
        {
            self.gone(&oldest);
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
