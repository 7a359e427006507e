//! One service as a process.

mod builder;

use std::io;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::children::{self, SharedChild};
use crate::error::Tail;
use crate::{AccessLine, Error, Log, http, until};

pub use builder::ProcessBuilder;

/// How long a process may take for what it should do at once. Generous: it only ends a test that has failed already.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    service: String,
    child: SharedChild,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Begins to describe a process of one of the example services, by the name of its binary.
    ///
    /// It listens on free loopback ports and, with no lag, drains at once; everything else is as its users have it.
    ///
    /// # Errors
    /// When the executable is missing and cannot be built.
    pub fn builder(service: &str) -> Result<ProcessBuilder, Error> {
        ProcessBuilder::new(service)
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        children::lock(&self.child).id()
    }

    /// What it wrote.
    #[must_use]
    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Its access log of one transaction so far.
    #[must_use]
    pub fn access_of(&self, gtxid: &str) -> Vec<AccessLine> {
        self.log.access_of(gtxid)
    }

    /// Waits until it says where it listens, and returns that.
    ///
    /// # Errors
    /// When it ends first or says nothing for 30 s.
    pub fn wait_listening(&mut self) -> Result<SocketAddr, Error> {
        self.wait_address("addr")
    }

    /// Waits until it says where its management listener is.
    ///
    /// # Errors
    /// As [`Process::wait_listening`].
    pub fn wait_admin(&mut self) -> Result<SocketAddr, Error> {
        self.wait_address("admin")
    }

    fn wait_address(&mut self, field: &'static str) -> Result<SocketAddr, Error> {
        self.wait(
            "did not say where it listens",
            "before it listened",
            |process| {
                let line = process.log.find(|line| {
                    line.is("msa::lifecycle", "listening") && line.field(field).is_some()
                })?;
                line.field(field)?.parse().ok()
            },
        )
    }

    /// Waits until `/readyz` answers 200, and returns the address.
    ///
    /// # Errors
    /// When it ends first or is not ready within 30 s.
    pub fn wait_ready(&mut self) -> Result<SocketAddr, Error> {
        let addr = self.wait_listening()?;
        self.wait("was not ready", "before it was ready", |_| {
            let answer = http::get(addr, "/readyz").send().ok()?;
            (answer.status == 200).then_some(addr)
        })
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        matches!(self.try_wait(), Ok(None))
    }

    /// Asks it to drain and end: SIGTERM.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// Ends it without warning: SIGKILL.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&self) -> Result<(), Error> {
        self.signal(Signal::KILL)
    }

    /// Stops it where it stands: SIGSTOP. Its sockets stay open, and nobody answers.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pause(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Process::pause`]: SIGCONT.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn resume(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Has it read its configuration again: SIGHUP.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reload(&self) -> Result<(), Error> {
        self.signal(Signal::HUP)
    }

    /// Waits until it has ended and everything it wrote has been read.
    ///
    /// # Errors
    /// [`Error::Late`] when it runs on for 30 s.
    pub fn wait_exit(&mut self) -> Result<ExitStatus, Error> {
        let status = until(PATIENCE, || self.try_wait().transpose())
            .ok_or_else(|| self.late("did not end"))?
            .map_err(Error::io(format!("cannot wait for {}", self.service)))?;
        self.join_readers();
        Ok(status)
    }

    /// Waits until it has ended well: [`Process::wait_exit`], and anything but exit code 0 is an error.
    ///
    /// # Errors
    /// [`Error::Late`], or [`Error::Died`] with its last lines.
    pub fn wait_drained(&mut self) -> Result<(), Error> {
        let status = self.wait_exit()?;
        if status.success() {
            return Ok(());
        }
        Err(self.died(status.to_string(), "instead of with exit code 0"))
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        let mut child = children::lock(&self.child);
        if !matches!(child.try_wait(), Ok(None)) {
            return Ok(()); // it has ended, and its id may be another's by now
        }
        kill_process(Pid::from_child(&child), signal)
            .map_err(|errno| Error::io(format!("cannot signal {}", self.service))(errno.into()))
    }

    fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        children::lock(&self.child).try_wait()
    }

    fn wait<T>(
        &mut self,
        what: &'static str,
        when: &'static str,
        mut probe: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, Error> {
        let outcome = until(PATIENCE, || {
            if let Some(found) = probe(self) {
                return Some(Ok(found));
            }
            match self.try_wait() {
                Ok(None) => None,
                Ok(Some(status)) => Some(Err(status.to_string())),
                Err(error) => Some(Err(error.to_string())),
            }
        });
        match outcome {
            Some(Ok(found)) => Ok(found),
            None => Err(self.late(what)),
            Some(Err(status)) => {
                self.join_readers();
                Err(self.died(status, when))
            }
        }
    }

    fn died(&self, status: String, when: &'static str) -> Error {
        Error::Died {
            service: self.service.clone(),
            status,
            when,
            tail: Tail(self.log.tail(15)),
        }
    }

    fn late(&self, what: &'static str) -> Error {
        Error::Late {
            service: self.service.clone(),
            what,
            tail: Tail(self.log.tail(15)),
        }
    }

    /// The readers end when the process has closed its streams, that is, when it has ended.
    fn join_readers(&mut self) {
        for reader in self.readers.drain(..) {
            // A reader does not panic; if one did, the lines up to there are still kept.
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended already, which is what is wanted.
        {
            let mut child = children::lock(&self.child);
            let _ = child.kill();
            let _ = child.wait();
        }
        self.join_readers();
    }
}
