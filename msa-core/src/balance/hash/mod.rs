//! Consistent hashing: a key goes to the same endpoint as long as that one is there.
//!
//! For services that keep something per key in memory, a cache or a session. Ring hash and Maglev differ in their table only; the walk
//! along it is [`ConsistentHash`].

mod consistent;
mod maglev_table;
mod name;
mod ring_table;
mod total;
mod xxh64;

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests;

pub use consistent::{ConsistentHash, Maglev, RingHash};
pub use maglev_table::{MAGLEV_TABLE_SIZE, MaglevTable};
pub use ring_table::{RingSize, RingTable};
pub use xxh64::hash_key;

pub(super) use name::hashed_name;
pub(super) use xxh64::xxh64;
