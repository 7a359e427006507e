//! Which of two replicas is less loaded: the paper's hot-cold lexicographic rule.

/// How this client sees a replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// What it should carry, relative to the one that should carry most: above 0, at most 1.
    pub(super) share: f32,
    /// What this client has in flight there.
    pub(super) in_flight: u32,
}

/// How loaded a replica looks to a call: the order of the paper's hot-cold lexicographic rule, least first. A cold one is better than
/// a hot one; cold ones compare by latency, hot ones by requests in flight.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Rank {
    pub(super) hot: bool,
    /// What decides: a latency of a cold one, requests in flight of a hot one.
    pub(super) first: f64,
    second: f64,
    /// As it is.
    latency: f64,
}

impl Seen {
    pub(super) const PLAIN: Self = Self {
        share: 1.0,
        in_flight: 0,
    };
}

/// A latency to compare by: rounded down to 1 or 1.5 times a power of two.
///
/// Replicas that are alike differ by what the last requests happened to ask of them. Compared to the last digit all clients would run
/// after whichever looks fastest for the moment; so these count as equal, and their requests in flight decide.
pub(super) fn coarse(latency: f64) -> f64 {
    const SIGN_EXPONENT_AND_ONE_MORE: u64 = 0xFFF8_0000_0000_0000;
    f64::from_bits(latency.to_bits() & SIGN_EXPONENT_AND_ONE_MORE)
}

/// How much faster a hot replica must be than the best cold one to be preferred.
const MUCH_FASTER: f64 = 3.0;

/// How far over the limit a hot replica may be to be preferred to a cold one at all. Latency tells nothing of a replica that is
/// overrun: only its quickest requests ever end.
const SLIGHTLY_HOT: f64 = 2.0;

impl Rank {
    /// The rank of a replica that said this; the latency in nanoseconds. One of half the others' share looks twice as loaded and twice as slow.
    pub(super) fn new(in_flight: u32, latency: u64, limit: f64, seen: Seen) -> Self {
        let share = f64::from(seen.share);
        let in_flight = f64::from(in_flight.max(seen.in_flight)) / share;
        let latency = latency as f64 / share;
        let hot = in_flight > limit;
        let (first, second) = if hot {
            (in_flight, latency)
        } else {
            (coarse(latency), in_flight)
        };
        Self {
            hot,
            first,
            second,
            latency,
        }
    }

    /// Whether this hot replica is much faster than that cold one, even if its latency grows by the square of what it is over the limit.
    pub(super) fn is_faster(self, cold: Self, limit: f64) -> bool {
        let overload = self.first / limit.max(1.0);
        overload <= SLIGHTLY_HOT && self.latency * overload * overload * MUCH_FASTER < cold.latency
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_compared_in_steps_of_half_an_octave() {
        let steps = [0.0, 1.0, 1.49, 1.5, 1.99, 2.0, 3.0, 1e9].map(coarse);
        assert_eq!(steps, [0.0, 1.0, 1.0, 1.5, 1.5, 2.0, 3.0, 805_306_368.0]);
    }
}
