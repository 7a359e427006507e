//! Drawing slots by chance, each as often as its weight says.

use std::sync::Arc;

use super::chance::{mix, scale};
use super::{Members, Slot};

/// Members with a table from which an active one is drawn in constant time.
///
/// With equal weights that is the list itself, else Walker's alias table as Vose builds it ("A linear algorithm for generating
/// random numbers with a given distribution", IEEE TSE 17(9), 1991): each entry is one slot up to a threshold and another one
/// above it.
#[derive(Debug, Default)]
pub(super) struct Draw {
    members: Arc<Members>,
    aliases: Option<Box<[Alias]>>,
    /// One over the mean weight.
    per_weight: f32,
}

#[derive(Debug, Clone, Copy)]
struct Alias {
    /// Out of 2^32.
    threshold: u32,
    other: u32,
}

impl Draw {
    pub(super) fn new(members: Arc<Members>) -> Self {
        let weights: Vec<u32> = members.active().iter().map(|slot| slot.weight()).collect();
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        let even = weights.windows(2).all(|pair| pair.first() == pair.last());
        let per_weight = if even || total == 0 {
            1.0 / weights.first().map_or(1.0, |weight| *weight as f32)
        } else {
            weights.len() as f32 / total as f32
        };
        let aliases = (!even).then(|| aliases(&weights, total));
        Self {
            members,
            aliases,
            per_weight,
        }
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// The weight of this slot, in mean weights.
    #[inline]
    pub(super) fn share(&self, slot: &Slot) -> f32 {
        if self.aliases.is_none() {
            return 1.0;
        }
        slot.weight() as f32 * self.per_weight
    }

    /// The active slot that these random bits name; `None` when there is none.
    #[inline]
    pub(super) fn one(&self, bits: u64) -> Option<&Arc<Slot>> {
        self.at(self.index(bits))
    }

    /// Two of them. They differ when all weights are equal and there are two; with unequal weights the heavier ones must be able to
    /// meet themselves, or two endpoints would get the same share whatever they weigh.
    #[inline]
    pub(super) fn two(&self, bits: u64) -> Option<(&Arc<Slot>, &Arc<Slot>)> {
        let more = mix(bits);
        let (first, second) = if self.aliases.is_some() {
            (self.index(bits), self.index(more))
        } else {
            let active = self.members.active().len();
            let first = scale(bits, active);
            let second = scale(more, active.saturating_sub(1));
            // The last one takes the place of the first drawn, which the second draw leaves out.
            let second = if second == first {
                active.saturating_sub(1)
            } else {
                second
            };
            (first, second)
        };
        Some((self.at(first)?, self.at(second)?))
    }

    #[inline]
    fn index(&self, bits: u64) -> usize {
        let index = scale(bits, self.members.active().len());
        let Some(aliases) = &self.aliases else {
            return index;
        };
        match aliases.get(index) {
            // The index took the upper bits.
            Some(alias) if (mix(bits) as u32) >= alias.threshold => alias.other as usize,
            _ => index,
        }
    }

    #[inline]
    fn at(&self, index: usize) -> Option<&Arc<Slot>> {
        self.members.active().get(index)
    }
}

fn aliases(weights: &[u32], total: u64) -> Box<[Alias]> {
    let whole = f64::from(u32::MAX) + 1.0;
    let scale = weights.len() as f64 / total as f64;
    let mut left: Vec<f64> = weights
        .iter()
        .map(|weight| f64::from(*weight) * scale)
        .collect();
    let mut table: Vec<Alias> = (0..)
        .zip(weights)
        .map(|(index, _)| Alias {
            threshold: u32::MAX,
            other: index,
        })
        .collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..left.len()).partition(|index| left.get(*index).is_some_and(|left| *left < 1.0));
    // Each small one is filled up by a large one, which is a small one when too little of it remains. What is left over at the
    // end is full but for rounding, and stays itself.
    while let (Some(low), Some(high)) = (small.pop(), large.last().copied()) {
        let Some(&part) = left.get(low) else { break };
        if let (Some(alias), Ok(other)) = (table.get_mut(low), u32::try_from(high)) {
            // Casts: below 2^32
            let threshold = (part * whole) as u32;
            *alias = Alias { threshold, other };
        }
        if let Some(rest) = left.get_mut(high) {
            *rest -= 1.0 - part;
            if *rest < 1.0 {
                large.pop();
                small.push(high);
            }
        }
    }
    table.into()
}
