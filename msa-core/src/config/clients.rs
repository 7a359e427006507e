//! `[client]` as the defaults of `[clients.<service>]`.

use figment::value::{Dict, Tag, Value};

/// Fills what `clients.<service>` leaves open from `client`.
pub(super) fn filled(mut tree: Value) -> Value {
    let Value::Dict(_, table) = &mut tree else {
        return tree;
    };
    let defaults = table.get("client").cloned();
    if let (Some(defaults), Some(Value::Dict(_, clients))) = (defaults, table.get_mut("clients")) {
        for client in clients.values_mut() {
            let own = std::mem::replace(client, Value::Dict(Tag::Default, Dict::new()));
            *client = overlay(defaults.clone(), own);
        }
    }
    tree
}

fn overlay(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Dict(_, mut below), Value::Dict(tag, above)) => {
            for (key, value) in above {
                let merged = match below.remove(&key) {
                    Some(old) => overlay(old, value),
                    None => value,
                };
                below.insert(key, merged);
            }
            Value::Dict(tag, below)
        }
        (_, above) => above,
    }
}
