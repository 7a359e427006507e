//! Everything that is wrong with a body or a query, not only what the parser met first.
//!
//! serde stops at the first error. So what could not be read is read again, each time with the last fault mended: a wrong
//! value is replaced by a stand-in of the type that is asked for there, a missing one is added, an unknown or repeated one
//! left out. That needs nothing of the type but `Deserialize`, and costs nothing until a request is wrong.
//!
//! What no stand-in fits (a text that must be some token, say) is left out. Its object is then incomplete, and what else
//! is *missing* from that one object is only told once the value is right. [`MAX_FAULTS`] and [`WORK`] bound what a hostile body
//! can make of this.

mod access;
mod cursor;
mod fault;
mod node;
mod repairs;
mod words;

use serde::de::DeserializeOwned;

use self::cursor::Cursor;
use self::fault::Fault;
pub(super) use self::fault::Step;
use self::node::Node;
use self::repairs::Repairs;

/// One thing that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: Vec<Step>,
    pub(super) detail: String,
}

/// Faults told of one request, at most.
const MAX_FAULTS: usize = 16;

/// Bytes read for one request, at most, over all of its repetitions.
const WORK: usize = 1 << 20;

/// Repetitions, at most.
const RUNS: usize = 256;

/// A larger body is told its first fault only: its tree would take several times its size.
const LARGEST: usize = 64 << 10;

/// What keeps a JSON text from being a `T`. Nothing when it is too large to look for more than the first, or when this
/// reader knows no better than the one that refused it.
pub(super) fn of_json<T: DeserializeOwned>(body: &[u8]) -> Vec<Wrong> {
    if body.len() > LARGEST {
        return Vec::new();
    }
    match serde_json::from_slice(body) {
        Ok(node) => all::<T>(&node, body.len()),
        Err(_) => Vec::new(),
    }
}

/// What keeps the pairs of a query from being a `T`.
pub(super) fn of_query<T: DeserializeOwned>(query: &str) -> Vec<Wrong> {
    if query.len() > LARGEST {
        return Vec::new();
    }
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let pairs = pairs.map(|(name, value)| (name.into_owned(), Node::Parameter(value.into_owned())));
    all::<T>(&Node::Query(pairs.collect()), query.len())
}

/// What one message of serde's, of a reader that stopped at the first fault, means to whoever sent the request.
pub(super) fn of_message(mut at: Vec<Step>, message: &str) -> Wrong {
    let (field, detail) = words::message(message);
    at.extend(field.map(|name| Step::Key(name.to_owned())));
    Wrong { at, detail }
}

/// What a parameter must be, that could not be parsed as one of Rust's types.
pub(super) fn must_be(rust_type: &str) -> String {
    format!("must be {}", words::expected(rust_type))
}

fn all<T: DeserializeOwned>(root: &Node, size: usize) -> Vec<Wrong> {
    let mut repairs = Repairs::default();
    let mut wrong = Vec::new();
    for _ in 0..(WORK / (size + 1)).clamp(1, RUNS) {
        let Err(fault) = T::deserialize(Cursor::new(root, &repairs)) else {
            break;
        };
        let Fault { mut path, kind } = fault;
        path.reverse();
        if !repairs.reach(&path)
            && let Some(detail) = kind.detail()
        {
            let at = path.clone();
            let fault = Wrong { at, detail };
            if !wrong.contains(&fault) {
                wrong.push(fault);
            }
        }
        if wrong.len() == MAX_FAULTS || !repairs.mend(&path, &kind) {
            break;
        }
    }
    wrong
}

#[cfg(test)]
mod tests;
