//! The processes that are measured.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::Result;

/// This program in another mode, under callgrind when `profile` names the file for it.
pub(crate) fn command(mode: &[&str], profile: Option<&Path>) -> Result<Command> {
    let program = std::env::current_exe()?;
    let mut command = match profile {
        Some(file) => {
            let mut out = std::ffi::OsString::from("--callgrind-out-file=");
            out.push(file);
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--quiet", "--tool=callgrind"]);
            valgrind.arg(out).arg(program);
            valgrind
        }
        None => Command::new(program),
    };
    command.args(mode).stderr(Stdio::piped());
    Ok(command)
}

/// A server that runs until it is dropped or stopped. Its log goes nowhere.
pub(crate) struct Server {
    child: Child,
    /// What it says on standard error from here on.
    pub(crate) said: Option<BufReader<ChildStderr>>,
    pub(crate) addr: SocketAddr,
}

impl Server {
    pub(crate) fn start(mode: &[&str], profile: Option<&Path>) -> Result<Self> {
        let mut command = command(mode, profile)?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{:?} cannot be started: {error}", command.get_program()))?;
        let mut said = String::new();
        let mut stderr = child.stderr.take().map(BufReader::new);
        if let Some(stderr) = &mut stderr {
            stderr.read_line(&mut said)?;
        }
        match said
            .trim()
            .strip_prefix("listening ")
            .and_then(|addr| addr.parse().ok())
        {
            Some(addr) => Ok(Self {
                child,
                said: stderr,
                addr,
            }),
            None => {
                child.kill()?;
                child.wait()?;
                Err(format!("{mode:?} did not begin to listen: {said}").into())
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in its own way, so that a profile is written.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("a server ended with {status}").into())
        }
    }
}

/// Runs one of the modes that end by themselves; the seconds that it measured.
pub(crate) fn seconds(mode: &[&str], profile: Option<&Path>) -> Result<f64> {
    let output = command(mode, profile)?.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{mode:?} failed: {said}").into());
    }
    // Behind what it may have logged.
    let said = String::from_utf8(output.stdout)?;
    let last = said.lines().next_back().unwrap_or_default();
    Ok(last.trim().parse()?)
}
