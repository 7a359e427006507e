//! The power of two choices: the better of two endpoints that were drawn by chance.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::chance::{Chance, mix, scale};
use super::draw::Draw;
use super::{Algorithm, Members, PickHint, Slot, Standing};
use crate::clock::Instant;

/// Which of two endpoints a request is better sent to.
pub trait Compare: Send + Sync + 'static {
    /// Whether `one` is better than `other`, not just as good. Each slot comes with its weight, in mean weights of the set: above 1 it is
    /// built to carry more than others.
    fn is_better(one: (&Slot, f32), other: (&Slot, f32), now: Instant) -> bool;
}

/// Draws two endpoints (or more) by chance and takes the better one.
///
/// With two draws instead of one the fullest of n endpoints has about ln ln n requests more than the mean rather than
/// ln n / ln ln n, and a choice costs the same whether there are ten endpoints or ten thousand (Mitzenmacher: "The power of two
/// choices in randomized load balancing", IEEE TPDS 12(10), 2001). Unlike the least of all, it does not send every client to the same
/// idle endpoint at once.
///
/// Weights decide how often an endpoint is drawn, and how much more load it may have than another when both are drawn. A round whose
/// draws are all tried, set aside or in slow start is drawn again, a few times; then all endpoints are looked through.
pub struct P2c<C> {
    chance: Chance,
    draw: ArcSwap<Draw>,
    choices: u32,
    rounds: u32,
    look_through: bool,
    compare: PhantomData<fn() -> C>,
}

impl<C: Compare> P2c<C> {
    /// An algorithm without endpoints that compares two draws. The seed is the source of all its chance.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            draw: ArcSwap::default(),
            choices: 2,
            rounds: 5,
            look_through: true,
            compare: PhantomData,
        }
    }

    /// Compares so many draws. Default and least 2, at most 16. More come closer to the least of all, and run after the same idle
    /// endpoint more often.
    #[must_use]
    pub fn choices(mut self, choices: u32) -> Self {
        self.choices = choices.clamp(2, 16);
        self
    }

    /// Draws so many times when no draw is good. Default 5, Finagle's maximum effort.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// What happens when no round has drawn a good one: all are looked through for one (`true`, the default), or a drawn one is taken as it is
    /// (`false`, as Finagle does).
    #[must_use]
    pub fn look_through(mut self, look_through: bool) -> Self {
        self.look_through = look_through;
        self
    }

    /// The best one, the first of equals. All weigh the same here.
    #[must_use]
    pub fn best_of<'s>(
        slots: impl IntoIterator<Item = &'s Arc<Slot>>,
        now: Instant,
    ) -> Option<&'s Arc<Slot>> {
        let mut slots = slots.into_iter();
        let first = slots.next()?;
        Some(slots.fold(first, |least, slot| {
            of_two::<C>((least, 1.0), (slot, 1.0), now)
        }))
    }

    /// The better one of two, when one is good at all.
    #[inline]
    fn better<'s>(
        draw: &Draw,
        first: &'s Arc<Slot>,
        second: &'s Arc<Slot>,
        hint: &PickHint<'_>,
        bits: u64,
        now: Instant,
    ) -> Option<&'s Arc<Slot>> {
        let good = |slot: &Arc<Slot>, bits: u64| {
            slot.standing(hint, now) == Some(Standing::BEST) && slot.takes_turn(bits, now)
        };
        match (good(first, bits), good(second, bits.rotate_left(32))) {
            (true, true) => Some(of_two::<C>(
                (first, draw.share(first)),
                (second, draw.share(second)),
                now,
            )),
            (true, false) => Some(first),
            (false, true) => Some(second),
            (false, false) => None,
        }
    }

    #[inline]
    fn round<'d>(
        &self,
        draw: &'d Draw,
        hint: &PickHint<'_>,
        now: Instant,
    ) -> Option<&'d Arc<Slot>> {
        let bits = self.chance.draw();
        let (first, second) = draw.two(bits)?;
        let mut more = mix(mix(bits));
        let mut best = Self::better(draw, first, second, hint, more, now);
        for _ in 2..self.choices {
            more = mix(more);
            let next = draw.one(more)?;
            best = Self::better(draw, best.unwrap_or(next), next, hint, mix(more), now);
        }
        best
    }

    /// The better of two that are found by looking through all, from two places: few are good, and the first behind a gap
    /// should not get the whole gap's share.
    #[cold]
    fn any(&self, draw: &Draw, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let members = draw.members();
        if !self.look_through
            && let Some(slot) = draw.one(self.chance.draw())
            && hint.only.admits(slot.endpoint())
        {
            return Some(slot.clone());
        }
        let bits = self.chance.draw();
        let from = |bits| members.best(scale(bits, members.all().len()), hint, now);
        let (first, second) = (from(bits)?, from(mix(bits))?);
        let (one, other) = (first.standing(hint, now)?, second.standing(hint, now)?);
        Some(match one.cmp(&other) {
            std::cmp::Ordering::Less => first.clone(),
            std::cmp::Ordering::Greater => second.clone(),
            std::cmp::Ordering::Equal => {
                let (one, other) = (draw.share(first), draw.share(second));
                of_two::<C>((first, one), (second, other), now).clone()
            }
        })
    }
}

#[inline]
fn of_two<'s, C: Compare>(
    (first, first_share): (&'s Arc<Slot>, f32),
    (second, second_share): (&'s Arc<Slot>, f32),
    now: Instant,
) -> &'s Arc<Slot> {
    if C::is_better((second, second_share), (first, first_share), now) {
        second
    } else {
        first
    }
}

impl<C: Compare> Algorithm for P2c<C> {
    fn update(&self, members: &Arc<Members>, _now: Instant) {
        self.draw.store(Arc::new(Draw::new(members.clone())));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let draw = self.draw.load();
        for _ in 0..self.rounds {
            if let Some(slot) = self.round(&draw, hint, now) {
                return Some(slot.clone());
            }
        }
        self.any(&draw, hint, now)
    }
}

impl<C> fmt::Debug for P2c<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("P2c")
            .field("members", &self.draw.load().members().all().len())
            .field("choices", &self.choices)
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}
