//! Two banners cannot stand in one slot at the same time.

use std::thread;

use msa_tests::{Cluster, http};
use serde_json::{Value, json};

#[test]
fn of_a_hundred_placements_for_one_slot_exactly_one_wins() {
    let cluster = Cluster::start().unwrap();
    let addr = cluster.addr("banner-service").unwrap();
    let banner = json!({"title": "Race", "image_url": "https://example.com/a.png", "link": "https://example.com/"});
    let banner = http::post(addr, "/api/banners", &banner).send().unwrap();
    assert_eq!(banner.status, 201, "{}", banner.text());
    let path = format!("/api/banners/{}/placements", banner.json()["id"]);

    // Each shares some hours with each other one, and no two are the same.
    let placement = |n: usize| {
        json!({
            "platform": "DESKTOP", "slot": 6,
            "start": format!("2031-05-01T{:02}:{:02}:00Z", n / 60, n % 60),
            "end": format!("2031-05-02T{:02}:{:02}:00Z", n / 60, n % 60),
        })
    };
    let race: Vec<_> = (0..100)
        .map(|n| {
            let request = http::post(addr, path.as_str(), &placement(n));
            thread::spawn(move || request.send().unwrap())
        })
        .collect();
    let answers: Vec<_> = race
        .into_iter()
        .map(|racer| racer.join().unwrap())
        .collect();
    let won: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    assert_eq!(won.len(), 1);
    let winner: Value = won[0].json()["id"].clone();
    for lost in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(
            (lost.status, lost.is_problem()),
            (409, true),
            "{}",
            lost.text()
        );
        assert!(
            lost.json()["conflict"]["id"] == winner,
            "names the one in the way: {}",
            lost.text()
        );
    }
}
