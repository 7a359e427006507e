//! The ring of Karger et al., laid out as Envoy does.

use super::xxh64::xxh64;
use crate::discovery::Endpoint;

/// How many places a ring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingSize {
    /// At least so many places in all, 1024 by default: the more, the closer the shares come to the weights.
    pub min: u32,
    /// At most so many, 8,388,608 by default; what a ring takes in memory is 16 bytes a place.
    pub max: u32,
}

impl Default for RingSize {
    fn default() -> Self {
        Self {
            min: 1024,
            max: 8 * 1024 * 1024,
        }
    }
}

/// Places on a circle of 64-bit numbers, each belonging to an endpoint; a key belongs to the next place clockwise.
///
/// Each endpoint has as many places as its weight asks for: the lightest one a whole number of them, at least so many that
/// the ring reaches its least size. The n-th place of an endpoint is at XXH64(`host:port_n`), so that a ring in Envoy
/// over the same addresses is the same ring, and a change of the set moves only the keys of what came or left.
#[derive(Debug, Default)]
pub struct RingTable {
    /// Sorted by place.
    places: Box<[(u64, u32)]>,
}

impl RingTable {
    pub(super) fn new(places: &[(&Endpoint, u32)], size: RingSize) -> Self {
        let weights = || places.iter().map(|(_, weight)| *weight);
        let total: f64 = weights().map(f64::from).sum();
        let lightest = weights().filter(|weight| *weight > 0).min();
        let Some(lightest) = lightest.map(|lightest| f64::from(lightest) / total) else {
            return Self::default();
        };
        let scale = f64::min(
            (lightest * f64::from(size.min)).ceil() / lightest,
            f64::from(size.max),
        );
        let endpoints = places;
        let mut places = Vec::with_capacity(scale.ceil() as usize);
        let (mut laid, mut target) = (0.0, 0.0);
        let mut name = String::new();
        for (index, (endpoint, weight)) in (0..).zip(endpoints) {
            // Places are whole: what one endpoint's share leaves over is the next one's to use.
            target += scale * f64::from(*weight) / total;
            let mut nth = 0_u32;
            while laid < target {
                name.clear();
                name.push_str(endpoint.authority());
                name.push('_');
                name.push_str(&nth.to_string());
                places.push((xxh64(name.as_bytes(), 0), index));
                laid += 1.0;
                nth += 1;
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

    fn size(min: u32, max: u32) -> RingSize {
        RingSize { min, max }
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
        let ring = ring(&[1, 1], size(4, 4));
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
        assert_eq!(shares(&[1, 2], size(3, 100)), [1, 2]);
        assert_eq!(shares(&[1, 2], size(4, 100)), [2, 4]); // the lightest has whole places
        assert_eq!(shares(&[100, 200, 0], size(12, 100)), [4, 8, 0]);
        assert_eq!(shares(&[1, 1, 1], size(1, 100)), [1, 1, 1]);
        assert_eq!(shares(&[1, 999], size(1, 10)), [1, 9]); // cut at the largest: less exact
        assert_eq!(shares(&[0, 0], size(4, 100)), [0, 0]);
        assert_eq!(shares(&[], size(4, 100)), [0; 0]);
        let huge = shares(&[u32::MAX, u32::MAX], RingSize::default());
        assert_eq!(huge, [512, 512]);
    }

    #[test]
    fn an_empty_ring_leads_nowhere() {
        assert_eq!(RingTable::default().clockwise(7).next(), None);
    }
}
