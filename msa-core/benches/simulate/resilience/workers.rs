//! A server with so many workers and an endless queue in front of them, first come first served.

use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Workers {
    idle: usize,
    queue: VecDeque<usize>,
}

impl Workers {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            idle: number,
            queue: VecDeque::new(),
        }
    }

    pub(crate) fn queue(&mut self, job: usize) {
        self.queue.push_back(job);
    }

    /// The next job that a worker begins with.
    pub(crate) fn begin(&mut self) -> Option<usize> {
        if self.idle == 0 {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.idle -= 1;
        Some(job)
    }

    /// A worker is done with its job, or was told to leave it.
    pub(crate) fn done(&mut self) {
        self.idle += 1;
    }

    /// Takes a job out that no worker began; jobs are queued in the order of their numbers.
    pub(crate) fn forget(&mut self, job: usize) -> bool {
        let place = self.queue.iter().position(|queued| *queued == job);
        place.and_then(|place| self.queue.remove(place)).is_some()
    }
}
