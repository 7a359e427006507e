//! The ring of Karger et al.

use super::name::hashed_name;
use super::xxh64::xxh64;
use crate::discovery::Endpoint;
use crate::txn::Decimal;

/// How many places a ring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingSize {
    /// At least so many places in all, 1024 by default: the more, the closer the shares come to the weights.
    pub min: u32,
    /// At most so many, unless there are more endpoints; 1,048,576 by default. A place takes 16 bytes.
    pub max: u32,
}

impl Default for RingSize {
    fn default() -> Self {
        Self {
            min: 1024,
            max: 1 << 20,
        }
    }
}

impl RingSize {
    /// These bounds.
    #[must_use]
    pub fn new(min: u32, max: u32) -> Self {
        Self { min, max }
    }

    /// How many places one unit of weight has.
    fn scale(self, weight: f64) -> f64 {
        let mut scale = PLACES / 100.0;
        while scale * weight < f64::from(self.min) {
            scale *= 2.0;
        }
        while scale * weight > f64::from(self.max.max(1)) {
            scale /= 2.0;
        }
        scale
    }
}

/// The places of an endpoint of weight 100, the default: enough for shares that are even to some 6 %.
const PLACES: f64 = 256.0;

/// Places on a circle of 64-bit numbers, each belonging to an endpoint; a key belongs to the next place clockwise.
///
/// An endpoint of weight w has 256 w / 100 places, or that by a power of two where the ring would be smaller or larger than its bounds.
/// So a change of the set moves only the keys of what came or left, except where it crosses such a power. (Envoy divides a
/// ring of the least size by the number of endpoints: there all endpoints lose and win places with each change.) The n-th
/// place of an endpoint is at XXH64(`host:port_n`), as in Envoy.
#[derive(Debug, Default)]
pub struct RingTable {
    /// Sorted by place.
    places: Box<[(u64, u32)]>,
}

impl RingTable {
    pub(super) fn new(endpoints: &[(&Endpoint, u32)], size: RingSize) -> Self {
        let weight: f64 = endpoints.iter().map(|(_, weight)| f64::from(*weight)).sum();
        if weight <= 0.0 {
            return Self::default();
        }
        let scale = size.scale(weight);
        let mut places = Vec::with_capacity((scale * weight) as usize + endpoints.len());
        let mut name = String::new();
        for (index, (endpoint, weight)) in (0..).zip(endpoints) {
            if *weight == 0 {
                continue;
            }
            let count = (scale * f64::from(*weight)).round().max(1.0) as u32;
            name.clear();
            name.push_str(&hashed_name(endpoint));
            name.push('_');
            let stem = name.len();
            for nth in 0..count {
                name.truncate(stem);
                name.push_str(Decimal::new(nth.into()).as_str());
                places.push((xxh64(name.as_bytes(), 0), index));
            }
        }
        places.sort_unstable();
        Self {
            places: places.into(),
        }
    }

    /// The endpoints' indices in the order in which a key meets them, an endpoint as often as its places are met.
    pub(super) fn clockwise(&self, key: u64) -> impl Iterator<Item = u32> + '_ {
        let start = self.places.partition_point(|(place, _)| *place < key);
        let (before, from) = self.places.split_at(start);
        from.iter().chain(before).map(|(_, index)| *index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(weights: &[u32], size: RingSize) -> RingTable {
        let endpoints: Vec<Endpoint> = (0..weights.len())
            .map(|i| format!("http://10.0.0.{i}:80").parse().unwrap())
            .collect();
        let places: Vec<_> = endpoints.iter().zip(weights.iter().copied()).collect();
        RingTable::new(&places, size)
    }

    fn shares(ring: &RingTable, n: usize) -> Vec<usize> {
        let mut shares = vec![0; n];
        for (_, index) in &ring.places {
            shares[*index as usize] += 1;
        }
        shares
    }

    #[test]
    fn a_place_is_the_hash_of_address_and_number_and_a_key_goes_clockwise() {
        let ring = ring(&[100, 100], RingSize::new(4, 7));
        let mut expected: Vec<(u64, u32)> = vec![
            (xxh64(b"10.0.0.0:80_0", 0), 0),
            (xxh64(b"10.0.0.0:80_1", 0), 0),
            (xxh64(b"10.0.0.1:80_0", 0), 1),
            (xxh64(b"10.0.0.1:80_1", 0), 1),
        ];
        expected.sort_unstable();
        assert_eq!(*ring.places, *expected);
        for (nth, (place, _)) in expected.iter().enumerate() {
            let rotated: Vec<u32> = (0..4).map(|i| expected[(nth + i) % 4].1).collect();
            assert_eq!(ring.clockwise(*place).collect::<Vec<_>>(), rotated);
            let before: Vec<u32> = ring.clockwise(place - 1).collect();
            assert_eq!(before, rotated);
            let after: Vec<u32> = (1..5).map(|i| expected[(nth + i) % 4].1).collect();
            assert_eq!(ring.clockwise(place + 1).collect::<Vec<_>>(), after);
        }
        assert_eq!(ring.clockwise(u64::MAX).count(), 4);
    }

    #[test]
    fn places_follow_the_weights_between_the_least_and_the_largest_size() {
        let shares = |weights: &[u32], size| shares(&ring(weights, size), weights.len());
        let size = RingSize::new(1024, 4096);
        assert_eq!(shares(&[100, 200, 50, 0], size), [512, 1024, 256, 0]); // 896 would be too few
        assert_eq!(shares(&[100; 4], size), [256; 4]);
        assert_eq!(shares(&[100; 16], size), [256; 16]);
        assert_eq!(shares(&[100; 17], size), [128; 17]); // 4352 would be too many
        assert_eq!(shares(&[1, 2, 5], size), [164, 328, 819]);
        assert_eq!(shares(&[1, u32::MAX], size), [1, 2621]); // cut off: less exact
        assert_eq!(shares(&[0, 0], size), [0, 0]);
        assert_eq!(shares(&[], size), [0; 0]);
    }

    #[test]
    fn an_empty_ring_leads_nowhere() {
        assert_eq!(RingTable::default().clockwise(7).next(), None);
    }
}
