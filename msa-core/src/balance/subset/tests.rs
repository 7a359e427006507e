use std::collections::{HashMap, HashSet};

use super::*;
use crate::balance::{Balanced, Balancer, Fleet, Mark, Measures, RoundRobin};
use crate::clock;
use crate::discovery::EndpointSet;

fn endpoints(n: usize) -> Vec<Endpoint> {
    (0..n)
        .map(|i| {
            format!("http://10.0.{}.{}:80", i / 200, i % 200)
                .parse()
                .unwrap()
        })
        .collect()
}

fn slots(endpoints: &[Endpoint]) -> Vec<Arc<Slot>> {
    let fleet = Fleet::new(Measures::default());
    fleet.update(&endpoints.iter().cloned().collect(), clock::now(), |_| {});
    fleet.members().active().to_vec()
}

/// How much of each endpoint the client takes.
fn taken(slots: &[Arc<Slot>], size: usize, client: u64) -> HashMap<String, f64> {
    shares(slots, size, ClientIndex::new(client))
        .into_iter()
        .map(|(slot, share)| (slot.endpoint().authority().to_owned(), share))
        .collect()
}

/// The load of each endpoint per weight when every client spreads one unit over its subset by weight.
fn loads(slots: &[Arc<Slot>], size: usize, clients: std::ops::Range<u64>) -> Vec<f64> {
    let mut loads: HashMap<u64, f64> = HashMap::new();
    for client in clients {
        let shares = shares(slots, size, ClientIndex::new(client));
        let weights = shares
            .iter()
            .map(|(slot, share)| f64::from(slot.weight()) * share);
        let total: f64 = weights.sum();
        for (slot, share) in shares {
            *loads.entry(slot.id()).or_default() += share / total;
        }
    }
    slots
        .iter()
        .map(|slot| loads.get(&slot.id()).copied().unwrap_or_default())
        .collect()
}

fn spread(loads: &[f64]) -> f64 {
    let mean = loads.iter().sum::<f64>() / loads.len() as f64;
    let far = loads.iter().map(|load| (load - mean).abs());
    far.fold(0.0, f64::max) / mean
}

#[test]
fn a_full_lot_loads_all_endpoints_alike_whatever_the_size_does_to_the_count() {
    for n in [21, 50, 97, 300] {
        let slots = slots(&endpoints(n));
        let lot = (4 * n).div_ceil(20).next_power_of_two() as u64;
        for first in [0, 7] {
            let loads = loads(&slots, 20, first * lot..(first + 1) * lot);
            assert!(spread(&loads) < 0.01, "{n}: {}", spread(&loads));
        }
    }
}

#[test]
fn clients_that_fill_no_lot_still_leave_no_endpoint_out() {
    let slots = slots(&endpoints(100));
    // A lot is 32 here; 11 clients of 20 endpoints each are 2.2 times all endpoints.
    for clients in [11, 20, 45] {
        let loads = loads(&slots, 20, 0..clients);
        assert!(loads.iter().all(|load| *load > 0.0), "{clients}");
        assert!(spread(&loads) < 0.7, "{clients}: {}", spread(&loads));
    }
}

#[test]
fn heavier_endpoints_carry_more() {
    let endpoints: Vec<Endpoint> = endpoints(60)
        .into_iter()
        .enumerate()
        .map(|(i, endpoint)| endpoint.with_weight(if i < 20 { 300 } else { 100 }))
        .collect();
    let loads = loads(&slots(&endpoints), 10, 0..32);
    assert!(spread(&loads) < 0.01, "{}", spread(&loads)); // per weight
}

#[test]
fn a_subset_has_about_the_size_asked_for_and_stays_the_same() {
    for (n, size) in [(21, 20), (100, 20), (1000, 20), (1000, 1), (5, 2)] {
        let slots = slots(&endpoints(n));
        for client in 0..40 {
            let one = taken(&slots, size, client);
            assert_eq!(one, taken(&slots, size, client));
            let whole: f64 = one.values().sum();
            let bound = (size..=(size * 5).div_ceil(4)).contains(&(whole.round() as usize));
            assert!(bound, "{n} {size}: {whole}");
            assert!(one.len() <= (size * 5).div_ceil(4) + 2);
        }
    }
}

