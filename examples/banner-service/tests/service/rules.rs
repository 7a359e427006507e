//! What holds with either database.

use banner_service::seed::seed;
use serde_json::{Value, json};

use crate::fixture::{Fixture, banner, placement};

const NINE: &str = "2026-07-01T09:00:00Z";
const TEN: &str = "2026-07-01T10:00:00Z";
const ELEVEN: &str = "2026-07-01T11:00:00Z";

pub(crate) async fn a_banner_lives_its_life(service: &Fixture) {
    let added = service.post("/api/banners", &banner("  Sale ")).await;
    assert_eq!(added.status, 201);
    assert_eq!(added.json["title"], "Sale");
    let path = added.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(service.get(&path).await.json, added.json);

    let changed = service.put(&path, &banner("Late sale")).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.json["title"]),
        (200, &json!("Late sale"))
    );

    // One banner on both platforms, and once more later.
    let placements = format!("{path}/placements");
    for draft in [
        placement("MOBILE", 2, "2026-07-01T11:00:00.5+02:00", TEN),
        placement("DESKTOP", 6, NINE, TEN),
        placement("MOBILE", 2, ELEVEN, "2026-07-01T12:00:00Z"),
    ] {
        let placed = service.post(&placements, &draft).await;
        assert_eq!(placed.status, 201, "{}", placed.json);
    }

    let active = "/api/banners/active?platform=MOBILE&at=";
    let at = |answer: &Value| {
        let items = answer["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["slot"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        at(&service.get(&format!("{active}{NINE}")).await.json),
        [0; 0]
    );
    let shown = service
        .get(&format!("{active}2026-07-01T09:00:00.5Z"))
        .await
        .json;
    assert_eq!(at(&shown), [2]);
    assert_eq!(shown["items"][0]["banner"], changed.json);
    assert_eq!(shown["items"][0]["start"], "2026-07-01T09:00:00.5Z");
    assert_eq!(
        at(&service.get(&format!("{active}{TEN}")).await.json),
        [0; 0]
    );
    assert_eq!(
        at(&service.get(&format!("{active}{ELEVEN}")).await.json),
        [2]
    );

    assert_eq!(service.delete(&path).await.status, 204);
    assert_eq!(service.get(&path).await.status, 404);
    assert_eq!(service.put(&path, &banner("x")).await.status, 404);
    assert_eq!(service.delete(&path).await.status, 404);
    assert_eq!(
        service.get("/api/placements").await.json["items"],
        json!([])
    );
    let orphan = service
        .post(&placements, &placement("MOBILE", 1, NINE, TEN))
        .await;
    assert_eq!(orphan.status, 404);
    assert!(
        orphan.json["detail"].as_str().unwrap().contains("banner"),
        "{}",
        orphan.json
    );
}

pub(crate) async fn placements_that_only_touch_do_not_overlap(service: &Fixture) {
    let path = format!("/api/banners/{}/placements", service.banner("Sale").await);
    let early = service
        .post(&path, &placement("MOBILE", 1, NINE, TEN))
        .await;
    let late = service
        .post(&path, &placement("MOBILE", 1, TEN, ELEVEN))
        .await;
    assert_eq!((early.status.as_u16(), late.status.as_u16()), (201, 201));

    // In front, behind, inside, around, the same: all in the way of each other.
    for (start, end) in [
        ("2026-07-01T08:00:00Z", "2026-07-01T09:00:00.000001Z"),
        ("2026-07-01T09:59:59.999999Z", TEN),
        ("2026-07-01T09:20:00Z", "2026-07-01T09:40:00Z"),
        ("2026-07-01T08:00:00Z", "2026-07-01T12:00:00Z"),
        (NINE, TEN),
    ] {
        let refused = service
            .post(&path, &placement("MOBILE", 1, start, end))
            .await;
        assert_eq!(refused.status, 409, "{start} {end}");
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        assert_eq!(refused.json["conflict"], early.json, "{start} {end}");
    }
    for elsewhere in [
        placement("MOBILE", 2, NINE, TEN),
        placement("DESKTOP", 1, NINE, TEN),
    ] {
        assert_eq!(service.post(&path, &elsewhere).await.status, 201);
    }

    let early_path = format!("/api/placements/{}", early.json["id"]);
    let moved = service
        .put(&early_path, &placement("MOBILE", 1, NINE, ELEVEN))
        .await;
    assert_eq!(
        (moved.status.as_u16(), &moved.json["conflict"]),
        (409, &late.json)
    );
    // A placement is not in its own way.
    let shorter = service
        .put(
            &early_path,
            &placement("MOBILE", 1, "2026-07-01T09:30:00Z", TEN),
        )
        .await;
    assert_eq!(
        (shorter.status.as_u16(), &shorter.json["id"]),
        (200, &early.json["id"])
    );
    assert_eq!(service.get(&early_path).await.json, shorter.json);

    assert_eq!(service.delete(&early_path).await.status, 204);
    assert_eq!(service.delete(&early_path).await.status, 404);
    assert_eq!(
        service
            .put(&early_path, &placement("MOBILE", 3, NINE, TEN))
            .await
            .status,
        404
    );
    assert_eq!(
        service
            .post(&path, &placement("MOBILE", 1, NINE, TEN))
            .await
            .status,
        201
    );
}

