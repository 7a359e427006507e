//! The atomics and locks that the lock-free cores stand on: the standard library's, or loom's model of them.
//!
//! `RUSTFLAGS="--cfg msa_loom" cargo test -p msa-core --lib --release -- loom` runs every interleaving of the tests named
//! `loom`, in a target folder of its own. Loom's types work inside a model only, so all other tests are left out then. A core
//! that wants to be checked takes its atomics from here, and constructs them at run time (loom's have no `const fn new`).

#[cfg(not(msa_loom))]
#[allow(unused_imports)] // one of the two sets always has a name more
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};

#[cfg(msa_loom)]
#[allow(unused_imports)] // one of the two sets always has a name more
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