#[test]
fn lots_have_an_order_each_so_that_no_two_endpoints_share_all_of_their_clients() {
    let slots = slots(&endpoints(100));
    let with = |authority: &str| -> HashSet<u64> {
        (0..320)
            .filter(|client| taken(&slots, 20, *client).contains_key(authority))
            .collect()
    };
    let first = with("10.0.0.0:80");
    for other in 1..100 {
        let other = with(&format!("10.0.0.{other}:80"));
        let common = first.intersection(&other).count();
        assert!(common * 2 < first.len(), "{common} of {}", first.len());
    }
}

#[test]
fn one_endpoint_less_moves_few_of_a_client_s_connections() {
    let all = endpoints(100);
    let before = slots(&all);
    let mut moved = 0;
    for gone in 0..20 {
        let mut fewer = all.clone();
        let gone = fewer.remove(gone * 5).authority().to_owned();
        let after = slots(&fewer);
        for client in 0..32 {
            let old: HashSet<String> = taken(&before, 20, client).into_keys().collect();
            let new: HashSet<String> = taken(&after, 20, client).into_keys().collect();
            moved += new.difference(&old).count();
            moved += old.difference(&new).filter(|one| **one != gone).count();
        }
    }
    // Of 20 to 24 endpoints; shuffling anew would move 80 % of them, 32 in all.
    let mean = moved as f64 / (20.0 * 32.0);
    assert!(mean < 3.0, "{mean}");
}

#[test]
fn the_index_is_the_number_at_the_end_of_the_id() {
    assert_eq!(ClientIndex::of("web-12"), ClientIndex::new(12));
    assert_eq!(ClientIndex::of("3"), ClientIndex::new(3));
    assert_eq!(ClientIndex::of("web"), ClientIndex::of("web"));
    assert_ne!(ClientIndex::of("web"), ClientIndex::of("Web"));
    assert_ne!(ClientIndex::of(""), ClientIndex::new(0));
    let long = "9".repeat(40);
    assert_ne!(ClientIndex::of(&long), ClientIndex::of("9"));
    assert_eq!(ClientIndex::of("über-5"), ClientIndex::new(5));
}

fn balancer(n: usize, size: usize) -> Balanced {
    let subset = Subset::new(size, ClientIndex::new(5), Box::new(RoundRobin::new(1)), 1);
    let now = clock::now();
    let balanced = Balanced::new(
        Arc::new(Fleet::new(Measures::default())),
        Box::new(subset),
        now,
    );
    balanced.update(&endpoints(n).into_iter().collect::<EndpointSet>(), now);
    balanced
}

fn used(balancer: &Balanced, picks: usize) -> HashSet<String> {
    let now = clock::now();
    (0..picks)
        .map(|_| {
            balancer
                .pick(&PickHint::default(), now)
                .unwrap()
                .endpoint()
                .authority()
                .to_owned()
        })
        .collect()
}

#[test]
fn only_the_subset_is_called_until_it_is_used_up() {
    let balancer = balancer(100, 20);
    let own = used(&balancer, 500);
    assert!((20..=26).contains(&own.len()), "{}", own.len());
    let members = balancer.fleet().members();
    for slot in members.all() {
        if own.contains(slot.endpoint().authority()) {
            slot.mark(Mark::Ejected, true);
        }
    }
    let others = used(&balancer, 500);
    assert!(
        others.is_disjoint(&own) && others.len() > 40,
        "{}",
        others.len()
    );
}

#[test]
fn a_pick_in_a_subset_counts_in_the_fleet() {
    let balancer = balancer(100, 20);
    let now = clock::now();
    let pick = balancer.pick(&PickHint::default(), now).unwrap();
    let members = balancer.fleet().members();
    let slot = members
        .all()
        .iter()
        .find(|slot| slot.in_flight() == 1)
        .unwrap();
    assert!(slot.endpoint().same_instance(pick.endpoint()));
}

#[test]
fn a_small_set_is_handed_on_whole() {
    assert_eq!(used(&balancer(20, 20), 20).len(), 20);
    assert_eq!(used(&balancer(3, 20), 3).len(), 3);
}
