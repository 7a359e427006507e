//! Every child process, so that an interrupted program leaves none behind.

use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::Error;

pub(crate) type SharedChild = Arc<Mutex<Child>>;

#[derive(Default)]
struct Children {
    running: Vec<Weak<Mutex<Child>>>,
    closed: bool,
}

static CHILDREN: Mutex<Children> = Mutex::new(Children {
    running: Vec::new(),
    closed: false,
});

/// Kills every child and lets no further one start. Whoever waits for a child then gets [`Error::Died`], cleans up and
/// returns, which leaves temporary folders to their owners.
pub fn interrupt() {
    let mut children = lock(&CHILDREN);
    children.closed = true;
    for child in children
        .running
        .drain(..)
        .filter_map(|child| child.upgrade())
    {
        // std signals no child that it has waited for, so this reaches no stranger; an ended one is what is wanted.
        let _ = lock(&child).kill();
    }
}

/// Whether [`interrupt`] was called.
#[must_use]
pub fn interrupted() -> bool {
    lock(&CHILDREN).closed
}

/// Starts a child; under the lock, so that no interruption comes between its start and its entry here.
pub(crate) fn spawn(command: &mut Command, service: &str) -> Result<SharedChild, Error> {
    let mut children = lock(&CHILDREN);
    if children.closed {
        return Err(Error::Interrupted);
    }
    let child = command.spawn();
    let child = child.map_err(Error::io(format!("cannot start {service}")))?;
    let child = Arc::new(Mutex::new(child));
    children.running.retain(|child| child.strong_count() > 0);
    children.running.push(Arc::downgrade(&child));
    Ok(child)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