pub(crate) async fn lists_come_in_parts_and_can_be_narrowed(service: &Fixture) {
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(service.banner(&format!("Banner {number}")).await);
    }
    let (mut seen, mut after) = (Vec::new(), json!(0));
    while !after.is_null() {
        let part = service
            .get(&format!("/api/banners?limit=2&after={after}"))
            .await
            .json;
        let items = part["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        after = part["next"].clone();
    }
    assert_eq!(seen, ids);

    for (banner, platform, slot, start, end) in [
        (ids[0], "MOBILE", 1, NINE, TEN),
        (ids[0], "DESKTOP", 1, NINE, TEN),
        (ids[1], "MOBILE", 2, TEN, ELEVEN),
    ] {
        let path = format!("/api/banners/{banner}/placements");
        let placed = service
            .post(&path, &placement(platform, slot, start, end))
            .await;
        assert_eq!(placed.status, 201);
    }
    for (query, expected) in [
        (String::new(), 3),
        ("platform=MOBILE".to_owned(), 2),
        ("slot=1".to_owned(), 2),
        ("platform=MOBILE&slot=2".to_owned(), 1),
        (format!("banner_id={}", ids[0]), 2),
        (format!("from={TEN}"), 1),
        (format!("to={TEN}"), 2),
        (format!("from={NINE}&to=2026-07-01T10:30:00Z"), 3),
        ("after=9223372036854775807".to_owned(), 0),
    ] {
        let list = service.get(&format!("/api/placements?{query}")).await;
        assert_eq!(list.status, 200, "{query}: {}", list.json);
        assert_eq!(
            list.json["items"].as_array().unwrap().len(),
            expected,
            "{query}"
        );
    }
}

pub(crate) async fn of_a_hundred_that_want_one_slot_exactly_one_gets_it(service: &Fixture) {
    let path = format!("/api/banners/{}/placements", service.banner("Sale").await);
    let answers = service
        .at_once(100, &path, &placement("DESKTOP", 3, NINE, TEN))
        .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    assert_eq!(lost.len(), 99);
    for answer in lost {
        assert_eq!(answer.status, 409, "{}", answer.json);
        assert_eq!(answer.json["conflict"], won[0].json);
    }
    let kept = service.get("/api/placements").await.json;
    assert_eq!(kept["items"], json!([won[0].json]));
}

pub(crate) async fn seeding_twice_adds_once(service: &Fixture) {
    let now = "2026-07-01T12:34:56Z".parse().unwrap();
    assert_eq!(
        seed(&service.store, &service.settings, now).await.unwrap(),
        4
    );
    assert_eq!(
        seed(&service.store, &service.settings, now).await.unwrap(),
        0
    );
    let active = service
        .get("/api/banners/active?platform=DESKTOP&at=2026-07-01T12:34:56Z")
        .await;
    assert_eq!(active.json["items"][0]["banner"]["title"], "Summer sale");
}
