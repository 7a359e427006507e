//! What callers may send, and what they are told when it is wrong.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::fixture::{Fixture, placement};

const NINE: &str = "2026-07-01T09:00:00Z";
const TEN: &str = "2026-07-01T10:00:00Z";

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_platform_has_its_slots() {
    let slots = Fixture::sqlite().await.get("/api/slots").await.json;
    let items = slots["items"].as_array().unwrap();
    assert_eq!(items.len(), 12);
    assert_eq!(items[0], json!({"platform": "MOBILE", "slot": 1}));
    assert_eq!(items[11], json!({"platform": "DESKTOP", "slot": 6}));
}

#[tokio::test]
async fn a_wrong_placement_is_422_and_names_the_fields() {
    let service = Fixture::sqlite().await;
    let path = format!("/api/banners/{}/placements", service.banner("Sale").await);
    for (body, wrong) in [
        (placement("TABLET", 1, NINE, TEN), vec!["platform"]),
        (placement("MOBILE", 0, NINE, TEN), vec!["slot"]),
        (placement("MOBILE", 7, NINE, TEN), vec!["slot"]),
        (placement("MOBILE", 1, TEN, NINE), vec!["end"]),
        (placement("MOBILE", 1, NINE, NINE), vec!["end"]),
        (
            placement("mobile", -1, TEN, NINE),
            vec!["platform", "slot", "end"],
        ),
        (
            placement("MOBILE", 1, "2026-07-01T09:00:00", TEN),
            vec!["start"],
        ),
        (placement("MOBILE", 1, NINE, "tomorrow"), vec!["end"]),
        (
            placement("MOBILE", 1, "1066-10-14T09:00:00Z", TEN),
            vec!["start"],
        ),
        (
            json!({"platform": "MOBILE", "slot": "1", "start": NINE, "end": TEN}),
            vec!["slot"],
        ),
        (
            json!({"platform": "MOBILE", "slot": 4_294_967_297_i64, "start": NINE, "end": TEN}),
            vec!["slot"],
        ),
        (
            json!({"platform": "MOBILE", "slot": 1, "start": 1_751_360_400, "end": TEN}),
            vec!["start"],
        ),
    ] {
        let answer = service.post(&path, &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.json);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(fields(&answer.json), wrong, "{body}");
    }
}

#[tokio::test]
async fn a_wrong_banner_is_422_and_names_the_fields() {
    let service = Fixture::sqlite().await;
    let body = json!({"title": "", "image_url": "javascript:alert(1)", "link": "example.com"});
    let answer = service.post("/api/banners", &body).await;
    assert_eq!(answer.status, 422);
    assert_eq!(fields(&answer.json), ["title", "image_url", "link"]);
}

#[tokio::test]
async fn what_is_missing_unknown_or_of_the_wrong_type_is_named_all_at_once() {
    let service = Fixture::sqlite().await;
    let body = json!({"titel": "Sale", "image_url": 7});
    let answer = service.post("/api/banners", &body).await;
    assert_eq!(answer.status, 422);
    let expected = json!([
        {"field": "image_url", "pointer": "#/image_url", "detail": "must be a string, not 7"},
        {"field": "titel", "pointer": "#/titel", "detail": "is not known; did you mean title?"},
        {"field": "title", "pointer": "#/title", "detail": "is missing"},
        {"field": "link", "pointer": "#/link", "detail": "is missing"},
    ]);
    assert_eq!(answer.json["errors"], expected);
    let answer = service.post("/api/banners", &json!([1, 2, 3])).await;
    assert!(
        !answer.json.to_string().contains("BannerDraft"),
        "{}",
        answer.json
    );
}

#[tokio::test]
async fn what_is_not_json_is_told_so() {
    let service = Fixture::sqlite().await;
    let post = |content_type: &str, body: &'static str| {
        Request::post("/api/banners")
            .header("content-type", content_type)
            .body(Body::from(body))
    };
    for (request, status) in [
        (post("application/json", "{"), 400),
        (post("application/json", ""), 400),
        (post("application/json", "[]"), 422),
        (post("text/plain", "{}"), 415),
    ] {
        let answer = service.send(request.unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.json);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn a_wrong_query_is_told_what_is_wrong() {
    let service = Fixture::sqlite().await;
    for (path, word) in [
        ("/api/banners/active", "platform"),
        ("/api/banners/active?platform=TV", "platform"),
        (
            "/api/banners/active?platform=MOBILE&at=2026-07-01T09:00:00",
            "zone",
        ),
        (
            "/api/banners/active?platform=MOBILE&at=2026-07-01T09:00:00+02:00",
            "%2B",
        ),
        ("/api/placements?platform=TV", "platform"),
        ("/api/placements?slot=99", "slot"),
        ("/api/placements?limit=0", "limit"),
        ("/api/banners?limit=201", "limit"),
        ("/api/banners?limit=x", "limit"),
        ("/api/banners?limit=1&afetr=2", "did you mean after"),
        ("/api/placements?plaftorm=MOBILE", "did you mean platform"),
        (
            "/api/banners/active?plattform=MOBILE",
            "did you mean platform",
        ),
        ("/api/banners/seven", "whole number"),
    ] {
        let answer = service.get(path).await;
        // A path that cannot be read is 400, a query 422.
        let expected = if path.ends_with("seven") { 400 } else { 422 };
        assert_eq!(answer.status, expected, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(
            answer.json.to_string().contains(word),
            "{path}: {}",
            answer.json
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let service = Fixture::sqlite().await;
    for (path, what) in [
        ("/api/banners/7", "banner 7"),
        ("/api/placements/-1", "placement -1"),
    ] {
        let answer = service.get(path).await;
        assert_eq!(answer.status, 404);
        assert!(
            answer.json["detail"].as_str().unwrap().contains(what),
            "{}",
            answer.json
        );
    }
}

#[tokio::test]
async fn text_that_looks_like_sql_or_markup_comes_back_as_it_was() {
    let service = Fixture::sqlite().await;
    let title = "'); DROP TABLE banners; -- <script>alert(1)</script> \u{1f680}";
    let id = service.banner(title).await;
    assert_eq!(
        service.get(&format!("/api/banners/{id}")).await.json["title"],
        title
    );
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let service = Fixture::sqlite().await;
    let answer = service
        .send(
            Request::builder()
                .method(Method::GET)
                .uri("/")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let page = include_str!("../../src/page.html");
    assert!(
        !page.contains("src=\"http") && !page.contains("href=\"http") && !page.contains("@import")
    );
}
