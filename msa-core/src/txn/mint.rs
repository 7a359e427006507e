//! Where new GTXIDs come from.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use rand::rngs::{SmallRng, SysRng};
use rand::{Rng as _, SeedableRng};

use super::Gtxid;

thread_local! {
    static RNG: RefCell<SmallRng> = RefCell::new(from_system());
}

/// Mints GTXIDs.
///
/// By default from a generator per thread, seeded by the operating system (xoshiro256++: 256 bits of state, so that no
/// two threads of a fleet share a stream). The ids are unique, not secret.
#[derive(Default)]
pub struct Minter {
    seeded: Option<Mutex<SmallRng>>,
}

impl Minter {
    /// A minter whose ids follow from the seed, for tests and simulations.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            seeded: Some(Mutex::new(SmallRng::seed_from_u64(seed))),
        }
    }

    /// One of the same kind: that of a seeded one goes on with its ids, without taking any from it.
    pub(crate) fn fork(&self) -> Self {
        let rng =
            |rng: &Mutex<SmallRng>| rng.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            seeded: self.seeded.as_ref().map(|seeded| Mutex::new(rng(seeded))),
        }
    }

    /// A new id; `unix_ms` is the wall-clock time in milliseconds.
    #[must_use]
    pub fn mint(&self, unix_ms: u64) -> Gtxid {
        match &self.seeded {
            Some(rng) => Gtxid::mint(
                unix_ms,
                &mut *rng.lock().unwrap_or_else(PoisonError::into_inner),
            ),
            None => RNG.with_borrow_mut(|rng| Gtxid::mint(unix_ms, rng)),
        }
    }

    /// The id of a new span, never zero.
    #[must_use]
    pub(crate) fn span_id(&self) -> u64 {
        let drawn = match &self.seeded {
            Some(rng) => rng
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next_u64(),
            None => RNG.with_borrow_mut(SmallRng::next_u64),
        };
        drawn.max(1)
    }

    /// Whether its ids follow from a seed.
    pub(crate) fn is_seeded(&self) -> bool {
        self.seeded.is_some()
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter")
            .field("seeded", &self.seeded.is_some())
            .finish()
    }
}

fn from_system() -> SmallRng {
    SmallRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| {
        // No system call for randomness (an old kernel in a tight sandbox): the hasher's keys are drawn another way.
        let mut seed = [0; 32];
        for chunk in seed.chunks_mut(8) {
            for (to, from) in chunk
                .iter_mut()
                .zip(RandomState::new().hash_one(0_u8).to_ne_bytes())
            {
                *to = from;
            }
        }
        SmallRng::from_seed(seed)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_seed_repeats_its_ids() {
        let (a, b) = (Minter::seeded(3), Minter::seeded(3));
        assert_eq!([a.mint(1), a.mint(2)], [b.mint(1), b.mint(2)]);
    }

    #[test]
    fn threads_do_not_share_a_stream() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..1000)
                        .map(|_| Minter::default().mint(0))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ids: HashSet<Gtxid> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(ids.len(), 4000);
    }
}
