//! Cache: the last answer for the same key is given again while it is young.
//!
//! For what is asked often and changes seldom: it spares the callee calls, and the caller waiting. It shows answers that are as old as
//! the rules allow, to everybody who asks with the same key; so whatever an answer depends on must be part of the key (the user, too,
//! when users see different things). Only good answers are kept. It is usually met as a part of a [`Policy`](super::policy::Policy):
//! [`PolicyCall::cached`](super::policy::PolicyCall::cached), which also makes callers with the same key share one call under way, or
//! as the attribute `#[cached]`.
//!
//! ```
//! use msa_core::clock;
//! use msa_core::resilience::cache::{Cache, CacheRules};
//! use std::time::Duration;
//!
//! let prices = Cache::new();
//! let rules = CacheRules { ttl: Duration::from_secs(30), max_entries: 1000 };
//! let now = clock::now();
//! prices.put("sku-1", 7, rules, now);
//! assert_eq!(prices.get(&"sku-1", rules, now + Duration::from_secs(29)), Some(7));
//! assert_eq!(prices.get(&"sku-1", rules, now + Duration::from_secs(30)), None);
//! ```
//!
//! # Settings
//!
//! | key below `policies.<name>` | default | meaning |
//! | --- | --- | --- |
//! | `cached.enabled` | `true` | whether answers are kept and given again |
//! | `cached.ttl` | `30s` | how old an answer may be that is given again |
//! | `cached.max_entries` | `1000` | how many are kept; the oldest goes first |

mod cache;

pub use cache::{Cache, CacheRules};
