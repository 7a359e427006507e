//! Standard output, written without ever waiting for who reads it.
//!
//! A line is written by the thread that logs it, as long as that cannot block: what a process says last before it dies is then out, and
//! nothing is paid for a thread in between. Only a pipe or a socket can block, when its reader stalls; so the system is asked first, once
//! for every 4096 bytes (`PIPE_BUF`: that much fits into a pipe that is writable at all). Where there is no room, lines wait in a bounded
//! buffer for a thread that blocks in their stead, and what does not fit into that is lost and counted. Without this a stalled reader
//! stops the whole service: every worker ends up in `write(2)`.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// What waits while nobody reads, a few thousand lines; the thread may have as much again in hand.
const WAITING: usize = 1024 * 1024;

/// What fits into a pipe that is writable (POSIX: at least 512; 4096 on Linux, 512 on macOS).
const FITS: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Where lines go. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Output(Arc<Shared>);

struct Shared {
    sink: Box<dyn Sink>,
    state: Mutex<State>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// So many bytes can be written without asking.
    room: usize,
    /// Lines that wait for the thread; while it is there, every line does, so that their order stays.
    waiting: Vec<u8>,
    is_behind: bool,
}

/// What is written to.
trait Sink: Send + Sync + 'static {
    /// How much can be written now without waiting; `usize::MAX` where writing never waits.
    fn room(&self) -> usize;

    /// Writes all of it, however long that takes.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
}

impl Output {
    pub(super) fn stdout() -> Self {
        Self::to(Box::new(system::Stdout::new()))
    }

    fn to(sink: Box<dyn Sink>) -> Self {
        Self(Arc::new(Shared {
            sink,
            state: Mutex::default(),
            lost: AtomicU64::new(0),
        }))
    }

    /// Lines that were lost since nobody read.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Whether lines wait for somebody who reads.
    pub(super) fn is_behind(&self) -> bool {
        self.0.state().is_behind
    }

    fn line(&self, line: &[u8]) -> io::Result<()> {
        let mut state = self.0.state();
        if !state.is_behind {
            if state.room < line.len() {
                state.room = self.0.sink.room();
            }
            if let Some(left) = state.room.checked_sub(line.len()) {
                state.room = left;
                return self.0.sink.write(line);
            }
            self.fall_behind(&mut state)?;
        }
        if state.waiting.len() + line.len() <= WAITING {
            state.waiting.extend_from_slice(line);
        } else {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Starts the thread that waits in place of those who log.
    #[cold]
    fn fall_behind(&self, state: &mut State) -> io::Result<()> {
        let shared = self.0.clone();
        let before = self.lost();
        let thread = std::thread::Builder::new().name("msa-log".into());
        thread.spawn(move || {
            shared.catch_up();
            let lost = shared.lost.load(Ordering::Relaxed) - before;
            if lost > 0 {
                tracing::warn!(target: "msa::log", lost, "lines of the log were lost: nobody read standard output");
            }
        })?;
        state.is_behind = true;
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits until nothing does.
    fn catch_up(&self) {
        let mut writing = Vec::new();
        loop {
            {
                let mut state = self.state();
                writing.clear();
                std::mem::swap(&mut writing, &mut state.waiting);
                if writing.is_empty() {
                    state.is_behind = false;
                    state.room = 0;
                    state.waiting = Vec::new();
                    return;
                }
            }
            if self.sink.write(&writing).is_err() {
                // Nobody will ever read it.
                let lines = writing.iter().filter(|byte| **byte == b'\n').count();
                self.lost.fetch_add(lines as u64, Ordering::Relaxed);
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

/// Whoever formats a line writes it in one piece.
impl io::Write for &Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.line(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileTypeExt as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    use super::{FITS, Sink};

    /// The descriptor itself: the standard library's own lock may be held by a `println!` that waits.
    pub(super) struct Stdout {
        waits: bool,
    }

    impl Stdout {
        pub(super) fn new() -> Self {
            let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
            let kind = stdout.and_then(|file| file.metadata());
            let waits = |kind: std::fs::FileType| kind.is_fifo() || kind.is_socket();
            // What cannot be looked at is asked each time.
            let waits = kind.map_or(true, |kind| waits(kind.file_type()));
            Self { waits }
        }
    }

    impl Sink for Stdout {
        fn room(&self) -> usize {
            if !self.waits {
                return usize::MAX;
            }
            let stdout = io::stdout();
            let mut asked = [PollFd::new(&stdout, PollFlags::OUT)];
            let now = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            match poll(&mut asked, Some(&now)) {
                Ok(0) | Err(_) => 0,
                // A reader that is gone is an error of the write, and at once.
                Ok(_) => FITS,
            }
        }

        fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
            let stdout = io::stdout();
            while !bytes.is_empty() {
                match rustix::io::write(&stdout, bytes) {
                    Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                    Err(Errno::INTR) => {}
                    // Somebody made it non-blocking.
                    Err(Errno::AGAIN) => {
                        let mut asked = [PollFd::new(&stdout, PollFlags::OUT)];
                        poll(&mut asked, None)?;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::{self, Write as _};

    use super::Sink;

    /// Here it cannot be asked whether there is room.
    pub(super) struct Stdout;

    impl Stdout {
        pub(super) fn new() -> Self {
            Self
        }
    }

    impl Sink for Stdout {
        fn room(&self) -> usize {
            usize::MAX
        }

        fn write(&self, bytes: &[u8]) -> io::Result<()> {
            io::stdout().lock().write_all(bytes)
        }
    }
}

#[cfg(test)]
mod tests;
