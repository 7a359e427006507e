//! The distribution of requests in flight, as far as recent reports tell.

/// How many replicas' reports the estimate remembers.
const WINDOW: usize = 64;

/// The last requests in flight that each of the replicas told which reported last.
///
/// One vote a replica. The paper probes replicas by chance; reports that come along with responses come most from those that
/// have most of the traffic, and would let an overloaded replica say what is much.
#[derive(Debug)]
pub(super) struct Recent<K> {
    votes: Vec<Vote<K>>,
    sorted: Vec<u32>,
    reports: u64,
}

#[derive(Debug)]
struct Vote<K> {
    replica: K,
    in_flight: u32,
    /// The number of the report.
    cast: u64,
}

impl<K: Copy + Eq> Recent<K> {
    pub(super) fn new() -> Self {
        Self {
            votes: Vec::with_capacity(WINDOW),
            sorted: Vec::with_capacity(WINDOW),
            reports: 0,
        }
    }

    pub(super) fn push(&mut self, replica: K, in_flight: u32) {
        self.reports += 1;
        let vote = Vote {
            replica,
            in_flight,
            cast: self.reports,
        };
        let own = self.votes.iter().position(|vote| vote.replica == replica);
        let oldest = || (self.votes.iter().enumerate()).min_by_key(|(_, vote)| vote.cast);
        let at = match own {
            None if self.votes.len() == WINDOW => oldest().map(|(at, _)| at),
            own => own,
        };
        match at.and_then(|at| self.votes.get_mut(at)) {
            Some(place) => {
                let gone = std::mem::replace(place, vote);
                self.remove_sorted(gone.in_flight);
            }
            None => self.votes.push(vote),
        }
        let at = self.sorted.partition_point(|other| *other < in_flight);
        self.sorted.insert(at, in_flight);
    }

    /// Takes a replica's vote away.
    pub(super) fn forget(&mut self, replica: K) {
        if let Some(at) = self.votes.iter().position(|vote| vote.replica == replica) {
            let gone = self.votes.swap_remove(at);
            self.remove_sorted(gone.in_flight);
        }
    }

    /// Renames every replica, and forgets those that have no new name.
    pub(super) fn rename(&mut self, mut rename: impl FnMut(K) -> Option<K>) {
        let sorted = &mut self.sorted;
        self.votes.retain_mut(|vote| match rename(vote.replica) {
            Some(name) => {
                vote.replica = name;
                true
            }
            None => {
                if let Ok(at) = sorted.binary_search(&vote.in_flight) {
                    sorted.remove(at);
                }
                false
            }
        });
    }

    /// What a replica must exceed to be above this share (0 to 1) of the others; with no others, its own value. 0 without reports.
    ///
    /// Of the others, since of three replicas the most loaded one is 0.84 of all: counted with itself it would never be above.
    pub(super) fn quantile(&self, share: f64) -> u32 {
        let others = self.sorted.len().saturating_sub(1);
        let rank = (share * others as f64).ceil() as usize;
        (self.sorted.get(rank.saturating_sub(1)).copied()).unwrap_or_default()
    }

    fn remove_sorted(&mut self, in_flight: u32) {
        if let Ok(at) = self.sorted.binary_search(&in_flight) {
            self.sorted.remove(at);
        }
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;

    fn votes(of: impl IntoIterator<Item = (u32, u32)>) -> Recent<u32> {
        let mut recent = Recent::new();
        for (replica, in_flight) in of {
            recent.push(replica, in_flight);
        }
        recent
    }

    #[test]
    fn a_quantile_is_one_of_the_others_values() {
        assert_eq!(votes([]).quantile(0.84), 0);
        assert_eq!(votes([(0, 7)]).quantile(0.84), 7);
        let recent = votes((0..).zip([5, 1, 4, 2, 3, 9]));
        let at = |share| recent.quantile(share);
        // Whoever has 9 is compared with 1 to 5.
        assert_eq!(
            [at(0.0), at(0.2), at(0.21), at(0.8), at(0.84), at(1.0)],
            [1, 1, 2, 4, 5, 5]
        );
    }

    #[test]
    fn of_two_or_three_replicas_the_one_with_most_is_above() {
        assert_eq!(votes([(0, 10), (1, 2)]).quantile(0.84), 2);
        assert_eq!(votes([(0, 10), (1, 2), (2, 3)]).quantile(0.84), 3);
    }

    #[test]
    fn a_replica_that_reports_often_has_one_vote() {
        let mut recent = votes([(1, 2), (2, 3), (3, 4)]);
        for in_flight in 0..1000 {
            recent.push(0, in_flight);
        }
        assert_eq!(recent.quantile(0.84), 4);
        recent.forget(0);
        assert_eq!(recent.quantile(1.0), 3);
    }

    #[test]
    fn the_replicas_that_reported_last_are_remembered() {
        let mut recent = votes((0..64).map(|replica| (replica, 100 + replica)));
        recent.push(0, 1); // 1 is now the oldest
        recent.push(64, 2);
        recent.push(65, 3);
        let mut left: Vec<u32> = recent.votes.iter().map(|vote| vote.replica).collect();
        left.sort_unstable();
        assert_eq!(
            left,
            (0..66).filter(|n| ![1, 2].contains(n)).collect::<Vec<_>>()
        );
        assert_eq!(recent.sorted.len(), 64);
        assert_eq!(&recent.sorted[..4], [1, 2, 3, 103]);
    }

    #[test]
    fn those_that_left_take_their_votes_along() {
        let mut recent = votes([(1, 10), (2, 20), (3, 30)]);
        recent.rename(|replica| (replica != 2).then_some(replica + 10));
        assert_eq!(recent.sorted, [10, 30]);
        recent.push(11, 40);
        assert_eq!(recent.sorted, [30, 40]);
    }
}
