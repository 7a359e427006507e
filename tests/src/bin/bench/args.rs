//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Help,
    Throughput,
    Instructions,
    ServeBare,
    ServeMsa,
    Upstream,
    Load,
    CallBare,
    CallMsa,
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    addr: Option<SocketAddr>,
    pub(crate) pairs: usize,
    requests: Option<usize>,
    pub(crate) parallel: usize,
    pub(crate) only: String,
    pub(crate) access_log: bool,
    pub(crate) journal: bool,
    pub(crate) keep: Option<PathBuf>,
}

impl Args {
    pub(crate) fn parse() -> Result<Self> {
        let mut args = Self {
            mode: Mode::Help,
            addr: None,
            pairs: 15,
            requests: None,
            parallel: 16,
            only: String::new(),
            access_log: false,
            journal: true,
            keep: None,
        };
        let mut parser = lexopt::Parser::from_env();
        let mut words = Vec::new();
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => words.insert(0, "help".to_owned()),
                Long("pairs") => args.pairs = parser.value()?.parse::<usize>()?.max(1),
                Long("requests") => args.requests = Some(parser.value()?.parse::<usize>()?.max(1)),
                Long("parallel") => args.parallel = parser.value()?.parse::<usize>()?.max(1),
                Long("only") => args.only = parser.value()?.string()?,
                Long("access-log") => args.access_log = true,
                Long("no-journal") => args.journal = false,
                Long("keep") => args.keep = Some(parser.value()?.into()),
                Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        let mut words = words.into_iter();
        args.mode = match words.next().as_deref() {
            None | Some("help") => Mode::Help,
            Some("throughput") => Mode::Throughput,
            Some("instructions") => Mode::Instructions,
            Some("serve-bare") => Mode::ServeBare,
            Some("serve-msa") => Mode::ServeMsa,
            Some("upstream") => Mode::Upstream,
            Some("load") => Mode::Load,
            Some("call-bare") => Mode::CallBare,
            Some("call-msa") => Mode::CallMsa,
            Some(other) => return Err(format!("no mode is called `{other}`; see --help").into()),
        };
        args.addr = words.next().map(|addr| addr.parse()).transpose()?;
        Ok(args)
    }

    pub(crate) fn addr(&self) -> Result<SocketAddr> {
        self.addr
            .ok_or_else(|| "this mode needs the server's address, as 127.0.0.1:8080".into())
    }

    pub(crate) fn requests_or(&self, default: usize) -> usize {
        self.requests.unwrap_or(default)
    }
}
