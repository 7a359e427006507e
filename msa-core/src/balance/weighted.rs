//! In turns by weight, spread out evenly.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::chance::mix;
use super::{Algorithm, Members, PickHint, Slot, Standing};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Takes the endpoints in turns, each as often as its weight says, whatever their load.
///
/// Shares are exact: with weights 5, 1 and 1 any seven picks in a row are five, one and one. The turns of a heavy endpoint are
/// spread over the round instead of following each other. A pick is one atomic addition and, in a large set of unequal weights, a
/// search of log n steps.
///
/// A round of up to 4,096 turns is laid down in nginx's order (smooth weighted round robin,
/// <https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1>). A longer one is walked through in steps of the
/// golden ratio, which visits every turn once and comes back to an endpoint at nearly even distances, by the three-distance theorem (Sós,
/// 1958).
#[derive(Debug)]
pub struct Weighted {
    turn: AtomicU64,
    seed: u64,
    round: ArcSwap<Round>,
}

#[derive(Debug, Default)]
struct Round {
    members: Arc<Members>,
    turns: Turns,
}

/// Which active slot has which turn of a round.
#[derive(Debug)]
enum Turns {
    /// Laid down one by one.
    List(Box<[u32]>),
    /// Walked through: the slot of a turn is the first whose end lies above the turn's place.
    Walk { ends: Box<[u64]>, step: u64 },
}

impl Default for Turns {
    fn default() -> Self {
        Self::List(Box::default())
    }
}

/// The longest round that is laid down turn by turn, and the most steps that laying it down may take.
const LONGEST: u64 = 4096;
const STEPS: u64 = 1 << 18;

impl Weighted {
    /// An algorithm without endpoints. The seed decides at which turn it begins, so that many processes that start at once do not all
    /// call the same endpoint, and who passes a turn on in slow start.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            turn: AtomicU64::new(mix(seed) >> 32),
            seed,
            round: ArcSwap::default(),
        }
    }
}

impl Algorithm for Weighted {
    fn update(&self, members: &Arc<Members>, _now: Instant) {
        let weights: Vec<u32> = members.active().iter().map(|slot| slot.weight()).collect();
        self.round.store(Arc::new(Round {
            members: members.clone(),
            turns: Turns::of(&weights),
        }));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let round = self.round.load();
        let active = round.members.active();
        let mut index = 0;
        // Whoever has half the weight of the set is met every other turn; so twice their number finds one of few as a rule.
        for _ in 0..active.len().saturating_mul(2) {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            index = round.turns.slot(turn)?;
            let slot = active.get(index)?;
            let passes = || slot.takes_turn(mix(turn ^ self.seed), now);
            if slot.standing(hint, now) == Some(Standing::BEST) && passes() {
                return Some(slot.clone());
            }
        }
        round.members.best(index, hint, now).cloned()
    }
}

impl Turns {
    fn of(weights: &[u32]) -> Self {
        let divisor = weights.iter().copied().fold(0, gcd).max(1);
        let weights: Vec<u64> = weights
            .iter()
            .map(|weight| u64::from(weight / divisor))
            .collect();
        let length: u64 = weights.iter().sum();
        if weights.iter().all(|weight| *weight == 1) {
            return Self::List((0..).zip(&weights).map(|(index, _)| index).collect());
        }
        if length <= LONGEST && length.saturating_mul(weights.len() as u64) <= STEPS {
            return Self::List(smooth(&weights, length));
        }
        let ends = weights
            .iter()
            .scan(0, |end, weight| {
                *end += weight;
                Some(*end)
            })
            .collect();
        Self::Walk {
            ends,
            step: golden(length),
        }
    }

    #[inline]
    fn slot(&self, turn: u64) -> Option<usize> {
        match self {
            Self::List(list) => {
                // The remainder is below a length that is a usize.
                let place = turn.checked_rem(list.len() as u64)? as usize;
                list.get(place).map(|index| *index as usize)
            }
            Self::Walk { ends, step } => {
                let length = *ends.last()?;
                let place = u128::from(turn) * u128::from(*step) % u128::from(length);
                Some(ends.partition_point(|end| u128::from(*end) <= place))
            }
        }
    }
}

/// nginx's order: every turn each gains its weight, and the first of those that have most takes the turn and pays the whole round's length.
fn smooth(weights: &[u64], length: u64) -> Box<[u32]> {
    let length = length.cast_signed();
    let mut gained: Vec<i64> = vec![0; weights.len()];
    (0..length)
        .map(|_| {
            let mut most = (i64::MIN, 0);
            for (index, (gained, weight)) in (0..).zip(gained.iter_mut().zip(weights)) {
                *gained += weight.cast_signed();
                if *gained > most.0 {
                    most = (*gained, index);
                }
            }
            if let Some(gained) = gained.get_mut(most.1 as usize) {
                *gained -= length;
            }
            most.1
        })
        .collect()
}

/// The number nearest to the golden section of `length` that has no common divisor with it: its multiples then meet every place
/// of the round once.
fn golden(length: u64) -> u64 {
    let section = (length as f64 * 0.618_033_988_749_895) as u64;
    (section.max(1)..length)
        .find(|step| gcd64(*step, length) == 1)
        .unwrap_or(1)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn gcd64(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd64(b, a % b) }
}
