//! How much of a zone's traffic stays in it.

/// Where the calls of one zone go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    /// The share that stays, 0 to 1.
    pub(super) local: f64,
    /// For each zone the part of the rest that goes there or to a zone before it, 0 to 1.
    spill: Box<[f64]>,
}

impl Route {
    /// The route of the callers in `zone`, one of `capacities.len()`, of whom a share of `callers` of all stands there.
    ///
    /// Envoy's zone-aware routing
    /// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/zone_aware>): with c the
    /// healthy capacity of the zone's endpoints as a share of all, a share of min(1, c / callers) stays. The rest goes to
    /// the other zones in proportion to what their own callers leave over, max(0, c(z) - callers(z)); the callers that are not here
    /// are taken to be spread evenly over the other zones. So the endpoints of all zones carry the same load.
    pub(super) fn new(zone: usize, capacities: &[f64], callers: f64) -> Self {
        let total: f64 = capacities.iter().sum();
        let share = |capacity: f64| if total > 0.0 { capacity / total } else { 0.0 };
        let here = share(capacities.get(zone).copied().unwrap_or_default());
        let local = if callers > 0.0 {
            f64::min(1.0, here / callers)
        } else {
            1.0
        };
        let others = (1.0 - callers) / (capacities.len().saturating_sub(1).max(1)) as f64;
        let elsewhere = |left: fn(f64, f64) -> f64| -> Vec<f64> {
            (capacities.iter().enumerate())
                .map(|(at, capacity)| {
                    if at == zone {
                        0.0
                    } else {
                        left(share(*capacity), others)
                    }
                })
                .collect()
        };
        let mut spill = elsewhere(|capacity, callers| (capacity - callers).max(0.0));
        if spill.iter().sum::<f64>() <= 0.0 {
            spill = elsewhere(|capacity, _| capacity);
        }
        let sum: f64 = spill.iter().sum();
        let mut so_far = 0.0;
        for part in &mut spill {
            so_far += *part;
            *part = if sum > 0.0 { so_far / sum } else { 0.0 };
        }
        Self {
            // With nothing elsewhere, or nothing anywhere, calls stay.
            local: if sum > 0.0 { local } else { 1.0 },
            spill: spill.into(),
        }
    }

    /// The zone for a number drawn from 0 to 1.
    pub(super) fn zone(&self, own: usize, drawn: f64) -> usize {
        if drawn < self.local {
            return own;
        }
        // What is left of the number is as random as it was.
        let rest = (drawn - self.local) / (1.0 - self.local);
        let at = self.spill.partition_point(|so_far| *so_far <= rest);
        at.min(self.spill.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The share of the calls from `zone` that each zone gets.
    fn flows(zone: usize, capacities: &[f64], callers: f64) -> Vec<f64> {
        let route = Route::new(zone, capacities, callers);
        let mut flows = vec![0.0; capacities.len()];
        for n in 0..10_000 {
            flows[route.zone(zone, (f64::from(n) + 0.5) / 10_000.0)] += 1e-4;
        }
        flows
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-3)
    }

    #[test]
    fn a_zone_with_its_share_of_capacity_keeps_all() {
        assert!(close(
            &flows(1, &[10.0, 10.0, 10.0], 1.0 / 3.0),
            &[0.0, 1.0, 0.0]
        ));
        assert!(close(&flows(0, &[30.0, 10.0], 0.5), &[1.0, 0.0]));
        assert!(close(&flows(0, &[5.0], 1.0), &[1.0]));
    }

    #[test]
    fn a_zone_with_less_spills_to_those_with_more_than_their_callers_need() {
        // 10, 30, 20 of 60: a third each of the callers. Zone 0 keeps half, zone 1 has 1/6 left over and zone 2 nothing.
        assert!(close(
            &flows(0, &[10.0, 30.0, 20.0], 1.0 / 3.0),
            &[0.5, 0.5, 0.0]
        ));
        assert!(close(
            &flows(0, &[0.0, 10.0, 30.0], 1.0 / 3.0),
            &[0.0, 0.0, 1.0]
        ));
        assert!(close(
            &flows(0, &[0.0, 20.0, 20.0], 1.0 / 3.0),
            &[0.0, 0.5, 0.5]
        ));
    }

    #[test]
    fn the_callers_share_of_a_zone_moves_what_stays() {
        assert!(close(&flows(0, &[10.0, 10.0], 0.8), &[0.625, 0.375]));
        assert!(close(&flows(0, &[10.0, 10.0], 0.1), &[1.0, 0.0]));
        assert!(close(&flows(0, &[10.0, 10.0], 0.0), &[1.0, 0.0]));
    }

    #[test]
    fn with_no_capacity_anywhere_or_none_elsewhere_calls_stay() {
        assert!(close(&flows(1, &[0.0, 0.0], 0.5), &[0.0, 1.0]));
        assert!(close(&flows(0, &[1.0, 0.0], 0.5), &[1.0, 0.0]));
    }

    proptest! {
        #[test]
        fn callers_spread_evenly_load_all_endpoints_alike(
            capacities in prop::collection::vec(1_u32..100, 1..6),
        ) {
            let capacities: Vec<f64> = capacities.into_iter().map(f64::from).collect();
            let callers = 1.0 / capacities.len() as f64;
            let total: f64 = capacities.iter().sum();
            let mut carried = vec![0.0; capacities.len()];
            for zone in 0..capacities.len() {
                let route = Route::new(zone, &capacities, callers);
                carried[zone] += callers * route.local;
                let mut before = 0.0;
                for (to, so_far) in route.spill.iter().enumerate() {
                    carried[to] += callers * (1.0 - route.local) * (so_far - before);
                    before = *so_far;
                }
            }
            for (carried, capacity) in carried.iter().zip(&capacities) {
                prop_assert!((carried - capacity / total).abs() < 1e-6, "{carried} {capacity}");
            }
        }
    }
}
