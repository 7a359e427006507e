//! By chance.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::chance::{Chance, mix, scale};
use super::draw::Draw;
use super::{Algorithm, Members, PickHint, Slot, Standing};
use crate::clock::Instant;

/// Draws an endpoint by chance, each as often as its weight says, whatever its load.
///
/// It needs no state that processes would have to share, and never falls into step with anybody. With many calls per endpoint its
/// shares are as good as round robin's, with few they are uneven: among n calls to as many endpoints one of them gets about
/// ln n / ln ln n.
#[derive(Debug)]
pub struct Random {
    chance: Chance,
    draw: ArcSwap<Draw>,
}

/// Draws before all are looked through: with half of the endpoints good one in 256 choices needs that.
const DRAWS: u32 = 8;

impl Random {
    /// An algorithm without endpoints. The seed is the source of all its chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            draw: ArcSwap::default(),
        }
    }
}

impl Algorithm for Random {
    fn update(&self, members: &Arc<Members>, _now: Instant) {
        self.draw.store(Arc::new(Draw::new(members.clone())));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let draw = self.draw.load();
        for _ in 0..DRAWS {
            let bits = self.chance.draw();
            let Some(slot) = draw.one(bits) else { break };
            if slot.standing(hint, now) == Some(Standing::BEST) && slot.takes_turn(mix(bits), now) {
                return Some(slot.clone());
            }
        }
        let members = draw.members();
        let start = scale(self.chance.draw(), members.all().len());
        members.best(start, hint, now).cloned()
    }
}
