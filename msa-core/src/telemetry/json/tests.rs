use std::io;
use std::sync::Mutex;

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::txn::{Gtxid, Txn};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn lines(work: impl FnOnce()) -> Vec<Value> {
    let lines = Lines::default();
    let json = Json::new("shop");
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(lines.clone())
        .event_format(json.clone())
        .fmt_fields(json);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_inside_a_request_carries_the_transaction() {
    let txn = Txn::root("abc".parse::<Gtxid>().unwrap());
    let lines = lines(|| {
        txn::sync_scope(
            txn.clone(),
            || tracing::info!(target: "here", status = 200_u16, ms = 1.5, "request"),
        );
        tracing::info!("outside");
    });
    let [inside, outside] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!(
        (&inside["gtxid"], &inside["ltxid"], &inside["branch"]),
        (&"abc".into(), &1.into(), &"1".into())
    );
    let span = txn.span();
    assert_eq!(inside["trace_id"], format!("{:032x}", span.trace_id()));
    assert_eq!(inside["span_id"], format!("{:016x}", span.span_id()));
    assert_eq!(
        (&inside["service"], &inside["target"]),
        (&"shop".into(), &"here".into())
    );
    assert_eq!(
        (&inside["status"], &inside["ms"], &inside["message"]),
        (&200.into(), &1.5.into(), &"request".into())
    );
    assert!(outside.get("gtxid").is_none());
}

#[test]
fn hostile_text_stays_inside_its_string() {
    let hostile =
        "a\"b\\c\n{\"level\":\"ERROR\"}\r\u{1b}[2J\u{9b}\0\u{202e}gpj\u{2066}\u{2028}\u{feff}";
    let lines =
        lines(|| tracing::info!(hostile, debug = ?hostile, shown = %hostile, nan = f64::NAN));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["hostile"], hostile);
    assert_eq!(lines[0]["shown"], hostile);
    assert_eq!(lines[0]["nan"], Value::Null);
}

#[test]
fn what_would_change_how_a_line_is_shown_is_escaped() {
    for character in [
        '\u{1b}', '\u{9b}', '\n', '\u{202e}', '\u{2066}', '\u{2029}', '\u{200b}', '\u{feff}',
    ] {
        let mut text = String::new();
        string(&mut text, &format!("a{character}b")).unwrap();
        assert!(!text.contains(character), "{text:?}");
        let read: String = serde_json::from_str(&text).unwrap();
        assert_eq!(read, format!("a{character}b"));
    }
    let mut text = String::new();
    string(&mut text, "한국어 \u{5d0}").unwrap();
    assert_eq!(text, "\"한국어 \u{5d0}\"", "plain text stays as it is");
}

#[test]
fn a_field_cannot_pass_for_one_of_the_lines_own() {
    let lines = lines(|| tracing::info!(service = "other", level = "none", "hello"));
    assert_eq!(
        (&lines[0]["service"], &lines[0]["level"]),
        (&"shop".into(), &"INFO".into())
    );
    assert_eq!(
        (&lines[0]["fields.service"], &lines[0]["fields.level"]),
        (&"other".into(), &"none".into())
    );
}

#[test]
fn a_request_has_its_handlers_name_once_that_began() {
    let txn = Txn::begin();
    let lines = lines(|| {
        txn::sync_scope(txn.clone(), || {
            tracing::info!("before");
            txn.handled_by("orders::place");
            tracing::info!(handler = "mine", "within");
        });
    });
    assert_eq!(lines[0].get("handler"), None);
    let within = (&lines[1]["handler"], &lines[1]["fields.handler"]);
    assert_eq!(within, (&"orders::place".into(), &"mine".into()));
}

#[test]
fn the_fields_of_the_spans_around_follow() {
    let lines = lines(|| {
        tracing::info_span!("job", kind = "import", n = 3).in_scope(|| tracing::info!("go"))
    });
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["n"]),
        (&"import".into(), &3.into())
    );
}
