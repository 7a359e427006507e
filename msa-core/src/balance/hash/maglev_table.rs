//! The lookup table of Maglev.

use super::name::hashed_name;
use super::xxh64::xxh64;
use crate::discovery::Endpoint;

/// The size of a table by default, a prime: the smaller of the two that the paper measures.
pub const MAGLEV_TABLE_SIZE: u32 = 65_537;

/// The second hash, independent of the first by its seed.
const SKIP_SEED: u64 = 0xdead_beef;

/// A table from hash to endpoint that all endpoints fill in turns, each along a permutation of its own.
///
/// Every endpoint gets almost exactly its share, and when the set changes few other keys move. One lookup is one
/// read. A lighter endpoint passes on some of its turns, so that shares follow the weights, as in Envoy.
#[derive(Debug, Default)]
pub struct MaglevTable {
    table: Box<[u32]>,
}

impl MaglevTable {
    /// A table of the least prime that is at least `size`; 4,294,967,291, the largest of 32 bits, is the most.
    pub(super) fn new(endpoints: &[(&Endpoint, u32)], size: u32) -> Self {
        let size = next_prime(size);
        let heaviest = endpoints
            .iter()
            .map(|(_, weight)| *weight)
            .max()
            .unwrap_or(0);
        if heaviest == 0 {
            return Self::default();
        }
        let mut rows: Vec<Row> = (0..)
            .zip(endpoints)
            .filter(|(_, (_, weight))| *weight > 0)
            .map(|(index, (endpoint, weight))| Row::new(index, endpoint, *weight, size))
            .collect();
        // The order of the source must not matter: two clients that list the same endpoints differently agree.
        rows.sort_unstable_by_key(|row| (row.at, row.skip));
        let mut table = vec![FREE; size as usize];
        let mut free = size;
        for turn in 1_u64.. {
            for row in &mut rows {
                // A weight w of heaviest W takes its turn in w of W rounds, evenly spread.
                if turn * u64::from(row.weight) < row.due {
                    continue;
                }
                row.due += u64::from(heaviest);
                if row.take(&mut table) {
                    free -= 1;
                }
                if free == 0 {
                    return Self {
                        table: table.into(),
                    };
                }
            }
        }
        Self::default()
    }

    pub(super) fn get(&self, key: u64) -> Option<u32> {
        let at = key.checked_rem(self.table.len() as u64)?;
        self.table.get(usize::try_from(at).ok()?).copied()
    }
}

const FREE: u32 = u32::MAX;

struct Row {
    index: u32,
    weight: u32,
    due: u64,
    /// Where its permutation stands.
    at: u32,
    skip: u32,
}

impl Row {
    fn new(index: u32, endpoint: &Endpoint, weight: u32, size: u32) -> Self {
        let name = hashed_name(endpoint);
        let name = name.as_bytes();
        let within = |hash: u64, range: u32| (hash % u64::from(range.max(1))) as u32;
        Self {
            index,
            weight,
            due: u64::from(weight),
            at: within(xxh64(name, 0), size),
            skip: within(xxh64(name, SKIP_SEED), size - 1) + 1,
        }
    }

    /// Takes the first free entry of the permutation. As the size is prime, the permutation meets every entry.
    fn take(&mut self, table: &mut [u32]) -> bool {
        for _ in 0..table.len() {
            let here = self.at as usize;
            let next = (here + self.skip as usize) % table.len();
            self.at = next as u32;
            if let Some(entry @ &mut FREE) = table.get_mut(here) {
                *entry = self.index;
                return true;
            }
        }
        false
    }
}

/// The least prime that is not below `n`.
fn next_prime(n: u32) -> u32 {
    (n.max(2)..=u32::MAX)
        .find(|n| is_prime(*n))
        .unwrap_or(4_294_967_291)
}

