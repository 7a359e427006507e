//! One process of the service under test.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Error;

/// Generous: it only ends a run that has failed already.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Instance {
    child: Child,
    addr: SocketAddr,
    log: Log,
    reader: JoinHandle<()>,
}

type Log = Arc<Mutex<Vec<Value>>>;

impl Instance {
    /// Starts `prove serve` with these variables and no others, and waits until it is ready.
    pub(crate) async fn start(settings: &[(&str, String)]) -> Result<Self, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("serve")
            .env_clear()
            .env("MSA_SERVER__ADDR", "127.0.0.1:0")
            .env("MSA_ADMIN__ADDR", "127.0.0.1:0")
            .env("MSA_LOG__FORMAT", "json")
            .env("MSA_LOG__ACCESS", "false")
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("the child has no output")?;
        let log = Log::default();
        let (tell, told) = oneshot::channel();
        let reader = tokio::spawn(follow(stdout, log.clone(), tell));
        let addr = timeout(PATIENCE, told)
            .await?
            .map_err(|_| "the service ended before it listened")?;
        let instance = Self {
            child,
            addr,
            log,
            reader,
        };
        instance.ready().await?;
        Ok(instance)
    }

    async fn ready(&self) -> Result<(), Error> {
        let asked = async {
            while !is_ready(self.addr).await.unwrap_or(false) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        Ok(timeout(PATIENCE, asked).await?)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its management listener is.
    pub(crate) fn admin(&self) -> Result<SocketAddr, Error> {
        let listening = self.logged("listening");
        let admin = listening
            .iter()
            .find_map(|line| line.get("admin")?.as_str());
        Ok(admin
            .ok_or("it did not say where its management listener is")?
            .parse()?)
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) -> Result<(), Error> {
        let id = self.child.id().ok_or("the service has ended already")?;
        let pid = Pid::from_raw(i32::try_from(id)?).ok_or("the service has no id")?;
        Ok(kill_process(pid, Signal::TERM)?)
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> Result<(), Error> {
        self.child.kill().await?;
        Ok((&mut self.reader).await?)
    }

    /// Waits until it has ended and everything it wrote was read.
    pub(crate) async fn exited(&mut self) -> Result<ExitStatus, Error> {
        let status = timeout(PATIENCE, self.child.wait()).await??;
        (&mut self.reader).await?;
        Ok(status)
    }

    /// The lines of its log with this message.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |line: &&Value| line.get("message").and_then(Value::as_str) == Some(message);
        log.iter().filter(wanted).cloned().collect()
    }
}

async fn is_ready(addr: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let ask = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(ask).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}

async fn follow(stdout: ChildStdout, log: Log, tell: oneshot::Sender<SocketAddr>) {
    let mut tell = Some(tell);
    let mut lines = BufReader::new(stdout).lines();
    // An error is the end of the stream, like its end.
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(line) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let addr = line.get("addr").and_then(Value::as_str);
        let addr = addr.and_then(|addr| addr.parse().ok());
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        if let Some(addr) = addr
            && let Some(tell) = tell.take()
        {
            let _ = tell.send(addr); // whoever waited has given up
        }
    }
}
