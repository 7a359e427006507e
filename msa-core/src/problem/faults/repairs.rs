//! What is read instead of what was sent: a tree of the places that were mended.

use std::collections::BTreeMap;

use super::fault::{Kind, Step};

/// The repairs of one value and of those inside it.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    pub(super) patch: Option<Patch>,
    pub(super) inside: BTreeMap<Step, Repairs>,
}

/// No repairs at all.
pub(super) static NONE: Repairs = Repairs {
    patch: None,
    inside: BTreeMap::new(),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patch {
    /// The n-th stand-in, for what was sent or for what belongs to another stand-in.
    StandIn(usize),
    /// The n-th stand-in, for what was not sent.
    Added(usize),
    LeftOut,
    /// Only the first of those of that name.
    Once,
}

impl Repairs {
    pub(super) fn key(&self, key: &str) -> &Self {
        let is = |step: &Step| matches!(step, Step::Key(name) if name == key);
        self.find(is).unwrap_or(&NONE)
    }

    pub(super) fn index(&self, index: usize) -> &Self {
        self.find(|step| *step == Step::Index(index))
            .unwrap_or(&NONE)
    }

    fn find(&self, is: impl Fn(&Step) -> bool) -> Option<&Self> {
        self.inside
            .iter()
            .find(|(step, _)| is(step))
            .map(|(_, repairs)| repairs)
    }

    /// Which stand-in is to be tried.
    pub(super) fn candidate(&self) -> usize {
        match self.patch {
            Some(Patch::StandIn(n) | Patch::Added(n)) => n,
            _ => 0,
        }
    }

    /// Whether the value there, one that it is a part of or a part of it was mended already: what is wrong there now may be
    /// our own doing.
    pub(super) fn reach(&self, path: &[Step]) -> bool {
        if self.patch.is_some_and(|patch| patch != Patch::Once) {
            return true;
        }
        let Some((first, rest)) = path.split_first() else {
            return !self.inside.is_empty();
        };
        self.find(|step| step == first)
            .is_some_and(|inside| inside.reach(rest))
    }

    /// Does what can be done about a fault; `false` when that is nothing.
    pub(super) fn mend(&mut self, path: &[Step], kind: &Kind) -> bool {
        let Some(outer) = path.len().checked_sub(1) else {
            return false; // the whole of it is wrong
        };
        let here = self.at(path);
        match (kind, here.patch) {
            (Kind::Unreadable, _) => false,
            (Kind::Exhausted, _) => self.give_up(path),
            // It was left out because nothing fits: what it is a part of cannot be complete.
            (Kind::Missing, Some(_)) => {
                path.get(..outer).is_some_and(|around| self.give_up(around))
            }
            (Kind::Missing, None) => here.set(Patch::Added(0)),
            (Kind::Unknown(_), _) => here.set(Patch::LeftOut),
            // Still twice: it has two names, and the other one stays.
            (Kind::Twice, Some(Patch::Once)) => here.set(Patch::LeftOut),
            (Kind::Twice, _) => here.set(Patch::Once),
            (Kind::Value(_), Some(Patch::Added(n))) => here.set(Patch::Added(n + 1)),
            (Kind::Value(_), Some(Patch::StandIn(n))) => here.set(Patch::StandIn(n + 1)),
            (Kind::Value(_), _) => {
                // Inside another stand-in the first one has been tried.
                let first = usize::from(self.stand_in_around(path).is_some());
                self.at(path).set(Patch::StandIn(first))
            }
        }
    }

    /// No stand-in fits there: another one for what it is a part of, or nothing at all.
    fn give_up(&mut self, path: &[Step]) -> bool {
        if path.is_empty() {
            return false;
        }
        match self.stand_in_around(path) {
            Some(around) => {
                let around = self.at(path.get(..around).unwrap_or_default());
                around.inside.clear();
                around.patch = match around.patch {
                    Some(Patch::Added(n)) => Some(Patch::Added(n + 1)),
                    Some(Patch::StandIn(n)) => Some(Patch::StandIn(n + 1)),
                    other => other,
                };
                true
            }
            None => self.at(path).set(Patch::LeftOut),
        }
    }

    /// How many steps lead to the innermost stand-in that the value there is a part of.
    fn stand_in_around(&self, path: &[Step]) -> Option<usize> {
        let mut found = None;
        let mut here = self;
        for (depth, step) in path.iter().enumerate() {
            if matches!(here.patch, Some(Patch::StandIn(_) | Patch::Added(_))) {
                found = Some(depth);
            }
            match here.find(|inside| inside == step) {
                Some(inside) => here = inside,
                None => break,
            }
        }
        found
    }

    fn at(&mut self, path: &[Step]) -> &mut Self {
        let Some((first, rest)) = path.split_first() else {
            return self;
        };
        self.inside.entry(first.clone()).or_default().at(rest)
    }

    fn set(&mut self, patch: Patch) -> bool {
        self.patch = Some(patch);
        true
    }
}