fn is_prime(n: u32) -> bool {
    n >= 2
        && (2..)
            .take_while(|d| u64::from(*d) * u64::from(*d) <= u64::from(n))
            .all(|d| !n.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(n: usize) -> Vec<Endpoint> {
        (0..n)
            .map(|i| {
                format!("http://10.0.{}.{}:80", i / 250, i % 250)
                    .parse()
                    .unwrap()
            })
            .collect()
    }

    fn build(endpoints: &[Endpoint], weights: impl Fn(usize) -> u32, size: u32) -> MaglevTable {
        let rows: Vec<_> = endpoints.iter().zip((0..).map(weights)).collect();
        MaglevTable::new(&rows, size)
    }

    fn table(n: usize, weights: impl Fn(usize) -> u32, size: u32) -> Vec<u32> {
        let endpoints = endpoints(n);
        build(&endpoints, weights, size).table.to_vec()
    }

    fn shares(table: &[u32], n: usize) -> Vec<usize> {
        let mut shares = vec![0; n];
        for index in table {
            shares[*index as usize] += 1;
        }
        shares
    }

    #[test]
    fn the_table_of_the_paper_s_example_is_filled_in_turns() {
        // The paper's table 1: three backends over seven entries, permutations (3,0,4,1,5,2,6), (0,2,4,6,1,3,5), (3,4,5,6,0,1,2).
        let mut rows = [(3, 4), (0, 2), (3, 1)].map(|(at, skip)| Row {
            index: 0,
            weight: 1,
            due: 1,
            at,
            skip,
        });
        let mut table = vec![FREE; 7];
        for nth in 0..7 {
            let row = &mut rows[nth % 3];
            row.index = nth as u32 % 3;
            assert!(row.take(&mut table));
        }
        assert_eq!(table, [1, 0, 1, 0, 2, 2, 0]);
        assert!(!rows[0].take(&mut table));
    }

    #[test]
    fn equal_weights_get_equal_shares_to_one_entry() {
        for n in [1, 2, 3, 10, 100, 1000] {
            let shares = shares(&table(n, |_| 100, MAGLEV_TABLE_SIZE), n);
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{n}: {least}..{most}");
        }
    }

    #[test]
    fn shares_follow_the_weights() {
        let shares = shares(&table(4, |i| [0, 1, 2, 5][i], MAGLEV_TABLE_SIZE), 4);
        assert_eq!(shares[0], 0);
        for (share, weight) in shares.iter().zip([0.0, 1.0, 2.0, 5.0]).skip(1) {
            let expected = 65_537.0 * weight / 8.0;
            assert!((*share as f64 - expected).abs() <= 3.0, "{shares:?}");
        }
        assert!(table(3, |_| 0, 7).is_empty());
    }

    #[test]
    fn a_removed_endpoint_moves_few_keys_of_the_others() {
        // The paper (its figure on resilience) has well under 5 % of all entries changed for one failure of 1000 backends
        // in a table of 65,537, the removed one's own entries apart.
        let before = table(1000, |_| 1, MAGLEV_TABLE_SIZE);
        for gone in [0_usize, 17, 999] {
            let after = table(1000, |i| u32::from(i != gone), MAGLEV_TABLE_SIZE);
            let moved = before
                .iter()
                .zip(&after)
                .filter(|(b, a)| **b != gone as u32 && a != b)
                .count();
            assert!(moved < 65_537 * 2 / 100, "{moved} of 65,537 moved");
        }
    }

    #[test]
    fn the_order_of_the_source_does_not_matter() {
        let forth = endpoints(20);
        let back: Vec<Endpoint> = forth.iter().rev().cloned().collect();
        let a = build(&forth, |_| 1, 251);
        let b = build(&back, |_| 1, 251);
        for key in 0..251 {
            let (a, b) = (a.get(key).unwrap(), b.get(key).unwrap());
            assert_eq!(forth[a as usize], back[b as usize]);
        }
    }

    #[test]
    fn a_size_becomes_a_prime_and_an_empty_table_leads_nowhere() {
        assert_eq!(
            [0, 2, 8, 65_536, 65_537].map(next_prime),
            [2, 2, 11, 65_537, 65_537]
        );
        assert_eq!(MaglevTable::default().get(7), None);
        assert_eq!(build(&endpoints(1), |_| 1, 0).table.as_ref(), [0, 0]);
    }
}
