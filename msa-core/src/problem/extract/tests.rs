use axum::body::Body;
use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Debug, Deserialize)]
struct Order {
    #[allow(dead_code)] // read by the deserializer
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[allow(dead_code)] // read by the deserializer
    quantity: u32,
}

async fn rejection(content_type: &str, body: &str) -> (u16, Value) {
    let request = Request::post("/")
        .header("content-type", content_type)
        .body(Body::from(body.to_owned()));
    let rejected = <Json<Order> as FromRequest<()>>::from_request(request.unwrap(), &())
        .await
        .unwrap_err();
    (rejected.status().as_u16(), rejected.to_json())
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_path() {
    let (status, document) = rejection(
        "application/json",
        r#"{"items":[{"quantity":1},{"quantity":"two"}]}"#,
    )
    .await;
    assert_eq!(status, 422);
    assert_eq!(document["errors"][0]["pointer"], "#/items/1/quantity");
    assert_eq!(document["errors"][0]["field"], "items[1].quantity");
}

#[tokio::test]
async fn all_that_is_wrong_and_missing_is_named() {
    let body = r#"{"items":[{},{"quantity":"two"},{"quantity":-1}]}"#;
    let (status, document) = rejection("application/json", body).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "#/items/0/quantity",
            "#/items/1/quantity",
            "#/items/2/quantity"
        ]
    );
    assert_eq!(document["errors"][0]["detail"], "is missing");
}

#[tokio::test]
async fn of_a_large_body_the_first_fault_is_named_in_the_same_words() {
    let body = format!(
        r#"{{"items":[{}{{}},{{"quantity":-1}}]}}"#,
        r#"{"quantity":1},"#.repeat(10_000)
    );
    let (_, document) = rejection("application/json", &body).await;
    let expected = serde_json::json!([{
        "field": "items[10000].quantity", "pointer": "#/items/10000/quantity", "detail": "is missing",
    }]);
    assert_eq!(document["errors"], expected);
}

#[tokio::test]
async fn a_wrong_parameter_of_the_path_is_named() {
    use axum::routing::get;
    use tower::ServiceExt as _;

    let router = axum::Router::new()
        .route("/one/{id}", get(async |_: Path<u32>| ()))
        .route("/two/{kind}/{id}", get(async |_: Path<(String, i8)>| ()))
        .route("/item/{quantity}", get(async |_: Path<Item>| ()));
    let whole = "must be a whole number from 0 to 4294967295";
    for (path, name, detail) in [
        ("/one/x", "id", whole),
        (
            "/two/a/200",
            "id",
            "must be a whole number from -128 to 127",
        ),
        ("/item/-1", "quantity", whole),
        (
            "/two/%ff/1",
            "kind",
            "must be UTF-8 once its percent signs are decoded",
        ),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let body = axum::body::to_bytes(response.into_body(), 4096).await;
        let document: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        let expected = serde_json::json!([{"field": name, "parameter": name, "detail": detail}]);
        assert_eq!(document["errors"], expected, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_parameter_of_the_query_is_named() {
    for (query, detail) in [
        (
            "quantity=two",
            "must be a whole number from 0 to 4294967295",
        ),
        ("", "is missing"),
    ] {
        let (mut parts, ()) = Request::get(format!("/?{query}"))
            .body(())
            .unwrap()
            .into_parts();
        let rejected = Query::<Item>::from_request_parts(&mut parts, &())
            .await
            .unwrap_err();
        assert_eq!(rejected.status(), 422);
        let errors = &rejected.to_json()["errors"];
        assert_eq!(
            *errors,
            serde_json::json!([{"field": "quantity", "parameter": "quantity", "detail": detail}])
        );
    }
}

#[tokio::test]
async fn what_is_not_json_is_400_and_what_does_not_say_so_415() {
    assert_eq!(rejection("application/json", "{").await.0, 400);
    assert_eq!(rejection("application/json", "").await.0, 400);
    assert_eq!(
        rejection("application/json; charset=utf-8", r#"{"items":[]} x"#)
            .await
            .0,
        400
    );
    assert_eq!(
        rejection("application/vnd.shop+json", r#"{"items":1}"#)
            .await
            .0,
        422
    );
    assert_eq!(rejection("text/plain", r#"{"items":[]}"#).await.0, 415);
}
