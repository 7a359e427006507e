//! The states, and how one stands in an atomic word together with its epoch.

use std::fmt;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Lets calls through and judges them.
    Closed,
    /// Refuses calls until its time is over.
    Open,
    /// Lets a few trial calls through and judges those.
    HalfOpen,
    /// Refuses calls until it is told otherwise.
    ForcedOpen,
    /// Lets calls through and counts nothing.
    Disabled,
    /// Lets calls through and counts them, but never opens.
    MetricsOnly,
}

impl State {
    /// Every state there is.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::Disabled,
        Self::MetricsOnly,
    ];

    /// Its name in events, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics_only",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A period between two changes of a breaker's state. What belongs to an earlier one is late, and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub(super) Word);

/// State and epoch in one word, so that both are read, and compared, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Word(pub(super) u64);

const STATE_BITS: u32 = 3;

impl Word {
    pub(super) fn first(state: State) -> Self {
        Self::pack(1, state)
    }

    fn pack(epoch: u64, state: State) -> Self {
        Self((epoch << STATE_BITS) | state as u64)
    }

    /// The next epoch, in this state.
    pub(super) fn next(self, state: State) -> Self {
        Self::pack(self.epoch() + 1, state)
    }

    #[inline]
    pub(super) fn epoch(self) -> u64 {
        self.0 >> STATE_BITS
    }

    #[inline]
    pub(super) fn state(self) -> State {
        let place = usize::try_from(self.0 & ((1 << STATE_BITS) - 1)).unwrap_or(0);
        // Words are made of states only, so there always is one.
        State::ALL.get(place).copied().unwrap_or(State::Closed)
    }

    #[inline]
    pub(super) fn is(self, state: State) -> bool {
        self.0 & ((1 << STATE_BITS) - 1) == state as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_every_state_beside_its_epoch() {
        let mut word = Word::first(State::Closed);
        for state in State::ALL {
            let next = word.next(state);
            assert_eq!((next.state(), next.epoch()), (state, word.epoch() + 1));
            assert!(next.is(state));
            word = next;
        }
    }
}
