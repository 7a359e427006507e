use std::collections::BTreeMap;
use std::num::NonZeroU8;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // read by the deserializer
struct Order {
    id: u32,
    email: String,
    items: Vec<Item>,
    when: Moment,
    #[serde(default)]
    note: Option<String>,
    paid: bool,
    way: Way,
    count: NonZeroU8,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)] // read by the deserializer
struct Item {
    #[serde(alias = "product")]
    sku: String,
    quantity: Quantity,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Quantity;

impl TryFrom<u32> for Quantity {
    type Error = &'static str;
    fn try_from(n: u32) -> Result<Self, &'static str> {
        match n {
            1..=1000 => Ok(Self),
            _ => Err("must be 1 to 1000"),
        }
    }
}

/// A text of a form that no stand-in has.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Moment;

impl TryFrom<String> for Moment {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        (text == "noon").then_some(Self).ok_or("must be noon")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)] // read by the deserializer
enum Way {
    Post,
    Carrier { name: String },
}

fn faults<T: DeserializeOwned>(body: &Value) -> Vec<(String, String)> {
    let told = of_json::<T>(body.to_string().as_bytes());
    let told = told.into_iter();
    told.map(|wrong| (crate::problem::field(&wrong.at), wrong.detail))
        .collect()
}

fn told<T: DeserializeOwned>(body: &Value) -> Vec<String> {
    faults::<T>(body)
        .into_iter()
        .map(|(field, detail)| format!("{field}: {detail}"))
        .collect()
}

fn good() -> Value {
    json!({
        "id": 1, "email": "a@b", "items": [{"sku": "a", "quantity": 1}], "when": "noon",
        "paid": true, "way": "post", "count": 1,
    })
}

fn with(changes: &Value) -> Value {
    let mut body = good();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn without(names: &[&str]) -> Value {
    let mut body = good();
    for name in names {
        body.as_object_mut().unwrap().remove(*name);
    }
    body
}

#[test]
fn what_is_right_has_no_faults() {
    assert_eq!(told::<Order>(&good()), [""; 0]);
    let way = json!({"way": {"carrier": {"name": "x"}}, "note": null});
    assert_eq!(told::<Order>(&with(&way)), [""; 0]);
}

#[test]
fn every_wrong_field_is_named_in_the_words_of_json() {
    let body = with(&json!({
        "id": "one", "email": 7, "paid": "yes", "way": "pigeon", "count": 0, "note": [],
        "items": [{"sku": "a", "quantity": 0}, {"sku": {}, "quantity": -1}, 3, {"quantity": 2.5}],
    }));
    assert_eq!(
        told::<Order>(&body),
        [
            "count: must be a whole number from 1 to 255, not 0",
            "email: must be a string, not 7",
            "id: must be a whole number from 0 to 4294967295, not a string",
            "items[0].quantity: must be 1 to 1000",
            "items[1].quantity: must be a whole number from 0 to 4294967295, not -1",
            "items[1].sku: must be a string, not an object",
            "items[2]: must be an object, not 3",
            "items[3].quantity: must be a whole number from 0 to 4294967295, not 2.5",
            "items[3].sku: is missing",
            "note: must be a string, not an array",
            "paid: must be true or false, not a string",
            "way: must be one of post, carrier",
        ]
    );
}

#[test]
fn every_missing_field_is_named_also_in_front_of_wrong_ones() {
    let mut body = without(&["email", "paid", "items", "count"]);
    body["id"] = json!(null);
    assert_eq!(
        told::<Order>(&body),
        [
            "id: must be a whole number from 0 to 4294967295, not null",
            "email: is missing",
            "items: is missing",
            "paid: is missing",
            "count: is missing",
        ]
    );
}

#[test]
fn a_text_that_nothing_stands_in_for_hides_only_what_else_is_missing() {
    let mut body = without(&["email", "paid"]);
    body["when"] = json!("midnight");
    body["count"] = json!(-1);
    assert_eq!(
        told::<Order>(&body),
        [
            "count: must be a whole number from 1 to 255, not -1",
            "when: must be noon",
            "email: is missing", // which stands before `when` in the type
        ]
    );
    let nested = json!([{"when": "midnight"}, {"id": "x"}]);
    let nested = told::<Vec<Order>>(&nested);
    assert!(
        nested
            .contains(&"[1].id: must be a whole number from 0 to 4294967295, not a string".into()),
        "the next object is looked at all the same: {nested:?}"
    );
}

#[test]
fn a_rule_for_the_whole_is_not_held_against_stand_ins() {
    /// Different numbers, and not more than two.
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Vec<u8>")]
    struct Different;
    impl TryFrom<Vec<u8>> for Different {
        type Error = &'static str;
        fn try_from(all: Vec<u8>) -> Result<Self, &'static str> {
            match all.as_slice() {
                [a, b] if a != b => Ok(Self),
                _ => Err("must be two different numbers"),
            }
        }
    }
    let whole = "must be a whole number from 0 to 255, not";
    assert_eq!(
        told::<Different>(&json!([-1, "x"])),
        [format!("[0]: {whole} -1"), format!("[1]: {whole} a string")]
    );
    assert_eq!(
        told::<Different>(&json!([1, 1])),
        [": must be two different numbers"]
    );
}

