//! How a process is started.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;

use super::Process;
use crate::{Error, Log, binaries, children, environment};

/// How a process is to be started. Made by [`Process::builder`].
#[derive(Debug)]
#[must_use]
pub struct ProcessBuilder {
    service: String,
    command: Command,
}

impl ProcessBuilder {
    pub(super) fn new(service: &str) -> Result<Self, Error> {
        let mut command = Command::new(binaries::path(service)?);
        environment::forget_configuration(&mut command);
        command
            .env("MSA_SERVER__ADDR", "127.0.0.1:0")
            .env("MSA_ADMIN__ADDR", "127.0.0.1:0")
            .env("MSA_SERVER__DRAIN__LAG", "0s");
        Ok(Self {
            service: service.to_owned(),
            command,
        })
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets several variables.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.command.envs(variables);
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.command.arg(argument.into());
        self
    }

    /// Sets the working directory, where the service looks for its `msa.toml`. Defaults to the caller's.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.command.current_dir(dir.into());
        self
    }

    /// Starts it and returns at once.
    ///
    /// # Errors
    /// When the executable is missing or the system cannot start it.
    pub fn spawn(mut self) -> Result<Process, Error> {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = children::spawn(&mut self.command, &self.service)?;
        let log = Arc::new(Log::default());
        let (stdout, stderr) = {
            let mut child = children::lock(&child);
            (child.stdout.take(), child.stderr.take())
        };
        let mut readers = Vec::new();
        if let Some(stdout) = stdout {
            let log = Arc::clone(&log);
            readers.push(thread::spawn(move || log.follow(stdout)));
        }
        if let Some(stderr) = stderr {
            let log = Arc::clone(&log);
            readers.push(thread::spawn(move || log.follow(stderr)));
        }
        Ok(Process {
            service: self.service,
            child,
            log,
            readers,
        })
    }

    /// Starts it and waits until it has ended by itself: for subcommands and for refusals to start.
    ///
    /// # Errors
    /// As [`ProcessBuilder::spawn`], and [`Error::Late`] when it runs on.
    pub fn run(self) -> Result<(ExitStatus, Arc<Log>), Error> {
        let mut process = self.spawn()?;
        let status = process.wait_exit()?;
        Ok((status, Arc::clone(&process.log)))
    }
}
