//! An order on its way: what the client asks for, and what order-service is told.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop::items::Items;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) user_id: i64,
    pub(crate) items: Items,
}

/// A user, as far as an order names one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct User {
    id: i64,
    name: String,
}

/// What order-service is to place.
#[derive(Debug, Serialize)]
pub(crate) struct Draft {
    pub(crate) user: User,
    pub(crate) items: Items,
    pub(crate) banner: Value,
}