#[test]
fn what_is_unknown_is_named_with_what_may_have_been_meant() {
    let body = with(&json!({"emial": "x", "zzz": 1, "id": "x"}));
    assert_eq!(
        told::<Order>(&body),
        [
            "emial: is not known; did you mean email?",
            "id: must be a whole number from 0 to 4294967295, not a string",
            "zzz: is not known; known are id, email, items, when, note, paid, way, count",
        ]
    );
}

#[test]
fn what_is_there_twice_is_told_under_either_name() {
    for text in [
        r#"{"sku":"a","sku":"b","quantity":0}"#,
        r#"{"sku":"a","product":"b","quantity":0}"#,
    ] {
        let mut told: Vec<_> = of_json::<Item>(text.as_bytes())
            .into_iter()
            .map(|wrong| (crate::problem::field(&wrong.at), wrong.detail))
            .collect();
        told.sort();
        assert_eq!(
            told,
            [
                ("quantity".to_owned(), "must be 1 to 1000".to_owned()),
                ("sku".to_owned(), "is there twice".to_owned()),
            ],
            "{text}"
        );
    }
}

#[test]
fn no_name_of_rusts_is_told() {
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)] // read by the deserializer
    enum Any {
        One(u8),
        Two { x: u8 },
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind")]
    #[allow(dead_code)] // read by the deserializer
    enum Tagged {
        A { n: u16 },
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)] // read by the deserializer
    struct Flat {
        #[serde(flatten)]
        item: Item,
        pair: (u8, i8),
    }
    for told in [
        told::<Order>(&json!([])),
        told::<Order>(&json!(7)),
        told::<Order>(&with(&json!({"items": {"a": 1}}))),
        told::<Order>(&with(&json!({"way": {"carrier": []}}))),
        told::<Order>(&with(&json!({"way": {"post": 1}}))),
        told::<Any>(&json!("x")),
        told::<Tagged>(&json!({"kind": "A", "n": "x"})),
        told::<Tagged>(&json!({"kind": "B"})),
        told::<Tagged>(&json!(1)),
        told::<Flat>(&json!({"sku": 1, "quantity": "x", "pair": [1]})),
        told::<BTreeMap<u8, i64>>(&json!({"300": "x"})),
        told::<char>(&json!("ab")),
        told::<std::time::Duration>(&json!(1)),
    ] {
        assert!(!told.is_empty());
        for line in &told {
            for word in [
                "u8", "i8", "i64", "u16", "struct", "enum", "Order", "Item", "Any", "Tagged",
            ] {
                assert!(!line.contains(word), "{told:?}");
            }
        }
    }
    assert_eq!(told::<Order>(&json!([])), [": must be an object"],);
}

#[test]
fn a_query_is_told_all_of_its_faults() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)] // read by the deserializer
    struct Filter {
        platform: String,
        limit: Option<u16>,
        after: i64,
        all: bool,
    }
    let told: Vec<_> = of_query::<Filter>("limit=x&all=yes&platfrom=a&after=1.5")
        .into_iter()
        .map(|wrong| format!("{}: {}", crate::problem::field(&wrong.at), wrong.detail))
        .collect();
    assert_eq!(
        told,
        [
            "limit: must be a whole number from 0 to 65535",
            "all: must be true or false",
            "platfrom: is not known; did you mean platform?",
            "after: must be a whole number from -9223372036854775808 to 9223372036854775807",
            "platform: is missing",
        ]
    );
    assert_eq!(
        of_query::<Filter>("platform=a&after=1&all=true&limit=2"),
        []
    );
    assert_eq!(
        of_query::<Vec<(String, u8)>>("a=x"),
        [],
        "not this reader's"
    );
}

#[test]
fn a_hostile_body_is_told_a_bounded_number_of_faults() {
    let many = json!({"items": (0..2000).map(|_| json!({"quantity": 0})).collect::<Vec<_>>()});
    assert_eq!(told::<Order>(&many).len(), MAX_FAULTS);
    let large = format!("[{}]", "x,".repeat(LARGEST));
    assert_eq!(of_json::<Vec<u8>>(large.as_bytes()), []);
}

#[test]
fn a_message_of_another_reader_is_put_into_words() {
    let message = |text: &str| {
        let wrong = of_message(vec![Step::Index(1)], text);
        (crate::problem::field(&wrong.at), wrong.detail)
    };
    let at = |field: &str, detail: &str| (field.to_owned(), detail.to_owned());
    assert_eq!(
        message("missing field `a` at line 1 column 5"),
        at("[1].a", "is missing")
    );
    assert_eq!(
        message("invalid type: string \"x, expected y\", expected u8 at line 1 column 5"),
        at("[1]", "must be a whole number from 0 to 255")
    );
    assert_eq!(message("must be noon"), at("[1]", "must be noon"));
}
