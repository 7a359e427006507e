//! A running service, and everything that it writes.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::service::CHILD;

/// The service as a command, with nothing of this process's own settings.
pub(crate) fn command(dir: &Path, variables: &[(String, String)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env_clear();
    command.env(CHILD, "1").env("MSA_CONFIG_DIR", dir);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

/// What was written up to now.
type Written = Arc<Mutex<Vec<u8>>>;

/// The service while it runs.
pub(crate) struct Running {
    child: Child,
    stdout: Written,
    stderr: Written,
    readers: Vec<JoinHandle<()>>,
    pub(crate) addr: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Written::default(), Written::default());
        let readers = vec![
            follow(child.stdout.take().unwrap(), stdout.clone()),
            follow(child.stderr.take().unwrap(), stderr.clone()),
        ];
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut running = Self {
            child,
            stdout,
            stderr,
            readers,
            addr: any,
            admin: any,
        };
        let line = running.wait_for("listening");
        running.addr = address(&line, "addr").expect(&line);
        running.admin = address(&line, "admin").expect(&line);
        running
    }

    /// The first line with this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        for _ in 0..600 {
            let written = self.stdout();
            if let Some(line) = written.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "{written}{}",
                self.stderr()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{text} was never written: {}", self.stdout());
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.stdout.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.stderr.lock().unwrap().clone()).unwrap()
    }

    /// Ends it in its own way, and returns what it wrote.
    pub(crate) fn stop(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap();
        for reader in std::mem::take(&mut self.readers) {
            reader.join().unwrap();
        }
        (self.stdout(), self.stderr())
    }
}

/// A test that failed leaves no service behind.
impl Drop for Running {
    fn drop(&mut self) {
        // Stopped as it should be, it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(mut from: impl std::io::Read + Send + 'static, to: Written) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            to.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    })
}

/// `"addr":"127.0.0.1:1234"` or `addr=127.0.0.1:1234`.
fn address(line: &str, field: &str) -> Option<SocketAddr> {
    let (_, after) = line
        .split_once(&format!("\"{field}\":\""))
        .or_else(|| line.split_once(&format!(" {field}=")))?;
    let after = after.trim_start_matches('"');
    let end = after.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':')));
    after[..end.unwrap_or(after.len())].parse().ok()
}

/// What a pipe holds when the process has ended.
pub(crate) fn all_of(mut command: Command) -> String {
    let output = command.output().unwrap();
    let mut text = String::new();
    output.stdout.as_slice().read_to_string(&mut text).unwrap();
    output.stderr.as_slice().read_to_string(&mut text).unwrap();
    text
}
