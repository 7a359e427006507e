//! The right to run.

use std::fmt;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::bulkhead::Shared;

/// The right to run one call; given back when dropped.
#[must_use = "the permit is given back when it is dropped"]
pub struct Permit<'a>(&'a Arc<Shared>);

impl<'a> Permit<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The same permit without the borrow, to be kept in a body or a task. One atomic increment.
    pub fn into_owned(self) -> OwnedPermit {
        OwnedPermit(ManuallyDrop::new(self).0.clone())
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// A [`Permit`] that borrows nothing.
#[must_use = "the permit is given back when it is dropped"]
pub struct OwnedPermit(Arc<Shared>);

impl Drop for OwnedPermit {
    #[inline]
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedPermit")
    }
}
